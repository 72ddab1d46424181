// That a run has new events, told within the process that committed them.

import type { RunId } from "@assent/contract";

export type Listener = "driver" | "onlooker";

/** A hint and no more: of what other processes commit little is told, and whoever waits also looks from time to time. */
export type RunNews = {
  /**
   * The run has come to this version; to be called after the commit.
   * @returns whether its driver waited for it here, and so need not be told through the database
   */
  tell(run: RunId, version: number): boolean;
  /** Another process may have committed to the run, or, with null, to any: whoever waits for it is to look. */
  hint(run: RunId | null): void;
  /** The newest version that was told of the run; undefined where none was a moment ago, or too many others have been since. */
  newest(run: RunId): number | undefined;
  /**
   * @param listener is told of the version, or null where it is to look
   * @param who the run's driver, or somebody who looks on
   * @returns ends the listening
   */
  listen(run: RunId, listener: (version: number | null) => void, who: Listener): () => void;
};
