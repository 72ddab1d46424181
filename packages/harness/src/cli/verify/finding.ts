/** One thing that is wrong, and where. */
export type Finding = {
  readonly code: string;
  /** What it was found in: an event's version, an artifact's name. */
  readonly at: string;
  readonly detail: string;
};
