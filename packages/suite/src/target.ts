// The one way by which a scenario gets a system under test. What a target can do beyond answering HTTP is optional
// and named, so that the same scenario runs in one process, over several, or against a foreign URL.

import type { RunState } from "@assent/contract";
import type { Capability } from "./capability.ts";
import type { DatabaseBench } from "./database-bench.ts";
import type { TokenChange } from "./faults/token-issuer.ts";
import type { CommandBench, DeputyBench, EgressBench, McpBench, SettingsBench } from "./guard-benches.ts";
import type { MemoryBench } from "./memory-bench.ts";
import type { ReceivedSpan } from "./otlp-receiver.ts";
import type { PathCall, ProviderBoard } from "./provider-board.ts";
import type { SuiteSigningKey } from "./request-signature.ts";
import type { ToolSink } from "./tool-sink.ts";

export type { PathCall, ProviderBoard } from "./provider-board.ts";

/**
 * Whose key a request carries. All are of the requester's tenant but those called `other_…`, of another one, save that
 * `other_principal` is a colleague. `auditor` reads the tenant's log,
 * `second_approver` decides as `approver` does, and `self_approver` may both submit and decide. `admin` and `other_admin`
 * may do everything, the one in the requester's tenant and the other in one of their own; `other_auditor` reads the log of
 * a tenant that is not the requester's.
 */
export const ROLES = [
  "requester",
  "approver",
  "second_approver",
  "self_approver",
  "other_principal",
  "other_tenant",
  "auditor",
  "admin",
  "other_admin",
  "other_auditor",
] as const;
export type Role = (typeof ROLES)[number];

/** The capabilities that only the target's owner can vouch for; the others follow from what a target has. */
export type Spoken = Extract<
  Capability,
  | "submit"
  | "approve"
  | "cancel"
  | "list"
  | "events"
  | "event_stream"
  | "artifacts"
  | "contract"
  | "open_api"
  | "external_runs"
  | "documents"
  | "plans"
  | "precedents"
  | "escalations"
  | "webhooks"
>;

export const SPOKEN: readonly Spoken[] = [
  "submit",
  "approve",
  "cancel",
  "list",
  "events",
  "event_stream",
  "artifacts",
  "contract",
  "open_api",
  "external_runs",
  "documents",
  "plans",
  "precedents",
  "escalations",
  "webhooks",
];

export type GatedTask = {
  /** Body for POST /api/harness/run. The task must stop at a gate at least once and leave a patch as artifact. */
  readonly body: unknown;
  /** Effects that one finished run of it has at the tool sink; 0 where it does not call the sink. */
  readonly sinkEffects: number;
};

/** An agent that is given passages of its tenant's documents before it is asked anything. */
export type ReaderBench = {
  body(task: string): Readonly<Record<string, unknown>>;
  readonly system: string;
  /** How many it is given, where so many fit. It may search for more with the tool `search_documents`. */
  readonly passages: number;
};

export type OutageBench = {
  readonly board: ProviderBoard;
  /** A run of the agent that may ask this provider only. It has the tools `read_file` and `tell_sink`. */
  readonly body: (task: string) => Readonly<Record<string, unknown>>;
  /** Failures after which nobody may ask any more. */
  readonly failures: number;
  /** How long then at first, and at most. */
  readonly openMs: number;
  readonly openMsMax: number;
  /** Any pause up to this before a repetition, doubled with each, up to the second. */
  readonly baseMs: number;
  readonly pauseMsMax: number;
  /** Calls for one step, and at one time from one process. */
  readonly stepCallsMax: number;
  readonly concurrencyMax: number;
  /** A connection without a byte, and an outage, longer than which nobody waits. */
  readonly silenceMsMax: number;
  readonly outageMsMax: number;
  /** Queued runs of a tenant past which it submits in vain, where they are few enough for the suite to queue them. */
  readonly queuedRunsMax?: number;
};

/** Two providers of different wires, and agents that ask them. */
export type ProviderBench = {
  readonly own: ProviderBoard;
  readonly substitute: ProviderBoard;
  /** The system text of both agents. */
  readonly system: string;
  /** Its agent asks `own` first and may ask `substitute`; it has these tools, and works on a repository. */
  readonly tools: readonly string[];
  body(task: string): Readonly<Record<string, unknown>>;
  /** The same, of an agent that may use so many tokens in a whole run. */
  thriftyBody(task: string): Readonly<Record<string, unknown>>;
  readonly thrift: { readonly inputTokensMax: number; readonly outputTokensMax: number };
  /** Asks `own` only. */
  readonly reader?: ReaderBench;
  /** A provider that one agent has and no other, and how the target is to meet its failures; for tests short. */
  readonly outage?: OutageBench;
  /** A file of the repository that is larger than any budget here. */
  readonly largeFile: string;
};

/** A file that no tool may reach. Both texts are the suite's own, so whoever shows one has read it. */
export type Canary = { readonly path: string; readonly text: string };

/** A model that the suite speaks for, and files around the workspace that no tool may reach. */
export type PathBench = {
  /** A run of an agent that has all the tools below. */
  body(task: string): unknown;
  /**
   * The model of the next run asks for these calls, and then ends. `before` is told of each turn, and then there is one
   * call a turn; without it there may be several.
   */
  script(calls: readonly PathCall[], before?: (turn: number) => void): void;
  /** What the model was sent since, verbatim: all that tools have returned is in there. */
  received(): readonly string[];
  /** Calls of every tool that takes a path, for one path. */
  reads(path: string): readonly PathCall[];
  /** The text is what is to be written. */
  writes(path: string, text: string): readonly PathCall[];
  /** Outside of every workspace, by absolute path; readable and writable by the harness's own user. */
  readonly canaries: readonly Canary[];
  /** Every file that now lies in the canaries' folders, by absolute path, with its content. */
  look(): Promise<ReadonlyMap<string, string>>;
  /** A file of the workspace, and a path in it that is free. */
  readonly legal: { readonly path: string; readonly text: string; readonly free: string };
  /** Links that lead to the canaries, in the copy that the one run under way works on. */
  readonly links?: {
    /** In the copy: a path for each way to a canary. */
    readonly paths: readonly string[];
    plant(): void;
    /** Takes them out again. */
    pull(): void;
  };
};

export type TransitionAttempt = {
  readonly accepted: boolean;
  /** Where it led; null when refused. */
  readonly to: RunState | null;
  /** What the target said, for the evidence. */
  readonly detail: string;
};

export type StateMachineInspection = {
  readonly events: readonly string[];
  /** Puts one event to the target's code, for a run in that state. */
  attemptTransition(from: RunState, event: string): Promise<TransitionAttempt>;
  /** Puts a run into `from`, then writes `to` straight into the database, as a bug or another program would. */
  attemptStoredTransition?(from: RunState, to: RunState): Promise<TransitionAttempt>;
};

/** What two of the failure drills need beside the gated task. */
export type DrillBench = {
  /** Body of a run with one effect at the sink, then a question in the same turn of the model. */
  readonly effectFirst: unknown;
  /** Puts the canary into the stored arguments of an open question; false where it is not about the sink. */
  changeStoredArguments?(approvalId: string, canary: string): Promise<boolean>;
};

/** `stored`: its artifacts are, and no more; `recorded`: it is written that they are, and not yet that it has succeeded. */
export type EndingPoint = "stored" | "recorded";

/** Holds up the end of runs, behind the target's back. */
export type EndingBench = {
  /** From now on no run that succeeds gets past that point. */
  holdAt(point: EndingPoint): Promise<void>;
  /** How many stand there. */
  held(): Promise<number>;
  letGo(): Promise<void>;
};

/** What makes a dead letter without twenty crashes. */
export type DeadLetterBench = {
  /** When that run, which waits for a person, is next to be taken up, all its attempts have been made. */
  exhaust(runId: string): Promise<void>;
};

/** Tasks whose effects arrive at the sink as calls, and are taken back there by calls that name them. */
export type RollbackBench = {
  /** Effects that the longest of them has. */
  readonly stepsMax: number;
  /** Has so many effects, each of which can be taken back, and then fails. */
  body(steps: number): unknown;
  /** Has one effect that nothing takes back, and then fails. */
  readonly irreversible: unknown;
  /** A tool of the target's own that takes one `text` and takes back at the sink what a driver did there under its name. */
  readonly ownTool?: string;
};

/** A route that a principal may ask so many times, in a window that outlasts any trial. */
export type QuotaBench = {
  readonly path: string;
  readonly requests: number;
  /** The key of a principal that has asked for nothing yet. */
  freshKey(): Promise<string>;
};

/** A principal of the requester's tenant that may submit runs and call them off. */
export type SigningBench = {
  /** Its bearer key, which opens nothing without a signature. */
  readonly bearer: string;
  readonly key: SuiteSigningKey;
  /** The bearer key of who may read the tenant's access events; it needs no signature. */
  readonly auditor?: string;
};

/** An identity provider of the suite's own, whose tokens the target takes for a principal that may submit runs. */
export type TokenBench = {
  /** A good token of it, but for what is changed. */
  make(change?: TokenChange): string;
};

/**
 * What a target may tell of itself where no request of a scenario reads it. `warnings`: its log warns of what is wrong and
 * of nothing else, so that a warning which no scenario announces is a fault; a log of others may warn of anything.
 */
export type Signal = "spans" | "metrics" | "log" | "warnings";

export type ObservationBench = {
  /** What of it the suite is told; where it is not said, all of it. The rest is not judged. */
  readonly tells?: ReadonlySet<Signal>;
  /** Every span that was sent since the start; all that ended before the call is among them. */
  spans(): Promise<readonly ReceivedSpan[]>;
  /** What each server process says under /metrics. A process that was started anew counts from nothing. */
  metrics(): Promise<readonly { readonly process: string; readonly text: string }[]>;
  /** Every line that was logged since the start, one record each. */
  log(): Promise<readonly string[]>;
};

export type Target = {
  readonly name: string;
  readonly speaks: ReadonlySet<Spoken>;
  readonly gatedTask: GatedTask;
  /** Resolves when every endpoint answers. */
  start(): Promise<void>;
  /** Stops whatever start started; no error when nothing runs. */
  stop(): Promise<void>;
  /** Base URLs of the servers, all on one state. They can change with a restart. */
  endpoints(): readonly string[];
  /** The bearer key of that role, or null where there is none. */
  key(role: Role): string | null;
  /** Where the gated task's effects arrive: an oracle that the target cannot talk round. */
  readonly sink?: ToolSink;
  readonly drills?: DrillBench;
  readonly deadLetters?: DeadLetterBench;
  readonly ending?: EndingBench;
  readonly rollback?: RollbackBench;
  readonly memory?: MemoryBench;
  readonly database?: DatabaseBench;
  readonly signing?: SigningBench;
  readonly quota?: QuotaBench;
  readonly provider?: ProviderBench | undefined;
  readonly paths?: PathBench;
  readonly deputy?: DeputyBench;
  readonly mcp?: McpBench;
  readonly egress?: EgressBench;
  readonly commands?: CommandBench | undefined;
  readonly settings?: SettingsBench;
  readonly tokens?: TokenBench;
  readonly observation?: ObservationBench;
  readonly faults?: {
    arm(fault: string, times: number): Promise<void>;
    fired(fault: string): Promise<number>;
  };
  readonly inspect?: {
    readonly stateMachine?: StateMachineInspection;
    /** The text of everything that is written where no request reads it (log, audit, queue, traces), by its name. */
    readSinks?(): Promise<Readonly<Record<string, string>>>;
  };
  /** `kill -9`, and what was killed is started again. */
  kill?(process: "server" | "worker"): Promise<void>;
  /** Stops every process in order and starts them again on the same state. */
  restart?(): Promise<void>;
};

/** What the target can do, read off what it has. Call it after start. */
export function capabilitiesOf(target: Target): ReadonlySet<Capability> {
  const found = new Set<Capability>();
  const add = (capability: Capability, present: boolean): void => {
    if (present) found.add(capability);
  };
  for (const spoken of target.speaks) found.add(spoken);
  add("second_principal", target.key("other_principal") !== null);
  add("second_tenant", target.key("other_tenant") !== null);
  add("second_approver", target.key("second_approver") !== null);
  add("self_approver", target.key("self_approver") !== null);
  add("audit_log", target.key("auditor") !== null);
  add("second_auditor", target.key("other_auditor") !== null);
  add("administrators", target.key("admin") !== null && target.key("other_admin") !== null);
  add("two_processes", target.endpoints().length > 1);
  add("restart", target.restart !== undefined);
  add("kill", target.kill !== undefined);
  add("tool_sink", target.sink !== undefined && target.gatedTask.sinkEffects > 0);
  add("effect_first", target.drills !== undefined);
  add("stored_arguments", target.drills?.changeStoredArguments !== undefined);
  add("exhausted_attempts", target.deadLetters !== undefined);
  add("held_end", target.ending !== undefined);
  add("compensation", target.sink !== undefined && target.rollback !== undefined);
  add(
    "driven_compensation",
    found.has("external_runs") && found.has("compensation") && target.rollback?.ownTool !== undefined,
  );
  add("quota", target.quota !== undefined);
  add("memory", target.memory !== undefined);
  add("resident_memory", target.memory?.residentBytes !== undefined);
  add("memory.buffers", target.memory?.bufferBytes !== undefined);
  add("memory.ended", target.memory?.ended !== undefined);
  add("memory.process", target.memory?.process !== undefined);
  add("database", target.database !== undefined);
  add("signing", target.signing !== undefined);
  add("access_events", target.signing?.auditor !== undefined);
  add("provider", target.provider !== undefined);
  add("outages", target.provider?.outage !== undefined);
  add("full_queue", target.provider?.outage?.queuedRunsMax !== undefined);
  add("paths", target.paths !== undefined);
  add("path_links", target.paths?.links !== undefined);
  add("deputy", target.deputy !== undefined && target.sink !== undefined);
  add("mcp", target.mcp !== undefined);
  add("egress", target.egress !== undefined);
  add("egress.reachable", target.egress?.open !== undefined);
  add("commands", target.commands !== undefined);
  add("settings", target.settings !== undefined);
  add("tokens", target.tokens !== undefined);
  add("observation", target.observation !== undefined);
  add("inspect.sinks", target.inspect?.readSinks !== undefined);
  add("faults", target.faults !== undefined);
  add("inspect.state_machine", target.inspect?.stateMachine !== undefined);
  add("db", target.inspect?.stateMachine?.attemptStoredTransition !== undefined);
  if (target.key("requester") === null) found.delete("submit");
  if (target.key("approver") === null) found.delete("approve");
  return found;
}

export type ForeignOptions = {
  readonly urls: readonly string[];
  readonly keys: { readonly [role in Role]?: string | undefined };
  readonly runBody: unknown;
  /** What the harness does not offer. */
  readonly without: readonly Spoken[];
  /** Where the tool of the run's task sends its one effect. */
  readonly sink?: ToolSink;
  /** What it tells of itself. */
  readonly observation?: ObservationBench;
};

/** A harness of which nothing is known but its address: started, stopped and looked into by others. */
export function foreignTarget(options: ForeignOptions): Target {
  return {
    name: options.urls.join(" "),
    speaks: new Set(SPOKEN.filter((capability) => !options.without.includes(capability))),
    gatedTask: { body: options.runBody, sinkEffects: options.sink === undefined ? 0 : 1 },
    ...(options.sink === undefined ? {} : { sink: options.sink }),
    ...(options.observation === undefined ? {} : { observation: options.observation }),
    start: async () => undefined,
    stop: async () => undefined,
    endpoints: () => options.urls,
    key: (role) => options.keys[role] ?? null,
  };
}
