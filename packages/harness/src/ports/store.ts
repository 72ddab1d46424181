// Where state is kept, and what wakes whom: the part of the ports that is about data.

import type {
  AccessEvent,
  AccessEventId,
  Actor,
  ApprovalId,
  Artifact,
  ArtifactId,
  AuditEvent,
  Document,
  DocumentId,
  Key,
  KeyId,
  Passage,
  PrincipalId,
  RunId,
  Principal,
  PrincipalChange,
  SigningKey,
  SigningKeyId,
  TenantId,
} from "@assent/contract";
import type { Admitted, Caller, NewKey, NewSigningKey } from "./entrance.ts";
import type { ConflictPattern, HarmonyStore, Resolution } from "@assent/harmony";
import type { Sha256 } from "../base/digest.ts";
import type { TokenSubject } from "../core/access/token-subject.ts";
import type { QuotaPolicy } from "../core/access/quota.ts";
import type { AgentDefinition } from "../core/agent.ts";
import type { Meaning } from "../core/retrieval/meaning.ts";
import type { CutPassage } from "../core/retrieval/passages.ts";
import type { ExternalDefinition } from "../core/external.ts";
import type { Manifest } from "../core/tool.ts";
import type { Journal } from "../core/run/journal.ts";
import type { TenantSlots } from "../core/run/turns.ts";
import type { Breakers, BudgetRows, NewReservation, ReservationRefusal, Settlement } from "./budget.ts";
import type { Result } from "../base/result.ts";
import type { Fence, Found, NewLease, QueueLoad, Taken, TransactionKind, Turn, WorkerId } from "./queue.ts";
import type { ApprovalRecord, NewAuditEvent, NewRun, RunQuery, RunRecord, WholeRun } from "./records.ts";
import type { QuestionRows, Unanswered } from "./questions.ts";
import type { RunWrites } from "./run-writes.ts";
import type { DecidedCalls, DecisionPlace } from "./decisions.ts";
import type { DeliveryQueue, WebhookRows } from "./webhooks.ts";

export type IdempotencyRecord = {
  readonly fingerprint: Sha256;
  readonly status: number;
  readonly location: string | null;
  readonly body: string;
};

/** What one transaction of one tenant can do. Everything in it commits together, or nothing does. */
export type StoreTx = {
  readonly runs: {
    /** Queues it, and keeps the definition that it is submitted under, where that is given. */
    insert(run: NewRun, definition: AgentDefinition | null): Promise<RunRecord>;
    find(id: RunId): Promise<RunRecord | null>;
    /** The run that redrives that dead letter. */
    findRedrive(deadLetter: RunId): Promise<RunRecord | null>;
    /** Like find, and nobody else can change the run until this transaction ends. */
    lock(id: RunId): Promise<RunRecord | null>;
    /** Like lock, with all that going on needs. */
    lockWhole(id: RunId): Promise<WholeRun | null>;
    /** The same of the run that asks for this approval; null where there is no such approval. */
    lockOfApproval(id: ApprovalId): Promise<(WholeRun & { readonly approval: ApprovalRecord }) | null>;
    /** Like lock, but null unless the run is running under this very token. */
    lockFenced(fence: Fence): Promise<RunRecord | null>;
    list(query: RunQuery): Promise<readonly RunRecord[]>;
    /**
     * All that one commit changes of a run that this transaction has locked, with the events that record it.
     * @throws ApprovalTaken
     */
    write(writes: RunWrites): Promise<void>;
    /**
     * As write, where what the caller came in with is good still, as `keys.holdGood` says it.
     * @returns false, and nothing is changed, where it is not
     * @throws ApprovalTaken
     */
    writeFor(caller: Caller, at: Date, writes: RunWrites): Promise<boolean>;
    /**
     * As write, of a run that this transaction has not locked, under a lease.
     * @param version of the run before these writes
     * @returns false, and nothing is changed, where the lease is another's by now
     * @throws ApprovalTaken
     */
    writeHeld(fence: Fence, version: number, writes: RunWrites): Promise<boolean>;
    /**
     * Gives the run (locked before, and queued) to a worker, and records it; its attempt, version and fencing token rise
     * by one.
     * @param event its version is the run's new one
     */
    lease(worker: WorkerId, until: Date, event: NewAuditEvent): Promise<number>;
    /** False when the lease is another's by now. */
    renew(fence: Fence, until: Date): Promise<boolean>;
    /** A queued run that nobody has taken since that lease is due by then, where it waited for longer. */
    wake(fence: Fence, at: Date): Promise<void>;
    /** Whoever holds the run is to hear, once this is committed, that it is not theirs any more. */
    callOff(run: RunId): void;
    /** Present versions of those of the runs that exist. */
    versions(ids: readonly RunId[]): Promise<ReadonlyMap<RunId, number>>;
  };
  readonly steps: {
    list(run: RunId): Promise<Journal>;
  };
  readonly approvals: {
    find(id: ApprovalId): Promise<ApprovalRecord | null>;
    list(run: RunId): Promise<readonly ApprovalRecord[]>;
    /** Of runs that have not ended: open, or approved and not yet spent; oldest first, after the given one. */
    waiting(after: ApprovalId | null, limit: number): Promise<readonly ApprovalRecord[]>;
    /** Whose word for the action as it stands was taken, the first one first. */
    voters(id: ApprovalId, actionDigest: Sha256): Promise<readonly Actor[]>;
    /** One principal's word for the action as it stands. */
    vote(id: ApprovalId, voter: PrincipalId, actionDigest: Sha256, at: Date): Promise<void>;
  };
  readonly artifacts: {
    insert(run: RunId, artifact: Omit<Artifact, "created_at"> & { readonly createdAt: Date }): Promise<void>;
    list(run: RunId): Promise<readonly Artifact[]>;
    find(run: RunId, id: ArtifactId): Promise<Artifact | null>;
  };
  readonly audit: {
    append(events: readonly NewAuditEvent[]): Promise<void>;
    /** Events of a run with a version above `after`, in order. */
    list(run: RunId, after: number, limit: number): Promise<readonly AuditEvent[]>;
  };
  readonly idempotency: {
    /** The answer that was given under this key, if any; takes nothing and waits for nobody. */
    find(key: IdempotencyKey, now: Date): Promise<IdempotencyRecord | null>;
    /**
     * Takes the key for this transaction. Null: it is ours, and `complete` must follow. Otherwise: the answer that an
     * earlier request got. A request that races waits here for the other's transaction to end, for a moment;
     * then it rejects with KeyBusy.
     */
    claim(key: IdempotencyKey, now: Date): Promise<IdempotencyRecord | null>;
    complete(key: IdempotencyKey, record: IdempotencyRecord): Promise<void>;
    /** Gives a claimed key back: what came of the request is not to be repeated. */
    release(key: IdempotencyKey): Promise<void>;
  };
  readonly agents: {
    /** Definitions are kept by digest for as long as a run names them. */
    get(version: Sha256): Promise<AgentDefinition | null>;
  };
  readonly manifests: {
    /** Of a tool that a person was once asked about; null where it was never kept. */
    get(digest: string): Promise<Manifest | null>;
  };
  readonly externalDefinitions: {
    put(version: Sha256, definition: ExternalDefinition): Promise<void>;
    get(version: Sha256): Promise<ExternalDefinition | null>;
  };
  readonly documents: {
    /** @param meanings one a passage, where there is a model for them */
    insert(document: NewDocument, passages: readonly CutPassage[], meanings: Meanings | null): Promise<void>;
    find(id: DocumentId): Promise<Document | null>;
    /** Newest first, older than the given one. */
    list(
      before: { readonly createdAt: Date; readonly id: DocumentId } | null,
      limit: number,
    ): Promise<readonly Document[]>;
    /** False when there is none. Its passages go with it. */
    remove(id: DocumentId, by: PrincipalId): Promise<boolean>;
    /** The best first, of this tenant's documents only, however many others have that fit better. */
    search(question: string, limit: number): Promise<readonly Passage[]>;
    /** Those whose embeddings by the same model are nearest, the nearest first. */
    searchByMeaning(meaning: Meaning, model: string, limit: number): Promise<readonly Passage[]>;
  };
  readonly keys: {
    insert(key: NewKey): Promise<Key>;
    list(): Promise<readonly Key[]>;
    find(id: KeyId): Promise<Key | null>;
    revoke(id: KeyId, at: Date): Promise<Key | null>;
    /** The key ends at that time, or when it would have anyway, whichever is earlier. */
    endBy(id: KeyId, at: Date): Promise<void>;
    /**
     * Whether what the caller came in with is good still: the key, what the request was signed with, and, where it was
     * not, that its principal need not sign. What is found good stays so until the transaction ends: an ending waits.
     */
    holdGood(caller: Caller, at: Date): Promise<boolean>;
  };
  readonly principals: {
    /** Locked until the transaction ends; made where there was none. */
    hold(principal: PrincipalChange["principal"]): Promise<Principal>;
    demandSignatures(principal: Principal, mustSign: boolean): Promise<void>;
    /** Those all of whose requests must be signed. */
    listSigners(): Promise<readonly Principal[]>;
  };
  readonly signingKeys: {
    insert(key: NewSigningKey): Promise<SigningKey>;
    list(): Promise<readonly SigningKey[]>;
    find(id: SigningKeyId): Promise<SigningKey | null>;
    revoke(id: SigningKeyId, at: Date): Promise<SigningKey | null>;
    /** As of a key; one that was revoked stays. @returns what it is now; null where there is none */
    endBy(id: SigningKeyId, at: Date): Promise<SigningKey | null>;
  };
  readonly access: {
    append(event: Omit<AccessEvent, "id" | "at"> & { readonly at: Date }): Promise<void>;
    /** Newest first. */
    list(before: AccessEventId | null, limit: number): Promise<readonly AccessEvent[]>;
  };
  readonly decisions: {
    /**
     * What the rules decided since then, run by run: those of the run that was submitted last first, and in each run the last
     * first. Those of runs that were submitted more than 14 days earlier than that are left out. Of so many runs at most, so
     * that what it costs does not grow with what there is.
     * @param after its `at` is when its run was submitted
     */
    list(since: Date, after: DecisionPlace | null, limit: number): Promise<DecidedCalls>;
  };
  /** What model calls may cost and have cost. */
  readonly budgets: BudgetRows;
  /** Until when remembered answers are given again, and for which rules. */
  readonly precedentTerms: {
    /** Rules it was given for earlier stay with it, each until its own day. */
    set(
      patternId: string,
      resolutionId: string,
      term: { readonly expiresAt: Date; readonly rules: readonly string[] },
    ): Promise<void>;
    /** Of one question's answers, by the answer's id; those of before there were terms are not among them. */
    list(patternId: string): Promise<ReadonlyMap<string, PrecedentTerm>>;
    /** All answers to questions of a domain with their terms (null: of before there were any): those in force first. */
    answers(domain: string, after: PrecedentPlace | null, limit: number): Promise<readonly KeptAnswer[]>;
  };
  readonly questions: QuestionRows;
  readonly webhooks: WebhookRows;
  /** Harmony's memory of this tenant, within this transaction. */
  readonly memory: HarmonyStore;
};

export type PrecedentTerm = {
  readonly expiresAt: Date;
  /** Until when it is given to what each rule asks; null: an older program kept it, and noted none. */
  readonly rules: ReadonlyMap<string, Date> | null;
};

export type KeptAnswer = {
  /** Null, this or the answer: it cannot be read. */
  readonly pattern: ConflictPattern | null;
  readonly resolution: Resolution | null;
  readonly expiresAt: Date | null;
  readonly place: PrecedentPlace;
};

/** Of a kept answer among all of its tenant. */
export type PrecedentPlace = {
  readonly isRevoked: boolean;
  /** When its question was first put. */
  readonly recordedAt: Date;
  readonly patternId: string;
  readonly resolutionId: string;
};

export type IdempotencyKey = {
  readonly principal: PrincipalId;
  readonly route: string;
  readonly key: string;
  readonly expiresAt: Date;
};

export type NewSubmission = {
  readonly tenant: TenantId;
  readonly key: IdempotencyKey;
  /** What whoever asks is told, and whoever repeats it. */
  readonly answer: Omit<IdempotencyRecord, "status"> & { readonly status: 202 };
  readonly run: NewRun;
  readonly definition: AgentDefinition;
  readonly event: NewAuditEvent;
};

export type Meanings = { readonly model: string; readonly of: readonly Meaning[] };

export type NewDocument = Omit<Document, "passages" | "created_at" | "created_by"> & {
  readonly createdAt: Date;
  readonly createdBy: Actor;
};

export type Store = {
  /**
   * Sees and touches one tenant's rows only. Runs the whole function again where nothing of it was kept: after a
   * conflict with another transaction, or a connection that was lost before the commit.
   * @throws StoreUnavailable when the database cannot be used, however often it was tried
   */
  transaction<T>(tenant: TenantId, work: (tx: StoreTx) => Promise<T>, options?: TransactionKind): Promise<T>;
  /**
   * Takes a request for a run in: the run, its first event and the answer, in one statement.
   * @returns null once that is done; where the request was answered before, that answer, and nothing is changed
   * @throws KeyBusy where another request holds the key for long; StoreUnavailable
   */
  submit(submission: NewSubmission): Promise<IdempotencyRecord | null>;
  /**
   * Looks a question up in the decision memory, in one statement; changes nothing.
   * @param first the id of the escalation's first occurrence
   * @returns null where it has to be asked in a transaction: it or one like it has an answer, or there are policies
   */
  lookUpQuestion(tenant: TenantId, pattern: ConflictPattern, first: string): Promise<Unanswered | null>;
  /**
   * Commits to a run under a lease, in one statement.
   * @param version of the run before these writes
   * @returns false, and nothing is changed, where the lease is another's by now
   * @throws ApprovalTaken; MemoryMoved; StoreUnavailable
   */
  writeHeld(fence: Fence, version: number, writes: RunWrites): Promise<boolean>;
  /**
   * Sets aside what a model call may cost, after what the call before it cost is settled; and where it fits, carries out
   * the writes, if there are any. One statement.
   * @returns how many calls the step has had with this one; null, and nothing is changed, where the lease is another's
   */
  beginCall(
    fence: Fence,
    version: number,
    settled: Settlement | null,
    reservation: NewReservation,
    writes: RunWrites | null,
  ): Promise<Result<number, ReservationRefusal> | null>;
  /** The only look-up across tenants: whose key has this hash, and is it still good? */
  findCaller(hash: Uint8Array, now: Date): Promise<Caller | null>;
  /**
   * Finds the next queued run that is due, of the tenant whose turn it is, gives it to a worker and records that: its
   * attempt, version and fencing token rise by one. One statement.
   * @returns null: there is none that this program understands; locked: there are some, and other transactions hold
   * each of them at this moment, which may leave it as it is
   * @throws TakeFailed where this very run cannot be leased or read; StoreUnavailable
   */
  take(turn: Turn, lease: NewLease): Promise<Taken | "locked" | null>;
  /** What is leased to this worker, of any tenant; throws StoreUnavailable. */
  leasesOf(worker: WorkerId): Promise<readonly Fence[]>;
  /**
   * Who holds slots, and the next in turn whose runs have been due since `turn.now` without anybody taking them.
   * @throws StoreUnavailable
   */
  slots(turn: Pick<Turn, "after" | "now">): Promise<readonly TenantSlots[]>;
  /** The same, and takes one request from each quota (none from any where one is used up). The narrowest comes first. */
  admitKey(
    hash: Uint8Array,
    now: Date,
    signingKey: SigningKeyId | null,
    policies: readonly QuotaPolicy[],
  ): Promise<Admitted | null>;
  /** As admitKey, for whom a token names; they are made a principal at their first request. Null: no such tenant. */
  admitToken(
    subject: TokenSubject,
    now: Date,
    signingKey: SigningKeyId | null,
    policies: readonly QuotaPolicy[],
  ): Promise<Admitted | null>;
  /**
   * False where the nonce was used with this key before, or `until` is over by the database's clock, by which it is
   * forgotten. Till then it is remembered, whatever becomes of the request.
   */
  takeNonce(tenant: TenantId, key: SigningKeyId, nonce: string, until: Date): Promise<boolean>;
  /**
   * Removes what has expired, by the database's clock too: answers kept for repeats, quotas long unused.
   * @returns how many rows
   */
  sweepExpired(now: Date, limit: number): Promise<number>;
  /** @param most counts no further */
  queueLoad(tenant: TenantId, now: Date, most: number): Promise<QueueLoad>;
  /** Who waits for a connection right now, in this process. */
  waiters(): number;
  /** Runs of any tenant that need attention: ids only, no content. */
  due(now: Date, limit: number): Promise<Found>;
  /** Which of these contents no artifact of any tenant names; at most 1,000. */
  unnamedContent(sha256s: readonly string[]): Promise<readonly string[]>;
  /**
   * Calls `remove` while nobody can come to name the content; not at all where somebody does. Whoever commits an
   * artifact meanwhile waits, and looks afterwards whether its bytes are there.
   */
  forgetContent(sha256: string, remove: () => Promise<void>): Promise<boolean>;
  /** Questions about actions, of any tenant, that are open and were last put before; at most so many. */
  unansweredEscalations(
    before: Date,
    limit: number,
  ): Promise<readonly { readonly tenant: TenantId; readonly id: string }[]>;
  /** Those of the runs, of any tenant, that ended before; at most 1,000. One that is not known here has not. */
  endedRuns(runs: readonly RunId[], before: Date): Promise<readonly RunId[]>;
  /** How the providers are. */
  readonly breakers: Breakers;
  /** Messages for webhooks. */
  readonly deliveries: DeliveryQueue;
  /** Rejects when the database cannot be used. */
  ping(): Promise<void>;
  /** The time by the database's own clock. */
  time(): Promise<Date>;
};
