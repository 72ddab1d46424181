// Whether memory grows with work: the slope of the heap after garbage collection over batches of work. The median of all
// pairwise slopes (Theil 1950, Sen 1968) is not moved by the few batches in which something else happened, as the
// difference between the first and the last would be. Readings of one heap hang together (what was compiled or pooled
// stays so for a while), which makes Sen's interval too narrow; it is widened by how much they do (Hamed and Rao 1998).

import { LEAK_BYTES } from "./objectives.ts";

export type MemoryReading = { readonly runs: number; readonly bytes: number };

export type Slope = {
  /** Bytes a run: the median of the slopes between all pairs. */
  readonly bytesPerRun: number;
  /** An interval that holds the true slope with about 95 in 100; where it includes 0, no growth is shown. */
  readonly low: number;
  readonly high: number;
};

/** Two-sided 95 % of the normal distribution, as Sen's interval uses it. */
const Z = 1.96;

const median = (sorted: readonly number[]): number => {
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? Number.NaN) + (sorted[Math.ceil(at)] ?? Number.NaN)) / 2;
};

/**
 * By how much the variance of Kendall's statistic grows because neighbours resemble each other: 1 where they do not.
 * Of the autocorrelations of the ranks only those are taken that chance does not explain.
 */
function varianceFactor(readings: readonly MemoryReading[], bytesPerRun: number): number {
  const n = readings.length;
  const detrended = readings
    .toSorted((a, b) => a.runs - b.runs)
    .map(({ runs, bytes }) => bytes - bytesPerRun * runs);
  const sorted = detrended.toSorted((a, b) => a - b);
  // Equal values share the middle of their ranks.
  const ranks = detrended.map(
    (value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 - (n - 1) / 2,
  );
  const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0);
  if (variance === 0) return 1;
  let sum = 0;
  for (let lag = 1; lag < n - 2; lag += 1) {
    const product = ranks.slice(lag).reduce((total, rank, at) => total + rank * (ranks[at] ?? 0), 0);
    const correlation = product / variance;
    if (Math.abs(correlation) > Z / Math.sqrt(n))
      sum += (n - lag) * (n - lag - 1) * (n - lag - 2) * correlation;
  }
  // Never narrower than independent readings would have it: the correlations are only estimates.
  return Math.max(1, 1 + (2 / (n * (n - 1) * (n - 2))) * sum);
}

/** @param readings at least 8 of different `runs`, in any order */
export function theilSenSlope(readings: readonly MemoryReading[]): Slope {
  const slopes: number[] = [];
  readings.forEach((from, index) => {
    for (const to of readings.slice(index + 1))
      if (to.runs !== from.runs) slopes.push((to.bytes - from.bytes) / (to.runs - from.runs));
  });
  if (readings.length < READINGS_MIN) throw new Error(`a slope needs ${READINGS_MIN} readings`);
  const sorted = slopes.toSorted((a, b) => a - b);
  const n = readings.length;
  const bytesPerRun = median(sorted);
  // Ranks of the interval, from the variance of Kendall's statistic.
  const variance = ((n * (n - 1) * (2 * n + 5)) / 18) * varianceFactor(readings, bytesPerRun);
  const spread = Z * Math.sqrt(variance);
  const at = (rank: number): number =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(rank)))] ?? Number.NaN;
  return {
    bytesPerRun,
    low: at((sorted.length - spread) / 2 - 1),
    high: at((sorted.length + spread) / 2),
  };
}

const READINGS_MIN = 8;

/** Below this a slope is no leak that anybody could find in a day's work: 10,000 runs would be 160 kB. */
export const SLOPE_BYTES_MIN = 16;

/** Growth is shown where even the low end of the interval is above what could be noise. */
export const isGrowing = ({ low }: Slope, least: number = SLOPE_BYTES_MIN): boolean => low > least;

/**
 * Growth is ruled out where even the high end of the interval is less than a leak. Where it is neither shown nor ruled out, what is
 * held moves in steps, or has begun to grow late: more readings say which.
 */
export const isRuledOut = ({ high }: Slope): boolean => high < LEAK_BYTES;

/**
 * Whether a leak of {@link LEAK_BYTES} a run would have been found in these very readings. It would have moved the whole
 * interval up by itself, so no growth means something only where the low end is less than that below the limit.
 */
export const wouldShowLeak = ({ low }: Slope): boolean => low + LEAK_BYTES > SLOPE_BYTES_MIN;
