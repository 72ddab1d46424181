// What a verdict rests on that whoever verifies has brought along, and what it cannot say without that.

import type { Policy } from "@assent/tlog";

export type TakenTime = {
  readonly taken: string;
  readonly from: "clock" | "given";
  /** What the clock says. */
  readonly clock: string;
  /** Times of entries and of cosignatures that are past by the time that was given, and still to come by the clock. */
  readonly ahead: number;
};

/** @param clock what it says, where somebody gave `now` in its place */
export const takenTime = (
  { now, clock = null }: { readonly now: Date; readonly clock?: Date | null },
  ahead: number,
): TakenTime => ({
  taken: now.toISOString(),
  from: clock === null ? "clock" : "given",
  clock: (clock ?? now).toISOString(),
  ahead,
});

/**
 * A log that was cut short to which older state looks whole: to any that was signed, or to any that a quorum of witnesses cosigned.
 * Null: to none that whoever verifies remembers, or, by the age of the newest cosignature, to none that is old.
 */
export type CutUnnoticed = "signed" | "cosigned" | null;

export function cutUnnoticedBy({
  remembered,
  policy,
  cosignedSince,
}: {
  readonly remembered: string | null;
  readonly policy: Pick<Policy, "isQuorumNone"> | null;
  readonly cosignedSince: Date | null;
}): CutUnnoticed {
  if (remembered !== null) return null;
  if (policy === null || policy.isQuorumNone) return "signed";
  return cosignedSince === null ? "cosigned" : null;
}
