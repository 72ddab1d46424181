// Queued runs: whose turn it is, who hears of them, who holds them, and what is wrong with those that nobody holds.

import type { ApprovalId, RunId, TenantId } from "@assent/contract";
import type { WholeRun } from "./records.ts";

/** Whose turn it is: that of `first`, where somebody gave way to them, else of the tenant after this one. */
export type Turn = { readonly after: TenantId | null; readonly first?: TenantId | null; readonly now: Date };

/** For whom a run is taken, until when, and after how many attempts it is not. */
export type NewLease = {
  readonly worker: WorkerId;
  readonly until: Date;
  readonly attemptsMax: number;
  /** Runs of one tenant that all workers together hold at the same time; left out or null: as many as there are slots. */
  readonly tenantSlots?: number | null;
};

/** A run that was taken. Null in the place of the run: it is queued as before, since its attempts are used up. */
export type Taken = { readonly tenant: TenantId; readonly id: RunId; readonly whole: WholeRun | null };

/** One worker's hold on one run. */
export type Fence = { readonly tenant: TenantId; readonly run: RunId; readonly token: number };

/** A queued run could not be taken. It must not stand in the way of the others. */
export class TakeFailed extends Error {
  override readonly name = "TakeFailed";
  readonly tenant: TenantId;
  readonly run: RunId;
  /** Under which lease it is all the same; absent where it is queued as before. */
  readonly token?: number;

  constructor({ tenant, run, token }: Broken, cause: unknown) {
    super(`run ${run} could not be taken`, { cause });
    this.tenant = tenant;
    this.run = run;
    if (token !== undefined) this.token = token;
  }
}

type Broken = { readonly tenant: TenantId; readonly run: RunId; readonly token?: number };

/** How full the queue is, counted up to a limit. */
export type QueueLoad = {
  readonly queued: number;
  readonly queuedOfTenant: number;
  /** How long the oldest that can be carried out has been due; 0 when none is. */
  readonly oldestSeconds: number;
  /** The same of the tenant's own. */
  readonly oldestOfTenantSeconds: number;
};

/** How those who wait for queued runs hear of them sooner than they would by looking. */
export type WakeUps = {
  /** A run was queued and is due; to be called after its commit. */
  ring(): void;
  /**
   * @param listener says whether it will look at once; if so nobody else is woken
   * @returns ends the listening
   */
  listen(listener: (from: "here" | "elsewhere") => boolean): () => void;
  /** The run was taken from whoever holds it, in the midst of its work; to be called after that commit. */
  readonly callOff: (run: RunId) => void;
  /** A person's word was committed to a run whose driver does not wait for it here; to be called after that commit. */
  readonly answered: (run: RunId) => void;
  /**
   * @param listener is told of a run that a person may have answered (null: of any, since news may have been missed)
   * @returns ends the listening
   */
  listenToAnswers(listener: (run: RunId | null) => void): () => void;
  /**
   * @param listener is told of a run that may have been taken from it (null: of any, since news may have been missed), and
   * says whether it holds that one
   * @returns ends the listening
   */
  listenToCallOffs(listener: (run: RunId | null) => boolean): () => void;
};

export type Due =
  | { readonly why: "lease_lost"; readonly tenant: TenantId; readonly run: RunId; readonly token: number }
  | {
      readonly why: "approval_expired";
      readonly tenant: TenantId;
      readonly run: RunId;
      readonly approval: ApprovalId;
    }
  | { readonly why: "driver_idle"; readonly tenant: TenantId; readonly run: RunId };

/**
 * `isAnyQueued`: some run waits to be taken, whether its time has come or not. `isAnyMessage`: a message to a webhook is to
 * be sent.
 */
export type Found = {
  readonly findings: readonly Due[];
  readonly isAnyQueued: boolean;
  readonly isAnyMessage: boolean;
};

/** The lease that a call is made under; all left out where no run is advanced. */
export type CallLease = {
  /** Who has seen a higher one with the same effect id knows that the call comes late. */
  readonly fencingToken?: number;
  /**
   * Whether the run is still in these hands, by the database; false as well where that cannot be asked. Before a call that
   * was not intended a moment ago: one that is repeated, or for which something else was waited for.
   */
  readonly isStillHeld?: () => Promise<boolean>;
  /**
   * Proves the lease, by the database where it was last proven too long ago: asked where there is a connection already, and
   * not a byte of the call has gone out. A process that was stopped on the way finds out there.
   * @throws where the lease is another's: nothing may be sent any more
   */
  readonly prove?: () => Promise<void>;
};

export type WorkerId = number;

export type TransactionKind = {
  /**
   * It finds out by itself that an earlier run of it was committed, or does no harm twice: so it may also be run again
   * when the connection was lost during the commit, which leaves open whether that happened.
   */
  readonly isRepeatable: boolean;
};

/** The database cannot be used now. What was to be done has not been done, unless `commit` is unknown. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
  readonly commit: "none" | "unknown";

  constructor(commit: "none" | "unknown", cause: unknown) {
    super(`the database cannot be used (${cause instanceof Error ? cause.message : "unknown"})`, { cause });
    this.commit = commit;
  }
}

/** The clock here and the database's tell different times, so nothing may be decided by it. Nothing was done. */
export class ClockAstray extends Error {
  override readonly name = "ClockAstray";
}

/** A worker's sign of life, as the database sees it: gone the moment its process is. */
export type Presence = { readonly worker: WorkerId; isPresent(): boolean; end(): Promise<void> };
