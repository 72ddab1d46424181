// What the edges (HTTP, command line, MCP) can ask of the harness. Each call names its caller; each refusal is data.

import type {
  AccessEvent,
  AccessEventId,
  ActionAnswer,
  ActionId,
  ApiAction,
  Approval,
  ApproveRequest,
  Artifact,
  ArtifactId,
  AuditCheckpoint,
  AuditEntryPage,
  BudgetReport,
  ProviderView,
  AuditEvent,
  AuditLogList,
  CompensationResult,
  CreatedKey,
  CreatedSigningKey,
  CreatedWebhook,
  Delivery,
  DeliveryStatus,
  Document,
  DocumentId,
  DocumentRequest,
  EpochRequest,
  EraseRequest,
  Escalation,
  EscalationStatus,
  FinishRequest,
  RekeyRequest,
  Sealing,
  Key,
  KeyId,
  KeyRequest,
  Passage,
  PlanRequest,
  PolicySet,
  Redeliver,
  Redelivered,
  PolicyTrial,
  PolicyTrialRequest,
  RedriveRequest,
  Precedent,
  Problem,
  Quality,
  Retention,
  ProblemCode,
  ProposedAction,
  Pruning,
  Receipt,
  ResolveEscalation,
  ResultRequest,
  RevokePrecedent,
  Principal,
  PrincipalChange,
  RotateKey,
  RotateSigningKey,
  RotateWebhook,
  Run,
  RunId,
  RunState,
  RunSummary,
  SigningKey,
  SigningKeyId,
  SigningKeyRequest,
  SubmitRunRequest,
  ApprovalId,
  WaitingCall,
  Webhook,
  WebhookId,
  WebhookRequest,
} from "@assent/contract";
import type { Result } from "../base/result.ts";
import type { DecisionRecord } from "../core/decide/decision-record.ts";
import type { Access } from "../core/access/access-point.ts";
import type { SignedMessage } from "../core/signature/signature-base.ts";
import type { Admitted, ApprovalChange, Caller, Meanings } from "../ports.ts";

export type { SignedMessage } from "../core/signature/signature-base.ts";

/** Why something was not done. `detail` is for the caller: it may quote what he sent, and nothing of another tenant. */
export type Refusal = {
  readonly code: ProblemCode;
  readonly detail: string;
  /** When it may be different, where that is known. */
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
};

export type Submission = {
  /** The stored body of the first answer, byte for byte: a repeat gets exactly this. */
  readonly body: string;
  readonly runId: RunId;
  readonly replayed: boolean;
};

export type RunListQuery = {
  readonly states: readonly RunState[] | null;
  readonly agent: string | null;
  readonly label: { readonly name: string; readonly value: string } | null;
  readonly cursor: string | null;
  readonly limit: number;
};

export type PageQuery = { readonly limit: number; readonly cursor: string | null };

export type EscalationQuery = PageQuery & {
  /** Null: all of them. */
  readonly status: EscalationStatus | null;
};

export type Page<T> = { readonly data: readonly T[]; readonly next_cursor: string | null };

export type EventBatch = {
  readonly events: readonly AuditEvent[];
  /** The run has ended and these are its last events. */
  readonly ended: boolean;
};

/** Who drives a run, which, and under which idempotency key (null: a repeat would be another request). */
export type DriverCall = { readonly caller: Caller; readonly run: RunId; readonly key: string | null };

export type ActionRead = {
  readonly caller: Caller;
  readonly run: RunId;
  readonly action: ActionId;
  readonly waitMs: number;
  /** Aborted when nobody reads the answer any more. */
  readonly signal: AbortSignal;
};

export type DeliveryQuery = PageQuery & {
  /** Null: all of them. */
  readonly status: DeliveryStatus | null;
};

export type Webhooks = {
  create(caller: Caller, request: WebhookRequest): Promise<Result<CreatedWebhook, Refusal>>;
  list(caller: Caller): Promise<Result<readonly Webhook[], Refusal>>;
  rotate(caller: Caller, id: WebhookId, request: RotateWebhook): Promise<Result<CreatedWebhook, Refusal>>;
  enable(caller: Caller, id: WebhookId): Promise<Result<Webhook, Refusal>>;
  /** @returns it as it was */
  remove(caller: Caller, id: WebhookId): Promise<Result<Webhook, Refusal>>;
  /** @returns what waits to be sent */
  ping(caller: Caller, id: WebhookId): Promise<Result<Delivery, Refusal>>;
  deliveries(caller: Caller, id: WebhookId, query: DeliveryQuery): Promise<Result<Page<Delivery>, Refusal>>;
  redeliver(caller: Caller, id: WebhookId, request: Redeliver): Promise<Result<Redelivered, Refusal>>;
};

type Answered = Promise<Once>;

/** Runs that an agent loop outside drives; submitting one is `submitRun`. */
export type ExternalRuns = {
  plan(call: DriverCall, body: PlanRequest): Answered;
  act(call: DriverCall, body: ProposedAction): Answered;
  read(read: ActionRead): Promise<Result<ActionAnswer, Refusal>>;
  report(call: DriverCall, action: ActionId, body: ResultRequest): Answered;
  finish(call: DriverCall, body: FinishRequest): Answered;
  nextCompensation(call: DriverCall): Answered;
  reportCompensation(call: DriverCall, action: ActionId, body: CompensationResult): Answered;
};

/** What a provider says that a document means; null where none is asked. */
export type Embedded = Result<Meanings | null, Refusal>;

/** An edit is a new action: with its own digest, and nothing of the old one's rulings. */
export type Edit = Pick<
  ApprovalChange,
  "editedAction" | "judgement" | "precondition" | "preview" | "actionDigest"
>;

/** What an edit would do, null where there is none; or why it cannot be. */
export type PlannedDecision = Result<Edit | null, Refusal>;

/** A look at the queue: why there is no room, if so. */
export type Room = { readonly full: Refusal | null };

/** A tenant's documents. */
export type Documents = {
  /** What `add` needs of a provider. */
  embed(request: DocumentRequest): Promise<Embedded>;
  /** @param embedded left out: asked for now */
  add(caller: Caller, request: DocumentRequest, embedded?: Embedded): Promise<Result<Document, Refusal>>;
  list(caller: Caller, query: PageQuery): Promise<Result<Page<Document>, Refusal>>;
  get(caller: Caller, id: DocumentId): Promise<Result<Document, Refusal>>;
  remove(caller: Caller, id: DocumentId): Promise<Result<Document, Refusal>>;
  search(caller: Caller, question: string, limit: number): Promise<readonly Passage[]>;
};

/** A tenant's logs, as the edges see them. */
export type AuditTrail = {
  logs(caller: Caller): Promise<AuditLogList>;
  checkpoint(caller: Caller, epoch: number): Promise<Result<AuditCheckpoint, Refusal>>;
  entries(
    caller: Caller,
    epoch: number,
    from: number,
    limit: number,
  ): Promise<Result<AuditEntryPage, Refusal>>;
  prove(caller: Caller, run: RunId, version: number): Promise<Result<Receipt, Refusal>>;
  erase(caller: Caller, request: EraseRequest): Promise<Result<EraseRequest, Refusal>>;
  beginEpoch(caller: Caller, request: EpochRequest): Promise<Result<AuditLogList, Refusal>>;
  rotate(caller: Caller, step: "add" | "retire"): Promise<Result<AuditLogList, Refusal>>;
  /** Takes away what is older than the installation keeps. */
  prune(caller: Caller): Promise<Result<Pruning, Refusal>>;
  sealing(caller: Caller): Promise<Sealing>;
  rekey(caller: Caller, request: RekeyRequest): Promise<Result<Sealing, Refusal>>;
};

/** What came in, as far as it matters for who may come in. */
export type Presented = {
  readonly credential: string;
  readonly action: ApiAction;
  /** Header fields that a signature consists of, by name in lower case; its key is looked up with everything else. */
  readonly fields: ReadonlyMap<string, string>;
};

export type AccessEvents = { readonly data: readonly AccessEvent[]; readonly next: AccessEventId | null };

/** One request with its idempotency key. */
export type KeyedRequest<T = never> = {
  /** Method and path: a key is good for one resource. */
  readonly route: string;
  readonly key: string;
  readonly body: unknown;
  /** Of a success. */
  readonly status: number;
  /** Whether a success shows a secret. */
  readonly secret: boolean;
  /** Where what a success made is found; left out where it makes nothing. */
  readonly locationOf?: (made: T) => string;
  /**
   * What takes long, or asks somebody outside: done first, unless the request is a repeat. The transaction that holds the
   * key holds a connection, and all tenants share those.
   */
  readonly before?: () => Promise<void>;
};

export type Once = {
  /** As JSON; of a repeat byte for byte what was given first. */
  readonly answer: Result<{ readonly body: string; readonly location: string | null }, Refusal>;
  readonly replayed: boolean;
};

export type Readiness = {
  readonly database: boolean;
  /** How far this process's clock is off the database's, where that is too far to decide anything by it. */
  readonly clock: string | null;
  readonly worker: boolean;
  /** Providers behind an open breaker: told, and no reason not to be ready, since runs of others go on. */
  readonly breakersOpen: number;
  /** Tenants whose evidence does not balance: told as well. */
  readonly auditGaps: number;
  /** Tenants whose evidence waits to be signed, and cannot be. */
  readonly auditStopped: number;
};

export type Harness = {
  /** The tenant's logs: proofs, entries, erasure. */
  readonly audit: AuditTrail;
  /** Carries a request out once for its idempotency key. `work` gets the harness to do it on, within one transaction. */
  once<T>(
    caller: Caller,
    request: KeyedRequest<T>,
    work: (joined: Harness) => Promise<Result<T, Refusal>>,
  ): Promise<Once>;
  /**
   * Lets a request in: whose credential it carries, and whether their quotas have room for it. Null for unknown,
   * expired and revoked ones alike. Rejects when that cannot be told.
   */
  admit(presented: Presented): Promise<Admitted | null>;
  /**
   * Whether a request is signed as it has to be, and for the first time. A refusal leaves an access event. Unsigned is
   * fine where the caller's credential does not demand a signature. Returns the caller, and what they signed with.
   */
  checkSignature(
    admitted: Pick<Admitted, "caller" | "signingKey">,
    message: SignedMessage,
  ): Promise<Result<Caller, Refusal>>;
  /** Whether the rules permit it. */
  permits: Access["permits"];
  /** A refusal as it may leave: without any secret that it quotes. Every edge sends what this returns. */
  showProblem(problem: Problem): Problem;
  /** Whose key is this? Takes from no quota. Null for unknown, expired and revoked ones alike. Takes the same time for each. */
  authenticate(key: string): Promise<Caller | null>;

  submitRun(
    caller: Caller,
    request: SubmitRunRequest,
    idempotencyKey: string,
  ): Promise<Result<Submission, Refusal>>;
  getRun(caller: Caller, id: RunId): Promise<Result<Run, Refusal>>;
  listRuns(caller: Caller, query: RunListQuery): Promise<Result<Page<RunSummary>, Refusal>>;
  cancelRun(caller: Caller, id: RunId): Promise<Result<RunSummary, Refusal>>;
  /** A new run for a dead letter; the same one, however often it is asked for. */
  redriveRun(
    caller: Caller,
    id: RunId,
    request: RedriveRequest,
    room?: Room,
  ): Promise<Result<RunSummary, Refusal>>;
  /** Whether one more run may be queued; for `redriveRun`, which else looks by itself. */
  takeRoom(caller: Caller): Promise<Room>;
  /** Events of a run with a version above `after`. */
  listEvents(caller: Caller, id: RunId, after: number): Promise<Result<EventBatch, Refusal>>;
  /** Resolves when the run may have new events after the given version, or when the signal is aborted. */
  waitForEvents(caller: Caller, id: RunId, after: number, signal: AbortSignal): Promise<void>;
  /** @param isRoomFor whether there is room in memory for so many bytes; asked before any is read. Left out: always */
  openArtifact(
    caller: Caller,
    run: RunId,
    id: ArtifactId,
    isRoomFor?: (sizeBytes: number) => boolean,
  ): Promise<Result<{ readonly artifact: Artifact; readonly bytes: Uint8Array }, Refusal>>;

  /** What an edit would do: it asks the rules and the tool, which may read files and ask servers. */
  planDecision(caller: Caller, request: ApproveRequest): Promise<PlannedDecision>;
  /** @param planned left out: worked out now */
  decide(
    caller: Caller,
    request: ApproveRequest,
    planned?: PlannedDecision,
  ): Promise<Result<Approval, Refusal>>;

  getApproval(caller: Caller, id: ApprovalId): Promise<Result<Approval, Refusal>>;
  /** After the given one; each with what would come of a yes under what is loaded now. */
  listWaiting(caller: Caller, after: ApprovalId | null): Promise<Result<Page<WaitingCall>, Refusal>>;
  /** What the rules decided since then, oldest first. */
  listDecisions(
    caller: Caller,
    since: Date,
    cursor: string | null,
  ): Promise<Result<Page<DecisionRecord>, Refusal>>;

  listPrecedents(caller: Caller, query: PageQuery): Promise<Result<Page<Precedent>, Refusal>>;
  revokePrecedent(caller: Caller, id: string, request: RevokePrecedent): Promise<Result<Precedent, Refusal>>;

  /** What calls are decided by: those that this process has loaded. */
  getPolicies(): PolicySet;
  /** What other rules would have decided. Nothing is changed by it. */
  tryPolicies(caller: Caller, request: PolicyTrialRequest): Promise<Result<PolicyTrial, Refusal>>;

  /** How people decide, of the last days. */
  getQuality(caller: Caller, days: number): Promise<Quality>;
  /** How long what is kept, in the whole installation. */
  getRetention(): Retention;

  /** What neither rules nor memory could answer, newest first. */
  listEscalations(caller: Caller, query: EscalationQuery): Promise<Result<Page<Escalation>, Refusal>>;
  /** Of what nobody could take back: what was done about it. */
  resolveEscalation(
    caller: Caller,
    id: string,
    request: ResolveEscalation,
  ): Promise<Result<Escalation, Refusal>>;

  /** Runs that an agent loop outside drives. */
  readonly external: ExternalRuns;

  readonly documents: Documents;

  /** How the model providers are, as the whole installation knows it. */
  listProviders(caller: Caller): Promise<readonly ProviderView[]>;
  /** The tenant's ledgers that have a limit. */
  getBudget(caller: Caller): Promise<BudgetReport>;

  createKey(caller: Caller, request: KeyRequest): Promise<Result<CreatedKey, Refusal>>;
  listKeys(caller: Caller): Promise<Result<readonly Key[], Refusal>>;
  rotateKey(caller: Caller, id: KeyId, request: RotateKey): Promise<Result<CreatedKey, Refusal>>;
  revokeKey(caller: Caller, id: KeyId): Promise<Result<Key, Refusal>>;
  changePrincipal(caller: Caller, change: PrincipalChange): Promise<Result<Principal, Refusal>>;
  listSigners(caller: Caller): Promise<Result<readonly Principal[], Refusal>>;
  createSigningKey(caller: Caller, request: SigningKeyRequest): Promise<Result<CreatedSigningKey, Refusal>>;
  listSigningKeys(caller: Caller): Promise<Result<readonly SigningKey[], Refusal>>;
  rotateSigningKey(
    caller: Caller,
    id: SigningKeyId,
    request: RotateSigningKey,
  ): Promise<Result<CreatedSigningKey, Refusal>>;
  revokeSigningKey(caller: Caller, id: SigningKeyId): Promise<Result<SigningKey, Refusal>>;
  /** Where the tenant is told of what happens. */
  readonly webhooks: Webhooks;
  /** Newest first; older than the given one. */
  listAccessEvents(caller: Caller, before: AccessEventId | null): Promise<Result<AccessEvents, Refusal>>;

  /** What is needed to work, by name; all true means ready. */
  readiness(): Promise<Readiness>;
};
