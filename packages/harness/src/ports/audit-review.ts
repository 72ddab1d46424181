// The evidence as its database has it, in one snapshot, for somebody who checks all of it against itself.

import type {
  ApprovalState,
  DocumentId,
  EventKind,
  KeyId,
  PrincipalId,
  RunId,
  RunState,
  StepState,
} from "@assent/contract";
import type {
  Anchor,
  LevelNode,
  LogHead,
  LogInfo,
  StoredCheckpoint,
  StoredLeaf,
  WaitingFact,
} from "./audit.ts";

export type ReviewedTenant = {
  /** UUID. */
  readonly id: string;
  readonly slug: string;
};

export type ReviewedLeaf = Omit<StoredLeaf, "leaf"> & {
  /** Null where it was pruned, or somebody has removed it. */
  readonly leaf: Uint8Array | null;
  /** The row that the leaf is about; null where it is gone. Its payload may be another than the leaf's own. */
  readonly fact: Pick<WaitingFact, "subject" | "version" | "at" | "kind" | "actor"> | null;
};

/** An event that stands where none can, or stands nowhere. */
export type MisplacedEvent = {
  readonly what: "lost" | "twice" | "orphan";
  readonly eventId: string;
  /** Subject and version; null where the event itself is not there. */
  readonly name: string | null;
};

export type CoveredCheckpoints = {
  readonly count: number;
  /** At most so many as were asked for. */
  readonly missing: readonly { readonly subject: string; readonly version: number; readonly size: number }[];
};

export type ReviewedRun = {
  readonly id: RunId;
  readonly state: RunState;
  readonly version: number;
  readonly steps: readonly { readonly seq: number; readonly state: StepState }[];
  /** Of each `apr_…` its state, and who is said to have agreed, where it takes several. */
  readonly approvals: readonly {
    readonly id: string;
    readonly state: ApprovalState;
    readonly votes: readonly ReviewedVote[];
  }[];
  /** `art_…` */
  readonly artifacts: readonly string[];
};

/** Seconds since 1970 with six decimals, as the database writes them: a time that is compared, and to the microsecond. */
export type ExactTime = string;

export type ReviewedVote = {
  /** `prn_…` */
  readonly by: string;
  /** `sha256:…` */
  readonly actionDigest: string;
  readonly at: ExactTime;
};

/** A vote on an approval that there is not. */
export type StrayVote = { readonly approval: string; readonly by: string };

export type ReviewedEvent = {
  readonly run: RunId;
  readonly version: number;
  readonly kind: EventKind;
  /** `prn_…`; null where the harness itself did it. */
  readonly actor: string | null;
  /** What it says, or that this was erased. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly isErased: boolean;
  readonly at: ExactTime;
};

/** An object whose row is not what its newest event says that it was. */
export type ChangedObject = {
  readonly run: RunId;
  /** `run`, `step 3`, `apr_…`, `art_…`. */
  readonly object: string;
  readonly version: number;
  readonly isGone: boolean;
};

export type ChangedDocument = {
  readonly id: DocumentId;
  readonly what: "unrecorded" | "removed" | "altered" | "still there";
};

export type ReviewedKeys = {
  readonly held: number;
  /** Of how many of them no event says who made them: an operator's own, or what somebody put there. */
  readonly ofNobody: number;
  /** At most so many of these as were asked for, the oldest first. */
  readonly ids: readonly KeyId[];
};

export type ChangedPrincipal = Pick<ChangedKey, "what"> & { readonly id: PrincipalId };

export type ChangedKey = { readonly id: KeyId; readonly what: "unrecorded" | "removed" | "altered" };

/** An answer that is given again, of which rows are another thing than their newest event took a digest of. */
export type ChangedPrecedent = {
  /** `sha256:…` */
  readonly id: string;
  readonly what: "unrecorded" | "removed" | "altered" | "still there" | "terms of nothing";
};

/** A row of an answer, as far as the memory's own events tell of it. */
export type ReviewedPrecedent = {
  /** `sha256:…` */
  readonly id: string;
  readonly isRevoked: boolean;
  /** As it stands there: anything, where somebody wrote into it. */
  readonly record: unknown;
};

/** That an answer was given, or taken back, as the memory recorded it. */
export type MemoryEvent = {
  readonly at: ExactTime;
  /** Null where it was erased or pruned: it may have been any of the memory's. */
  readonly data: Readonly<Record<string, unknown>> | null;
};

/** A row of the keys that requests are signed with. */
export type ReviewedSigningKey = {
  /** `sgk_…` */
  readonly id: string;
  /** `prn_…` */
  readonly principal: string;
  readonly algorithm: string;
  /** Base64url; null where there is none. */
  readonly publicKey: string | null;
  readonly createdAt: ExactTime;
  readonly expiresAt: ExactTime | null;
  readonly revokedAt: ExactTime | null;
};

/** What an event says of such a key. */
export type SigningKeyEvent = {
  readonly kind: string;
  readonly at: ExactTime;
  /** Null where it was erased or pruned. */
  readonly data: Readonly<Record<string, unknown>> | null;
};

/** A row of where the tenant is told of what happens; those that were removed are among them. */
export type ReviewedWebhook = {
  /** `whk_…` */
  readonly id: string;
  readonly url: string;
  /** Null where an older program made it. */
  readonly urlSalt: Uint8Array | null;
  readonly events: readonly string[];
  readonly offBecause: string | null;
  readonly generation: number;
  readonly previousUntil: ExactTime | null;
  readonly createdAt: ExactTime;
  /** `prn_…` */
  readonly createdBy: string;
  readonly removedAt: ExactTime | null;
};

/** What an event says of a webhook. */
export type WebhookEventRow = SigningKeyEvent & {
  /** `prn_…`; null where the harness itself did it. */
  readonly actor: string | null;
};

export type ReviewTx = {
  tenants(): Promise<readonly ReviewedTenant[]>;
  logs(tenant: string): Promise<readonly (LogInfo & Pick<LogHead, "size" | "root">)[]>;
  /** Leaves from a place on, each with its event. */
  leaves(tenant: string, epoch: number, from: number, limit: number): Promise<readonly ReviewedLeaf[]>;
  nodes(tenant: string, epoch: number): Promise<readonly LevelNode[]>;
  checkpoints(tenant: string, epoch: number): Promise<readonly StoredCheckpoint[]>;
  /** At most so many. */
  misplaced(tenant: string, limit: number): Promise<readonly MisplacedEvent[]>;
  waiting(tenant: string): Promise<{ readonly count: number; readonly oldestSeconds: number }>;
  /** Checkpoints that this tenant's log says it took over from others' logs, and those of them that no log has. */
  covered(tenant: string, limit: number): Promise<CoveredCheckpoints>;
  /** Entries of the log whose payload was erased with a record that is not in it: it waits, or stands in a later epoch. */
  erasuresElsewhere(tenant: string, epoch: number): Promise<readonly number[]>;
  /** The minimum index of the log that a later epoch records; 0 for none. */
  minimumElsewhere(tenant: string, epoch: number): Promise<number>;
  /** Runs after this id, in the order of their ids; null: from the first. */
  runs(tenant: string, after: RunId | null, limit: number): Promise<readonly ReviewedRun[]>;
  /** Of these runs, by run and version. */
  events(tenant: string, runs: readonly RunId[]): Promise<readonly ReviewedEvent[]>;
  /** Of these runs. `compared` counts the objects whose state at their newest event is known. */
  changed(
    tenant: string,
    runs: readonly RunId[],
  ): Promise<{ readonly compared: number; readonly objects: readonly ChangedObject[] }>;
  /** Documents whose row, or whose absence, is not what their newest event says; at most so many. */
  changedDocuments(tenant: string, limit: number): Promise<readonly ChangedDocument[]>;
  /** Keys whose row, or whose absence, is not what their newest event says; at most so many. */
  changedKeys(tenant: string, limit: number): Promise<readonly ChangedKey[]>;
  /** At most so many are named. */
  keys(tenant: string, limit: number): Promise<ReviewedKeys>;
  /** Principals whose row, or whose absence, is not what their newest event says; at most so many. */
  changedPrincipals(tenant: string, limit: number): Promise<readonly ChangedPrincipal[]>;
  /** All of them. */
  signingKeys(tenant: string): Promise<readonly ReviewedSigningKey[]>;
  /** About them, in the order in which they were recorded. */
  signingKeyEvents(tenant: string): Promise<readonly SigningKeyEvent[]>;
  /** All of them. */
  webhooks(tenant: string): Promise<readonly ReviewedWebhook[]>;
  /** About them, in the order in which they were recorded. */
  webhookEvents(tenant: string): Promise<readonly WebhookEventRow[]>;
  /** Answers whose row, or whose absence, is not what their newest event says; at most so many. */
  changedPrecedents(tenant: string, limit: number): Promise<readonly ChangedPrecedent[]>;
  /** All of them. */
  precedents(tenant: string): Promise<readonly ReviewedPrecedent[]>;
  /** That answers were given and taken back, and all that was erased; in the order in which they were recorded. */
  memoryEvents(tenant: string): Promise<readonly MemoryEvent[]>;
  /** At most so many. */
  strayVotes(tenant: string, limit: number): Promise<readonly StrayVote[]>;
  /** Runs that have events and no row, at most so many. */
  missingRuns(tenant: string, limit: number): Promise<readonly RunId[]>;
};

/** What is known of a log outside of the database, read before the snapshot was taken: so the database has it all. */
export type OutsideKnowledge = {
  readonly anchor: Anchor | null;
  /** The signed note among the published files. */
  readonly published: string | null;
  /** One that the checker kept. */
  readonly remembered: string | null;
  /** Among the published files, by its path; null for none. */
  readonly readFile: (path: string) => Promise<Uint8Array | null>;
};
