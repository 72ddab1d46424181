// Every interface to the outside, in one file. An adapter is a function that returns one of these; services see
// nothing else of the world. Terms: DESIGN.md section 2.

import type {
  Action,
  Actor,
  Advice,
  ApprovalId,
  ApprovalState,
  ApprovalSubject,
  Artifact,
  ArtifactId,
  AuditEvent,
  Decision,
  EventKind,
  Key,
  KeyId,
  PrincipalId,
  Reason,
  RunId,
  RunState,
  Scope,
  TenantId,
} from "@assent/contract";
import type { HarmonyStore } from "@assent/harmony";
import type { Sha256 } from "./base/digest.ts";
import type { Result } from "./base/result.ts";
import type { AgentDefinition } from "./core/agent.ts";
import type { Judgement } from "./core/decide/judgement.ts";
import type { Assent } from "./core/decide/policy-annotations.ts";
import type { ExternalDefinition } from "./core/external.ts";
import type { Message } from "./core/prompt/message.ts";
import type { Journal, JournalStep, Label, ModelOutcome, StepError } from "./core/run/journal.ts";
import type { Manifest } from "./core/tool.ts";

// --- time and chance -------------------------------------------------------------------------------------------

export type Clock = {
  now(): Date;
  /** Resolves after the given time, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

export type Random = {
  bytes(count: number): Uint8Array;
};

// --- state -----------------------------------------------------------------------------------------------------

export type RunRecord = {
  readonly tenant: TenantId;
  readonly id: RunId;
  /** Our workers, or an agent loop outside (services/external). It never changes. */
  readonly driver: "assent" | "external";
  readonly state: RunState;
  readonly version: number;
  readonly agent: string;
  readonly agentVersion: Sha256;
  readonly task: string;
  readonly workspace: { readonly name: string; readonly commit: string } | null;
  readonly model: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly requestedBy: Actor;
  readonly reason: Reason | null;
  readonly answer: string | null;
  readonly attempt: number;
  /** Rises with every lease; a write that names an older one is refused (invariant 16, fenced). */
  readonly fencingToken: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly finishedAt: Date | null;
};

export type NewRun = Pick<
  RunRecord,
  "id" | "driver" | "agent" | "agentVersion" | "task" | "workspace" | "model" | "labels" | "requestedBy" | "createdAt"
>;

export type RunChange = Pick<
  RunRecord,
  "state" | "version" | "reason" | "answer" | "attempt" | "finishedAt"
> & {
  readonly updatedAt: Date;
  /** When its message is due, for a run that is queued by this; null leaves it as it is. */
  readonly wakeAt: Date | null;
};

export type RunQuery = {
  readonly states: readonly RunState[] | null;
  readonly agent: string | null;
  readonly label: { readonly name: string; readonly value: string } | null;
  /** Rows older than this one, in the order newest first. */
  readonly before: { readonly createdAt: Date; readonly id: RunId } | null;
  readonly limit: number;
};

export type ApprovalRecord = {
  readonly id: ApprovalId;
  readonly run: RunId;
  readonly seq: number;
  readonly state: ApprovalState;
  readonly subject: ApprovalSubject;
  readonly action: Action;
  readonly actionDigest: Sha256;
  readonly summary: string;
  readonly preview: string | null;
  readonly precondition: string | null;
  readonly decision: Decision;
  readonly judgement: Judgement;
  readonly requirement: Assent;
  /** Earlier answers that the person is shown. */
  readonly advice: readonly Advice[];
  /** Different people who have said yes to the action as it stands. */
  readonly votes: number;
  readonly editedAction: Action | null;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedAt: Date | null;
  readonly decidedBy: Actor | null;
  readonly comment: string | null;
};

export type NewApproval = Omit<
  ApprovalRecord,
  "state" | "votes" | "editedAction" | "decidedAt" | "decidedBy" | "comment"
>;

export type ApprovalChange = Pick<
  ApprovalRecord,
  | "state"
  | "actionDigest"
  | "editedAction"
  | "precondition"
  | "preview"
  | "judgement"
  | "decidedAt"
  | "decidedBy"
  | "comment"
>;

export type NewAuditEvent = {
  readonly run: RunId;
  readonly version: number;
  readonly at: Date;
  readonly kind: EventKind;
  readonly actor: Actor | null;
  readonly data: Readonly<Record<string, unknown>>;
};

/** One worker's hold on one run. */
export type Fence = { readonly tenant: TenantId; readonly run: RunId; readonly token: number };

export type RunMessage = { readonly v: 1; readonly tenant: TenantId; readonly run: RunId };

export type IdempotencyRecord = {
  readonly fingerprint: Sha256;
  readonly status: number;
  readonly location: string | null;
  readonly body: string;
};

/** What one transaction of one tenant can do. Everything in it commits together, or nothing does. */
export type StoreTx = {
  readonly runs: {
    insert(run: NewRun): Promise<RunRecord>;
    find(id: RunId): Promise<RunRecord | null>;
    /** Like find, and nobody else can change the run until this transaction ends. */
    lock(id: RunId): Promise<RunRecord | null>;
    /** Like lock, but null unless the run is running under this very token. */
    lockFenced(fence: Fence): Promise<RunRecord | null>;
    list(query: RunQuery): Promise<readonly RunRecord[]>;
    update(id: RunId, change: RunChange): Promise<void>;
    /** Gives the run (locked before, and queued) to a worker; its attempt, version and fencing token rise by one. */
    lease(id: RunId, worker: WorkerId, now: Date, until: Date): Promise<number>;
    /** False when the lease is another's by now. */
    renew(fence: Fence, until: Date): Promise<boolean>;
    /** Present versions of those of the runs that exist. */
    versions(ids: readonly RunId[]): Promise<ReadonlyMap<RunId, number>>;
  };
  readonly steps: {
    insert(run: RunId, step: JournalStep): Promise<void>;
    update(
      run: RunId,
      step: Pick<
        JournalStep,
        "seq" | "state" | "outcome" | "error" | "retriedBySeq" | "startedAt" | "finishedAt"
      >,
    ): Promise<void>;
    list(run: RunId): Promise<Journal>;
  };
  readonly approvals: {
    insert(approval: NewApproval): Promise<void>;
    find(id: ApprovalId): Promise<ApprovalRecord | null>;
    list(run: RunId): Promise<readonly ApprovalRecord[]>;
    /** One person's word for the action as it stands; false when they gave it before. */
    vote(id: ApprovalId, voter: PrincipalId, actionDigest: Sha256, at: Date): Promise<boolean>;
    /** Compare-and-swap: false when the approval is not in `from` any more; then nothing changed. */
    update(id: ApprovalId, from: ApprovalState, change: ApprovalChange): Promise<boolean>;
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
     * earlier request got. A request that races waits here for the other's transaction to end.
     */
    claim(key: IdempotencyKey, now: Date): Promise<IdempotencyRecord | null>;
    complete(key: IdempotencyKey, record: IdempotencyRecord): Promise<void>;
  };
  readonly agents: {
    /** Definitions are kept by digest for as long as a run names them. */
    put(version: Sha256, definition: AgentDefinition): Promise<void>;
    get(version: Sha256): Promise<AgentDefinition | null>;
  };
  readonly externalDefinitions: {
    put(version: Sha256, definition: ExternalDefinition): Promise<void>;
    get(version: Sha256): Promise<ExternalDefinition | null>;
  };
  readonly keys: {
    insert(key: NewKey): Promise<Key>;
    list(): Promise<readonly Key[]>;
    revoke(id: KeyId, at: Date): Promise<Key | null>;
  };
  /** Harmony's memory of this tenant, within this transaction. */
  readonly memory: HarmonyStore;
  readonly queue: {
    /** Delivered at least once after this transaction commits, and never if it does not. */
    send(message: RunMessage, delaySeconds: number): Promise<void>;
  };
};

export type IdempotencyKey = {
  readonly principal: PrincipalId;
  readonly route: string;
  readonly key: string;
  readonly expiresAt: Date;
};

export type NewKey = {
  readonly id: KeyId;
  readonly hash: Uint8Array;
  readonly prefix: string;
  readonly principal: { readonly name: string; readonly kind: "human" | "service" };
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
};

/** Who calls: found by key, before any tenant is known. */
export type Caller = {
  readonly tenant: TenantId;
  readonly actor: Actor;
  readonly key: KeyId;
  readonly scopes: readonly Scope[];
};

export type Due =
  | { readonly why: "lease_lost"; readonly tenant: TenantId; readonly run: RunId; readonly token: number }
  | {
      readonly why: "approval_expired";
      readonly tenant: TenantId;
      readonly run: RunId;
      readonly approval: ApprovalId;
    }
  | { readonly why: "stranded"; readonly tenant: TenantId; readonly run: RunId }
  | { readonly why: "driver_idle"; readonly tenant: TenantId; readonly run: RunId };

export type WorkerId = number;

export type Store = {
  /** Sees and touches one tenant's rows only. Retries the whole function when the database asks for it. */
  transaction<T>(tenant: TenantId, work: (tx: StoreTx) => Promise<T>): Promise<T>;
  /** The only look-up across tenants: whose key has this hash, and is it still good? */
  findCaller(hash: Uint8Array, now: Date): Promise<Caller | null>;
  /** Runs of any tenant that need attention: ids only, no content. */
  due(now: Date, limit: number): Promise<readonly Due[]>;
  /** Rejects when the database cannot be used. */
  ping(): Promise<void>;
};

export type Delivery = { readonly message: RunMessage; readonly signal: AbortSignal };

export type Queue = {
  /** Calls the handler for each message, at most `concurrency` at once; a rejection means: deliver again later. */
  consume(
    concurrency: number,
    handle: (delivery: Delivery) => Promise<void>,
  ): Promise<{ stop(): Promise<void> }>;
};

/** A worker's sign of life, as the database sees it: gone the moment its process is. */
export type Presence = { readonly worker: WorkerId; isPresent(): boolean; end(): Promise<void> };

// --- models ----------------------------------------------------------------------------------------------------

export type ModelCall = {
  readonly model: string;
  readonly system: string;
  readonly messages: readonly Message[];
  readonly tools: readonly Manifest[];
  readonly outputTokensMax: number;
  readonly temperature: number | null;
  readonly seed: number | null;
};

export type ModelFailure = {
  /** Stable name: provider_unreachable, provider_overloaded, provider_refused, answer_incomplete, answer_invalid, … */
  readonly code: string;
  /** For people and the journal: without secrets, without the prompt. */
  readonly detail: string;
  /** Whether the very same call can succeed later. */
  readonly transient: boolean;
  /** From Retry-After, where the provider said so. */
  readonly retryAfterMs: number | null;
};

export type Models = {
  /** Rejects only for bugs; whatever a provider does to us is a ModelFailure. */
  call(call: ModelCall, signal: AbortSignal): Promise<Result<ModelOutcome, ModelFailure>>;
  /** Whether a model of this name can be called here, and if not, what is missing. */
  check(model: string): Result<null, string>;
};

// --- tools -----------------------------------------------------------------------------------------------------

export type ToolContext = {
  readonly workspace: Workspace | null;
  readonly effectId: Sha256;
  readonly signal: AbortSignal;
};

/** What approving a call would do, worked out without doing it. */
export type Plan = {
  /** One sentence for an approver, from the tool's own template. */
  readonly summary: string;
  /** A unified diff, where there is something to show. */
  readonly preview: string | null;
  /**
   * What the plan rests on (for a write: the digest of the file as it is). It is part of the action's digest, and
   * `execute` refuses when it does not hold any more. Null where the call rests on nothing.
   */
  readonly precondition: string | null;
};

export type Tool = {
  readonly manifest: Manifest;
  /** Where its effects are: in the run's private copy, which can be made again, or outside of it. */
  readonly scope: "workspace" | "world";
  /** Checks the arguments against the schema and the world, without changing it. An error goes back to the model. */
  plan(args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<Result<Plan, StepError>>;
  /**
   * Carries the call out. `idempotent` tools must give the same end state when called again with the same
   * effectId; they notice by themselves that the work is already done.
   */
  execute(
    args: Readonly<Record<string, unknown>>,
    precondition: string | null,
    context: ToolContext,
  ): Promise<Result<ToolResult, StepError>>;
  /** For `once` tools that can tell: did the effect with this id happen? Null: cannot tell. */
  check?(effectId: Sha256, context: ToolContext): Promise<Result<ToolResult, StepError> | null>;
};

export type ToolResult = { readonly output: string; readonly label: Label };

export type Tools = { get(name: string): Tool | undefined; list(): readonly Tool[] };

// --- files -----------------------------------------------------------------------------------------------------

/** One run's private copy of a workspace. Paths are relative, `/`-separated, and never leave it. */
export type Workspace = {
  list(path: string): Promise<Result<readonly WorkspaceEntry[], StepError>>;
  read(path: string): Promise<Result<Uint8Array, StepError>>;
  /** Atomic: the old content or the new, never a part. Creates missing folders. */
  write(path: string, content: Uint8Array): Promise<Result<null, StepError>>;
  /** Every regular file below the path, in a stable order. */
  walk(
    path: string,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly path: string; readonly sizeBytes: number }>;
  /** The newest commits of the copied history, newest first. */
  history(limit: number): Promise<Result<readonly Commit[], StepError>>;
  /** What the run has changed, as a patch that `git apply` takes on the copied commit. Empty when nothing did. */
  patch(): Promise<Uint8Array>;
};

export type WorkspaceEntry = {
  readonly name: string;
  readonly kind: "file" | "folder" | "link" | "other";
  readonly sizeBytes: number | null;
};

export type Commit = {
  readonly id: string;
  readonly author: string;
  readonly at: string;
  readonly subject: string;
  readonly body: string;
};

export type Workspaces = {
  /** The commit that a copy made now would hold, or why there can be none. Nothing is written. */
  resolve(name: string): Promise<Result<{ readonly commit: string }, StepError>>;
  /** Opens the run's copy, making it first where it is missing. `made`: it is new, so earlier writes are not in it. */
  open(
    run: RunId,
    source: { readonly name: string; readonly commit: string },
    signal: AbortSignal,
  ): Promise<Result<{ readonly workspace: Workspace; readonly made: boolean }, StepError>>;
  /** Removes the run's copy; no error when there is none. */
  remove(run: RunId): Promise<void>;
};

/** Content-addressed files. A digest that was returned names bytes that are durably there. */
export type ArtifactFiles = {
  put(bytes: Uint8Array): Promise<{ readonly sha256: string; readonly sizeBytes: number }>;
  /** Null when missing; rejects when the bytes do not match the digest. */
  get(sha256: string): Promise<Uint8Array | null>;
};

// --- telemetry -------------------------------------------------------------------------------------------------

export type LogLevel = "info" | "warn" | "error";

/** One record a call; fields hold no secrets, no prompt and no tool output. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
