// The names under which this program tells of itself. What others have named is named as they do, and stands here and
// nowhere else. A test holds all of it against the installed package of the conventions.

/**
 * Names of OpenTelemetry are those of this package, at this commit of its repository (open-telemetry/opentelemetry-js).
 * It carries GenAI's last draft from before that moved to a repository of its own; all of GenAI is in development.
 */
export const CONVENTIONS = {
  package: "@opentelemetry/semantic-conventions",
  version: "1.45.0",
  commit: "ee94b842fd734e23064539c5f8069e0af0e92b9a",
} as const;

/** Named after drafts that are newer than that package, so held against nothing but this list. */
export const BEYOND_CONVENTIONS: readonly string[] = [
  "gen_ai.execute_tool.duration",
  "gen_ai.invoke_agent.duration",
];

export const GEN_AI = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  responseModel: "gen_ai.response.model",
  outputTokensMax: "gen_ai.request.max_tokens",
  finishReasons: "gen_ai.response.finish_reasons",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  tokenType: "gen_ai.token.type",
  conversation: "gen_ai.conversation.id",
  agent: "gen_ai.agent.name",
  tool: "gen_ai.tool.name",
  /** Opt-in: what people and models wrote. */
  systemInstructions: "gen_ai.system_instructions",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  toolArguments: "gen_ai.tool.call.arguments",
  toolResult: "gen_ai.tool.call.result",
} as const;

export const HTTP = {
  method: "http.request.method",
  route: "http.route",
  status: "http.response.status_code",
} as const;

export const ERROR_TYPE = "error.type";

export const ASSENT = {
  run: "assent.run.id",
  step: "assent.step",
  attempt: "assent.run.attempt",
  effect: "assent.effect.id",
  verdict: "assent.policy.verdict",
  rule: "assent.policy.rule",
  event: "assent.event.kind",
  redaction: "assent.redaction.rule",
  breaker: "assent.breaker.state",
  outcome: "assent.outcome",
  /** A driver's word for what it did itself. */
  reported: "assent.reported",
} as const;

type MetricRow = {
  readonly kind: "counter" | "histogram" | "gauge";
  /** UCUM, as OpenTelemetry wants it. */
  readonly unit: string;
  readonly description: string;
  readonly buckets?: readonly number[];
};

// 10 ms to 82 s, doubling: what the GenAI conventions advise for calls of models.
const CALL_SECONDS = Array.from({ length: 14 }, (_, power) => 0.01 * 2 ** power);
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power);
/** A person's answer takes from seconds to the three days after which it counts as no. */
const WAIT_SECONDS = [1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400, 259_200];
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Every metric. Labels are of bounded number: no id of a run, of a person or of a tenant is ever one. */
export const METRICS = {
  "http.server.request.duration": {
    kind: "histogram",
    unit: "s",
    description: "Requests to the API, by route and status.",
    buckets: REQUEST_SECONDS,
  },
  "gen_ai.client.operation.duration": {
    kind: "histogram",
    unit: "s",
    description: "Calls of models.",
    buckets: CALL_SECONDS,
  },
  "gen_ai.client.token.usage": {
    kind: "histogram",
    unit: "{token}",
    description: "Tokens of each call, as settled.",
    buckets: TOKENS,
  },
  "gen_ai.execute_tool.duration": {
    kind: "histogram",
    unit: "s",
    description: "Calls of tools.",
    buckets: CALL_SECONDS,
  },
  "gen_ai.invoke_agent.duration": {
    kind: "histogram",
    unit: "s",
    description: "How long a worker held a run at a stretch.",
    buckets: CALL_SECONDS,
  },
  "assent.events": {
    kind: "counter",
    unit: "{event}",
    description: "Audit events that were committed, by kind.",
  },
  "assent.policy.decisions": {
    kind: "counter",
    unit: "{decision}",
    description: "What the rules said, and the first rule that said it.",
  },
  "assent.approvals.wait": {
    kind: "histogram",
    unit: "s",
    description: "From a question to its answer.",
    buckets: WAIT_SECONDS,
  },
  "assent.queue.depth": {
    kind: "gauge",
    unit: "{run}",
    description:
      "Runs of all tenants that wait for a worker, up to the limit past which new ones are refused.",
  },
  "assent.queue.oldest_age": {
    kind: "gauge",
    unit: "s",
    description: "How long the run that waits longest has been due; 0 where none is.",
  },
  "assent.turns": {
    kind: "counter",
    unit: "{turn}",
    description: "Slots of a worker that went to a tenant who waited: handed over by a run, or lent.",
  },
  "assent.breaker.state": {
    kind: "gauge",
    unit: "1",
    description: "1 for the state that a provider's breaker is in, 0 for the others.",
  },
  "assent.provider.retries": {
    kind: "counter",
    unit: "{call}",
    description: "Calls of a model that were repeated, by provider and what came of the repetition.",
  },
  "assent.audit.head_seq": {
    kind: "gauge",
    unit: "{entry}",
    description: "Entries of all tenants' logs together.",
  },
  "assent.audit.gap": {
    kind: "gauge",
    unit: "{event}",
    description:
      "Events that were recorded and are neither waiting nor in a log, or the other way round; 0, or an alarm. Counted by the minute where the logs are kept.",
  },
  "assent.audit.uncovered_age": {
    kind: "gauge",
    unit: "s",
    description:
      "How long ago the first payload was erased that backups of before can still open; 0 where there is none. It ends with a change of the sealing key.",
  },
  "assent.webhooks.attempts": {
    kind: "counter",
    unit: "{attempt}",
    description: "Attempts to send a message to a webhook, by what they came to.",
  },
  "assent.webhooks.oldest_age": {
    kind: "gauge",
    unit: "s",
    description:
      "How long the message to a webhook that waits longest could have been sent; 0 where none waits but for its time, or its receiver's.",
  },
  "assent.redactions": {
    kind: "counter",
    unit: "{secret}",
    description: "Secrets taken out of texts, by the rule that knew them.",
  },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;
export type CounterName = {
  [Name in MetricName]: (typeof METRICS)[Name]["kind"] extends "counter" ? Name : never;
}[MetricName];
export type GaugeName = {
  [Name in MetricName]: (typeof METRICS)[Name]["kind"] extends "gauge" ? Name : never;
}[MetricName];
export type HistogramName = Exclude<MetricName, CounterName | GaugeName>;
