// Whether memory grows with work: the slope of the heap after garbage collection over batches of work. The median of all
// pairwise slopes (Theil 1950, Sen 1968) is not moved by the few batches in which something else happened, as the
// difference between the first and the last would be.

export type HeapReading = { readonly runs: number; readonly heapBytes: number };

export type Slope = {
  /** Bytes a run: the median of the slopes between all pairs. */
  readonly bytesPerRun: number;
  /** An interval that holds the true slope with about 95 in 100; where it includes 0, no growth is shown. */
  readonly low: number;
  readonly high: number;
};

/** Two-sided 95 % of the normal distribution, as Sen's interval uses it. */
const Z = 1.96;

/** @param readings at least 8 of different `runs`, in any order */
export function theilSenSlope(readings: readonly HeapReading[]): Slope {
  const slopes: number[] = [];
  readings.forEach((from, index) => {
    for (const to of readings.slice(index + 1))
      if (to.runs !== from.runs) slopes.push((to.heapBytes - from.heapBytes) / (to.runs - from.runs));
  });
  if (readings.length < READINGS_MIN) throw new Error(`a slope needs ${READINGS_MIN} readings`);
  const sorted = slopes.toSorted((a, b) => a - b);
  const n = readings.length;
  // Ranks of the interval, from the variance of Kendall's statistic.
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number): number =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(rank)))] ?? Number.NaN;
  return {
    bytesPerRun: (at(Math.floor((sorted.length - 1) / 2)) + at(Math.ceil((sorted.length - 1) / 2))) / 2,
    low: at((sorted.length - spread) / 2 - 1),
    high: at((sorted.length + spread) / 2),
  };
}

const READINGS_MIN = 8;

/** Below this a slope is no leak that anybody could find in a day's work: 10,000 runs would be 160 kB. */
export const SLOPE_BYTES_MIN = 16;

/** Growth is shown where even the low end of the interval is above what could be noise. */
export const isGrowing = ({ low }: Slope): boolean => low > SLOPE_BYTES_MIN;
