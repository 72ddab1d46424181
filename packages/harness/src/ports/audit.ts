// The tenant's log: what the sequencer, the signer and whoever asks for a proof need of the outside.

import type { ApprovalId, RunId, TenantId } from "@assent/contract";
import type { OpenedFields } from "./sealing.ts";

/** A committed fact that waits for its place in the tree. */
export type WaitingFact = {
  readonly eventId: string;
  /** `run_…`, `key_…`: what the versions count. */
  readonly subject: string;
  readonly version: number;
  readonly at: Date;
  readonly kind: string;
  /** UUID of the principal; null where nobody in particular did it. */
  readonly actor: string | null;
  /** The payload's text, exactly as it is stored. */
  readonly payload: string;
  /** SHA-256 of what the fact is about, as its transaction left it; null where that is not known. */
  readonly state: Uint8Array | null;
};

export type NewestFact = Omit<WaitingFact, "state">;

export type LogHead = { readonly epoch: number; readonly size: number; readonly root: Uint8Array };

export type LogInfo = { readonly epoch: number; readonly origin: string; readonly vkey: string };

export type SequencedLeaf = {
  readonly eventId: string;
  readonly leaf: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly salt: Uint8Array;
};

export type LevelNode = { readonly level: number; readonly index: number; readonly hash: Uint8Array };

export type LogBatch = {
  readonly leaves: readonly SequencedLeaf[];
  readonly nodes: readonly LevelNode[];
  readonly root: Uint8Array;
};

export type StoredLeaf = {
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly leafHash: Uint8Array;
  /** Null when the payload was erased. */
  readonly salt: Uint8Array | null;
  readonly payload: string | null;
};

export type OpenedLeaf = StoredLeaf & {
  /** What is sealed in the payload; null where nothing is, where its key is gone, or is not in this home. */
  readonly opened: OpenedFields | null;
};

export type StoredCheckpoint = {
  readonly epoch: number;
  readonly size: number;
  /** Signed note, with the witnesses' lines that have come in. */
  readonly note: string;
};

/** Of a tile level, from one place on. */
export type HashRange = { readonly level: number; readonly from: number; readonly count: number };

/** Of each of several parts, in their order. */
export type Hashes = readonly (readonly Uint8Array[])[];

/** An entry of the tree, and a checkpoint that covers it. */
export type CoveredEntry = {
  readonly epoch: number;
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly checkpoint: Omit<StoredCheckpoint, "epoch">;
};

/** An approval that somebody has decided. */
export type Decided = { readonly run: RunId; readonly approval: ApprovalId };

/** One tenant's log inside one transaction; the head is locked where it was asked for with `lock`. */
export type LogTx = {
  /** All epochs, oldest first. */
  logs(): Promise<readonly LogInfo[]>;
  begin(log: LogInfo): Promise<void>;
  /** The newest epoch's head; nobody else appends until this transaction ends. Null before the first `begin`. */
  lock(): Promise<LogHead | null>;
  head(epoch: number): Promise<LogHead | null>;
  /** Oldest first, and at least so many where there are; what one statement recorded stays together. */
  take(enough: number): Promise<readonly WaitingFact[]>;
  append(head: LogHead, batch: LogBatch): Promise<void>;
  /** Hashes of a tile level from one place on: leaf hashes at level 0, roots of full tiles above. */
  hashes(epoch: number, level: number, from: number, count: number): Promise<readonly Uint8Array[]>;
  /** The same for several parts of the tree; of each, what there is of it. */
  hashRanges(epoch: number, ranges: readonly HashRange[]): Promise<Hashes>;
  /** Of those that were not pruned. */
  leaves(epoch: number, from: number, count: number): Promise<readonly Uint8Array[]>;
  /** Leaves with what opens them; none that were pruned. */
  opened(epoch: number, from: number, count: number): Promise<readonly OpenedLeaf[]>;
  /** Where a run's event stands; null while it waits. */
  place(run: RunId, version: number): Promise<{ readonly epoch: number; readonly index: number } | null>;
  /** The newest fact about this subject; null for none. */
  eventOf(subject: string): Promise<string | null>;
  /** The newest fact about this subject with its payload; null for none. */
  newestFact(subject: string): Promise<NewestFact | null>;
  /** The newest fact about this subject among the entries before this place; null for none. */
  newestEntry(subject: string, epoch: number, before: number): Promise<number | null>;
  /** Checkpoints that any witness has cosigned, newest first, with the cosignatures; at most so many. */
  cosigned(epoch: number, limit: number): Promise<readonly StoredCheckpoint[]>;
  /** When the first checkpoint of more than this many entries was signed; null for none. */
  signedAfter(epoch: number, size: number): Promise<Date | null>;
  /** Whether a checkpoint covers this event. */
  isCovered(eventId: string): Promise<boolean>;
  addCosignature(checkpoint: Omit<StoredCheckpoint, "note">, witness: string, line: string): Promise<void>;
  /** The newest checkpoint of the epoch with at least this size. */
  checkpoint(epoch: number, sizeMin: number): Promise<StoredCheckpoint | null>;
  /** The first checkpoint of the epoch with at least this size, without what witnesses added later: it stays as it is. */
  firstCheckpoint(epoch: number, sizeMin: number): Promise<StoredCheckpoint | null>;
  /** What of its payload is personal is sealed. */
  addFact(fact: Omit<WaitingFact, "eventId" | "state" | "version">): Promise<void>;
  /** Below this place entries of the log are not kept, as a signed entry says; 0 where it was never pruned. */
  minimum(epoch: number): Promise<number>;
  /** Entries from the first one on that are older than this, and that nothing that stays rests on. */
  prunable(epoch: number, before: Date): Promise<number>;
  /** Takes a batch of entries below the minimum, from this place on. @returns the place behind it; null for none */
  pruneNext(epoch: number, from: number): Promise<number | null>;
  /** False when there is no such leaf, or its payload is gone already. */
  erase(erasure: {
    readonly epoch: number;
    readonly index: number;
    readonly reason: string;
    readonly actor: string;
    readonly at: Date;
  }): Promise<boolean>;
  /** Events, leaves and what waits, counted: events = leaves + waiting, whatever happens. */
  count(): Promise<{ readonly events: number; readonly leaves: number; readonly waiting: number }>;
};

/** A tenant's newest log, and its newest checkpoint with all lines that there are; null before the first. */
export type NewestCheckpoint = LogInfo & {
  readonly tenant: TenantId;
  readonly checkpoint: StoredCheckpoint | null;
};

/**
 * A part of a tenant's evidence in numbers, all of one moment: events = placed + waiting, and size = entries, whatever
 * happens.
 */
export type LogBalance = {
  readonly tenant: TenantId;
  readonly events: number;
  /** Of those events, how many stand in a tree. */
  readonly placed: number;
  readonly waiting: number;
  /** Places of trees that should have an entry. */
  readonly size: number;
  readonly entries: number;
};

export type LogStore = {
  transaction<T>(tenant: TenantId, work: (tx: LogTx) => Promise<T>): Promise<T>;
  /**
   * People's decisions about approvals, each with the oldest checkpoint that covers it; null while there is none. One
   * statement by itself: what was answered stays true.
   */
  decisionEntries(tenant: TenantId, decided: readonly Decided[]): Promise<readonly (CoveredEntry | null)[]>;
  /** Of several parts of the tree, what there is of each. The same: hashes of what a checkpoint covers never change. */
  hashRanges(tenant: TenantId, epoch: number, ranges: readonly HashRange[]): Promise<Hashes>;
  /** By itself, whatever else is written; one that is there already stays. */
  addCheckpoint(tenant: TenantId, checkpoint: StoredCheckpoint, at: Date): Promise<void>;
  /** Tenants with facts that wait. */
  pending(): Promise<readonly TenantId[]>;
  /** Of all tenants behind this one, so many at most, in the order of their ids. */
  newestCheckpoints(after: TenantId | null, most: number): Promise<readonly NewestCheckpoint[]>;
  /** Every tenant's: of what came since the last even look, and of a slice of what is older. */
  balances(): Promise<readonly LogBalance[]>;
  /** Entries of all tenants' trees together. */
  headSeq(): Promise<number>;
};

/** What a signer remembers of a log by itself. */
export type Anchor = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

/** The signer's own memory: files that the database cannot reach. */
export type AnchorFiles = {
  read(origin: string): Promise<Anchor | null>;
  /**
   * Replaces `before` by `next`, durably, or does nothing: false when somebody else was faster. Of two signers at once
   * at most one goes on to sign.
   */
  replace(before: Anchor | null, next: Anchor): Promise<boolean>;
};

/** The log as files, tlog-tiles below a folder per log. */
export type LogFiles = {
  /** The signed note that is published; null for none. */
  readCheckpoint(origin: string): Promise<string | null>;
  /** A tile or a bundle of entries by its path; null for none. */
  read(origin: string, path: string): Promise<Uint8Array | null>;
  /** Writes files that are not there yet, and returns when all of them would survive a loss of power. */
  write(origin: string, files: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /**
   * Removes the bundles of entries below this place, and leaves the tree; says so before. Done once, it does nothing.
   * @param bundles their paths, in their order
   */
  prune(origin: string, minimum: number, bundles: readonly string[]): Promise<void>;
  /** Puts the checkpoint in the place of the one before, all of it or nothing. */
  publish(origin: string, note: string): Promise<void>;
};

/** Which of many processes keeps the logs, and how others wake it. */
export type LogHold = {
  /** Whether this process is the one, from now on if nobody else is. */
  take(): Promise<boolean>;
  end(): Promise<void>;
};
