// That a run has new events, told within the process that committed them.

import type { RunId } from "@assent/contract";

/** A hint and no more: what other processes commit is not told, and whoever waits also looks from time to time. */
export type RunNews = {
  /** The run has come to this version; to be called after the commit. */
  tell(run: RunId, version: number): void;
  /** The newest version that was told of the run; undefined where none was a moment ago, or too many others have been since. */
  newest(run: RunId): number | undefined;
  /** @returns ends the listening */
  listen(run: RunId, listener: (version: number) => void): () => void;
};
