// How far two clocks are apart, as far as one question can tell.

/** Well within what a lease has in hand (30 s, renewed every 10 s), and more than a synchronised clock ever is off. */
export const CLOCK_SECONDS_MAX = 5;

export type Asked = {
  /** By the clock here, in milliseconds: before the question and after its answer. */
  readonly before: number;
  readonly after: number;
  /** What the other clock said, at some time between the two. */
  readonly at: number;
};

/** How far the clock here is ahead for certain, in milliseconds; negative where it is behind. */
export const millisecondsAhead = ({ before, after, at }: Asked): number =>
  before > at ? before - at : Math.min(after - at, 0);

/** Null where that is let pass, else a sentence. */
export function clockDifference(aheadMs: number, other: string): string | null {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  if (seconds <= CLOCK_SECONDS_MAX) return null;
  return `The clock here is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} that of ${other}.`;
}
