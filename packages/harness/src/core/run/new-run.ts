import type { RunId } from "@assent/contract";

/** What the record of a run says of one that nobody has worked on, beside what it was asked for with. */
type Unworked = {
  readonly state: "queued";
  readonly version: 1;
  readonly reason: null;
  readonly answer: null;
  readonly attempt: 0;
  readonly fencingToken: 0;
  readonly updatedAt: Date;
  readonly finishedAt: null;
  readonly redriveOf: RunId | null;
};

/** The record of a run as it is submitted, its tenant aside. Nothing of it is the database's own. */
export const newRun = <R extends { readonly createdAt: Date; readonly redriveOf?: RunId }>(
  run: R,
): Omit<R, "redriveOf"> & Unworked => ({
  ...run,
  state: "queued",
  version: 1,
  reason: null,
  answer: null,
  attempt: 0,
  fencingToken: 0,
  updatedAt: run.createdAt,
  finishedAt: null,
  redriveOf: run.redriveOf ?? null,
});
