// Every interface to the outside, in one file. An adapter is a function that returns one of these; services see
// nothing else of the world. Terms: DESIGN.md section 2.

import type { Passage, RunId, TenantId } from "@assent/contract";
import type { TokenSubject } from "./core/access/token-subject.ts";
import type { Sha256 } from "./base/digest.ts";
import type { Result } from "./base/result.ts";
import type { EgressUrl } from "./core/egress/url.ts";
import type { Message } from "./core/prompt/message.ts";
import type { Label, ModelOutcome, OutputPart, StepError } from "./core/run/journal.ts";
import type { CounterName, GaugeName, HistogramName } from "./core/telemetry/names.ts";
import type { Manifest, PlacedTool } from "./core/tool.ts";

import type { CallLease } from "./ports/queue.ts";

export type * from "./ports/audit.ts";
export type * from "./ports/audit-review.ts";
export type * from "./ports/sealing.ts";
export type * from "./ports/witness.ts";
export type * from "./ports/budget.ts";
export type * from "./ports/decisions.ts";
export { OWN_BREAKERS } from "./ports/budget.ts";
export type * from "./ports/mcp.ts";
export type * from "./ports/entrance.ts";
export type * from "./ports/store.ts";
export type * from "./ports/queue.ts";
export type * from "./ports/records.ts";
export type * from "./ports/quality.ts";
export type * from "./ports/questions.ts";
export type * from "./ports/run-writes.ts";
export type * from "./ports/webhooks.ts";
export type { Listener, RunNews } from "./ports/run-news.ts";
export { MemoryMoved } from "./ports/questions.ts";
export { ApprovalTaken } from "./ports/run-writes.ts";
export { ClockAstray, StoreUnavailable, TakeFailed } from "./ports/queue.ts";

// --- time and chance -------------------------------------------------------------------------------------------

export type Clock = {
  now(): Date;
  /** Resolves after the given time, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

/** Whether this process may decide by its clock. */
export type ClockWatch = {
  /** Null: as far as is known it tells the database's time. Else a sentence that says how far it is off. */
  difference(): string | null;
  /** Resolves when there is no difference, or the signal is aborted. */
  agreed(signal: AbortSignal): Promise<void>;
};

export type Random = {
  bytes(count: number): Uint8Array;
};

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

/** Texts as directions: what means the like points the like way. */
export type Embedder = {
  /** As the configuration names it; vectors of one model say nothing to those of another. */
  readonly model: string;
  /** One vector a text, all of one length, none all zeros. */
  embed(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<Result<readonly (readonly number[])[], ModelFailure>>;
};

// --- tools -----------------------------------------------------------------------------------------------------

export type ToolContext = CallLease & {
  /** Of the run's tenant; there is none where nothing can be searched. */
  readonly searchDocuments?: (question: string, limit: number) => Promise<readonly Passage[]>;
  readonly workspace: Workspace | null;
  readonly effectId: Sha256;
  /** Whose call it is; left out where it is nobody's. */
  readonly tenant?: TenantId;
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

export type Tool = PlacedTool & {
  /** Where its effects are: in the run's private copy, which can be made again, or outside of it. */
  readonly scope: "workspace" | "world";
  /** Planning asks the other side, too: it may fail like a call, and does no harm twice. */
  readonly asksToPlan?: true;
  /** For a tool that asks many: whom a call would ask. Who fails is left alone, and nobody else. Null: nobody. */
  peerOf?(args: Readonly<Record<string, unknown>>): string | null;
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
  /**
   * Takes a call back, where the manifest names a compensation. `context.effectId` is the taking back's own key; the
   * call's is in `done`. Where the call never happened, or was taken back before, it changes nothing and succeeds.
   */
  compensate?(done: DoneCall, context: ToolContext): Promise<Result<ToolResult, StepError>>;
};

/** What is to be taken back: the call as it was made, its key, and its result where one came back. */
export type DoneCall = {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly effectId: Sha256;
  readonly output: string | null;
};

export type ToolResult = {
  readonly output: string;
  readonly label: Label;
  readonly parts?: readonly OutputPart[];
};

export type Tools = { get(name: string): Tool | undefined; list(): readonly Tool[] };

// --- files -----------------------------------------------------------------------------------------------------

/** One run's private copy of a workspace. Paths are relative, `/`-separated, and never leave it. */
export type Workspace = {
  list(path: string): Promise<Result<readonly WorkspaceEntry[], StepError>>;
  read(path: string): Promise<Result<Uint8Array, StepError>>;
  /** Atomic: the old content or the new, never a part. Creates missing folders. */
  write(path: string, content: Uint8Array): Promise<Result<null, StepError>>;
  /** Removes a regular file, and the folders that are empty then. */
  remove(path: string): Promise<Result<null, StepError>>;
  /** Every regular file below the path, in a stable order. */
  walk(
    path: string,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly path: string; readonly sizeBytes: number }>;
  /** The newest commits of the copied history, newest first. */
  history(limit: number): Promise<Result<readonly Commit[], StepError>>;
  /** What the run has changed, as a patch that `git apply` takes on the copied commit. Empty when nothing did. */
  patch(): Promise<Uint8Array>;
  /** Which steps of the journal this copy has been through; null where nobody wrote that down. */
  progress(): CopyProgress | null;
  /** Writes down that a step is about to change the copy, or has. */
  note(step: number, what: keyof CopyProgress): Promise<void>;
};

/** Highest steps of the run's journal that began to change a copy, and that are wholly in it. */
export type CopyProgress = { readonly begun: number; readonly done: number };

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
  /**
   * Opens the run's copy, making it first where it is missing (`made`). What the run did to the copy before is done to
   * the new one by `restore`, before it takes its place: where that fails, or the process dies, there is no copy. One that
   * is not current (the run went on elsewhere meanwhile) is replaced in the same way, and stays where that fails.
   * @param token the fencing token of whoever opens it: who opened it under an older one finds it gone from then on, and
   * under an older one it is not opened any more
   */
  open(
    run: RunId,
    source: { readonly name: string; readonly commit: string },
    signal: AbortSignal,
    restore?: (workspace: Workspace) => Promise<Result<null, StepError>>,
    isCurrent?: (progress: CopyProgress | null) => boolean,
    token?: number,
  ): Promise<Result<{ readonly workspace: Workspace; readonly made: boolean }, StepError>>;
  /** Removes the run's copy; no error when there is none. */
  remove(run: RunId): Promise<void>;
  /** Runs whose copies lie here. */
  list(): Promise<readonly RunId[]>;
};

/** Content-addressed files. A digest that was returned names bytes that are durably there. */
export type ArtifactFiles = {
  put(bytes: Uint8Array): Promise<{ readonly sha256: string; readonly sizeBytes: number }>;
  /** Null when missing; rejects when the bytes do not match the digest. */
  get(sha256: string): Promise<Uint8Array | null>;
  /** Whether something of this size lies there now; cheap, the bytes are not read. */
  holds(sha256: string, sizeBytes: number): Promise<boolean>;
  /** What lies there, in pieces and any order; `next` is given to get the piece after it, null at the end. */
  list(after: string | null): Promise<StoredPage>;
  /** No error where nothing lies there. Only for what nobody names: Store.forgetContent. */
  remove(sha256: string): Promise<void>;
};

export type StoredPage = {
  /** `storedAt`: when the content was last written. */
  readonly files: readonly { readonly sha256: string; readonly storedAt: Date }[];
  readonly next: string | null;
};

// --- programs and pages that nobody trusts ----------------------------------------------------------------------

/** What a sandbox needs of a workspace. */
export type SandboxWorkspace = Pick<Workspace, "walk" | "read" | "write" | "remove">;

export type SandboxLimits = {
  readonly wallClockMs: number;
  /** Processor time of each process. */
  readonly cpuSeconds: number;
  /** Resident memory of all processes together (watched), and private writable memory of each (by the kernel). */
  readonly memoryBytes: number;
  /** Address space of each process: runtimes reserve far more than they use. */
  readonly addressSpaceBytes: number;
  /** Processes and threads of the command at one time. */
  readonly processes: number;
  readonly openFiles: number;
  /** Of one file. */
  readonly fileBytes: number;
  /** Of the copy of the workspace, together (watched). */
  readonly diskBytes: number;
  /** Files and folders in the copy of the workspace (watched), and in the temporary folders. */
  readonly diskEntries: number;
  /** Each of /tmp, /dev/shm and the home folder; they are memory. */
  readonly temporaryBytes: number;
  /** Kept of each of standard output and standard error; the rest is read and thrown away. */
  readonly outputBytes: number;
};

export type SandboxRequest = {
  /** Program and arguments; no shell reads them. */
  readonly argv: readonly string[];
  /** A folder of the workspace; empty for its root. */
  readonly cwd: string;
  readonly stdin?: Uint8Array;
  readonly limits?: Partial<SandboxLimits>;
  readonly signal: AbortSignal;
};

/** `exited`: by itself; a signal shows as 128 + its number, as in a shell. All others: killed by the sandbox. */
export type SandboxEnd =
  | { readonly how: "exited"; readonly code: number }
  | { readonly how: "timed_out" }
  | { readonly how: "aborted" }
  | { readonly how: "limit"; readonly limit: "memory" | "disk" | "output" };

export type CappedText = { readonly text: string; readonly bytesDropped: number };

/** Something that the command left behind and that the workspace did not take. */
export type LeftOver = { readonly path: string; readonly because: string };

export type SandboxOutcome = {
  readonly end: SandboxEnd;
  readonly stdout: CappedText;
  readonly stderr: CappedText;
  /** What the workspace took over. Nothing is taken of a command that was killed. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly leftOver: readonly LeftOver[];
  /** Files of the workspace that the command could not see: links, and files above the size limit. */
  readonly unseen: readonly string[];
};

export type Sandbox = {
  /** An error: nothing was run. Rejects only when the sandbox itself is broken or cannot end what it started. */
  run(request: SandboxRequest, workspace: SandboxWorkspace): Promise<Result<SandboxOutcome, StepError>>;
};

/** An answer's body within limits on the wire and after decompression. */
export type Body = {
  readonly bytes: Uint8Array;
  /** There was more than the limit. */
  readonly isCut: boolean;
};

export type Answer = {
  readonly url: EgressUrl;
  readonly status: number;
  /** Null where there is none. A redirect is shown and never followed: where it leads has to be decided anew. */
  readonly location: string | null;
  /** As it was sent; null where there is none. */
  readonly retryAfter: string | null;
  readonly date: string | null;
  readonly contentType: string;
  readonly body: Body;
};

export type Fetcher = {
  /** Whether a request to this URL may be made, as far as can be told without making it. */
  check(url: string): Result<EgressUrl, StepError>;
  /** A GET without cookies or credentials. No error's text holds anything that came from the network. */
  get(url: string, signal: AbortSignal): Promise<Result<Answer, StepError>>;
};

// --- identity providers -----------------------------------------------------------------------------------------

export type Tokens = {
  /** Null for a token that is not good, whatever is wrong with it. Never rejects. */
  verify(token: string): Promise<TokenSubject | null>;
};

// --- telemetry -------------------------------------------------------------------------------------------------

export type LogLevel = "info" | "warn" | "error";

/** One record a call; fields hold no secrets, no prompt and no tool output. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export type SpanOptions = {
  readonly kind: "internal" | "server" | "client" | "consumer";
  readonly attributes?: Attributes;
  /** Attributes of this span and of every one that is begun below it. */
  readonly shared?: Attributes;
  /** A traceparent: the span belongs to that one, and not to the one under way here. Null: it begins a trace. */
  readonly parent?: string | null;
  /** Traceparents of others that have to do with it. */
  readonly links?: readonly string[];
  /** Where it began before anybody here heard of it; now if left out. */
  readonly startedAt?: Date;
};

export type OpenSpan = {
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** Marks it as failed. @param type a stable name, never a message */
  fail(type: string): void;
  /** What is begun in there, also later on, is below this span. */
  run<T>(work: () => T): T;
  /** To be called once. */
  end(): void;
};

/** A value as it is now, in the metric's unit. */
export type GaugeReading = { readonly value: number; readonly attributes: Attributes };

/** Every text that goes in is redacted before it leaves the process. */
export type Telemetry = {
  start(name: string, options: SpanOptions): OpenSpan;
  /** Of the span under way, for handing on; null where there is none. */
  traceparent(): string | null;
  count(metric: CounterName, attributes: Attributes, by?: number): void;
  /** @param value in the metric's unit */
  record(metric: HistogramName, value: number, attributes: Attributes): void;
  /** @param read is asked whenever somebody looks; what it rejects with is as if there were nothing to see */
  watch(metric: GaugeName, read: () => Promise<readonly GaugeReading[]>): void;
  /** All metrics in Prometheus' text format 0.0.4. */
  prometheus(): Promise<string>;
};
