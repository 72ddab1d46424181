// What must be true of a target's spans, metrics, log and audit events after any trial, whatever the scenario: each of
// them is held against what the trial's own requests did, or against another of them. Names: spec/conventions.md.

import type { Exchange } from "../evidence.ts";
import type { ReceivedSpan } from "../otlp-receiver.ts";
import type { Implied } from "../scenario.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import type { Signal } from "../target.ts";
import { riseOf } from "./prometheus.ts";
import { answersIn, CALLS, decisionsIn, type MadeRun, type TrialSignals } from "./trial-signals.ts";

export type Fault = { readonly claim: string; readonly found: unknown };

export type Trial = {
  /** What the target tells; nothing is missed in what it does not. */
  readonly tells: ReadonlySet<Signal>;
  readonly signals: TrialSignals;
  readonly exchanges: readonly Exchange[];
  /** Every run that the trial made. */
  readonly runs: readonly MadeRun[];
  /** Messages of errors that the scenario provokes, and of warnings. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly implied: Implied;
};

const CONVERSATION = "gen_ai.conversation.id";
const SERVER_KIND = 2;

/** More than these help nobody. */
const SHOWN_MAX = 5;

const faultOf = (claim: string, found: readonly unknown[]): Fault[] =>
  found.length === 0 ? [] : [{ claim, found: found.slice(0, SHOWN_MAX) }];

/** Of connections, where the scenario has ended processes at the other end of them. */
const RESTART_WARNINGS: readonly string[] = [
  "a database connection broke",
  "the log keeper's connection broke",
  "the worker's presence connection broke",
  "the worker's presence connection cannot be made",
];

export function faultsOfLog({ signals, errors, warnings, tells }: Trial): Fault[] {
  const records = signals.lines.map((line): { line: string; record: unknown } => {
    try {
      return { line, record: JSON.parse(line) as unknown };
    } catch {
      return { line, record: null };
    }
  });
  const bad = records.filter(({ record }) => {
    const { level, message } = fieldsOf(record);
    return (level === "error" || level === "fatal") && !errors.includes(textOf(message));
  });
  const announced = [...errors, ...warnings, ...(signals.metrics === null ? RESTART_WARNINGS : [])];
  const warned = records.filter(({ record }) => {
    const { level, message } = fieldsOf(record);
    return tells.has("warnings") && level === "warn" && !announced.includes(textOf(message));
  });
  return [
    ...faultOf(
      "every line of the log is one record",
      records.filter(({ record }) => textOf(fieldsOf(record)["message"]) === "").map(({ line }) => line),
    ),
    ...faultOf(
      "no error is logged but those that the scenario provokes",
      bad.map(({ line }) => line),
    ),
    ...faultOf(
      "no warning is logged but those that the scenario announces",
      warned.map(({ line }) => line),
    ),
  ];
}

const isCall = ({ name }: ReceivedSpan): boolean => /^(?:chat|execute_tool) /.test(name);
const isHold = ({ name }: ReceivedSpan): boolean => name.startsWith("invoke_agent ");
const show = ({ name, spanId, parentSpanId, traceId }: ReceivedSpan): unknown => ({
  name,
  spanId,
  parentSpanId,
  traceId,
});

export function faultsOfTraces({ signals, runs, tells }: Trial): Fault[] {
  if (!tells.has("spans")) return [];
  const { spans, known, metrics } = signals;
  // A process that was killed never sends the spans that were open in it.
  const isWhole = metrics !== null;
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const calls = spans.filter(isCall);
  const faults = [
    ...faultOf(
      "every span's parent was sent as well",
      spans
        .filter(({ parentSpanId }) => isWhole && parentSpanId !== "" && !known.has(parentSpanId))
        .map(show),
    ),
    ...faultOf(
      "a span and its parent are of one trace",
      spans
        .filter(({ parentSpanId, traceId }) => (byId.get(parentSpanId)?.traceId ?? traceId) !== traceId)
        .map(show),
    ),
    ...faultOf(
      "calls of models and tools are below what held the run",
      calls.filter(({ parentSpanId }) => parentSpanId === "").map(show),
    ),
    ...faultOf(
      "calls of models and tools say of which run they are",
      calls.filter(({ attributes }) => !textOf(attributes[CONVERSATION]).startsWith("run_")).map(show),
    ),
  ];
  return [...faults, ...runs.flatMap((run) => faultsOfRunTrace(run, spans, isWhole))];
}

function faultsOfRunTrace(
  { id, driven, events }: MadeRun,
  spans: readonly ReceivedSpan[],
  isWhole: boolean,
): Fault[] {
  const own = spans.filter(({ attributes }) => attributes[CONVERSATION] === id);
  const holds = own.filter(isHold);
  const wasHeld = events.some(({ kind }) => kind === "run_released" || kind === "run_parked");
  const traces = new Set(own.map(({ traceId }) => traceId));
  const roots = new Set(holds.map(({ parentSpanId }) => parentSpanId));
  const begun = spans.find(({ spanId }) => roots.has(spanId));
  return [
    ...(isWhole && wasHeld && !driven && holds.length === 0
      ? faultOf("a run that a worker held has a span of it", [id])
      : []),
    ...(traces.size > 1 ? faultOf("one run is one trace", [{ id, traces: [...traces] }]) : []),
    ...(roots.size > 1 || roots.has("")
      ? faultOf("every hold of a run is below the request that made it", [{ id, roots: [...roots] }])
      : []),
    ...(begun !== undefined && (begun.kind !== SERVER_KIND || begun.parentSpanId !== "")
      ? faultOf("a run's trace begins with the request that made it", [show(begun)])
      : []),
  ];
}

/** Routes without anything of a request in them, as they stand in labels. */
const ROUTES: readonly string[] = ["/api/harness/run", "/api/harness/runs", "/api/harness/approve"];

export function faultsOfMetrics({ signals, exchanges, runs, tells }: Trial): Fault[] {
  const { metrics, spans } = signals;
  if (metrics === null || !tells.has("metrics")) return [];
  const rise = (name: string, labels: Readonly<Record<string, string>> = {}): number =>
    metrics.reduce((sum, { before, after }) => sum + riseOf(before, after, name, labels), 0);
  const spansNamed = (prefix: string): number => spans.filter(({ name }) => name.startsWith(prefix)).length;
  const compared: { readonly what: string; readonly metric: number; readonly other: number }[] = [];
  for (const [key, count] of answersIn(exchanges)) {
    const [method = "", route = "", status = ""] = key.split(" ");
    if (!ROUTES.includes(route)) continue;
    const labels = { http_request_method: method, http_route: route, http_response_status_code: status };
    const metric = rise("http_server_request_duration_count", labels);
    compared.push({ what: `answers: ${key}`, metric, other: count });
  }
  const kinds = new Map<string, number>();
  for (const { kind } of runs.flatMap(({ events }) => events)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  for (const [kind, count] of kinds)
    compared.push({
      what: `audit events: ${kind}`,
      metric: rise("assent_events_total", { assent_event_kind: kind }),
      other: count,
    });
  const same = CALLS.map(({ what, metric, prefix }) => ({
    what,
    metric: rise(metric),
    spans: spansNamed(prefix),
  }));
  return [
    ...faultOf(
      "metrics count at least what the trial itself saw happen",
      compared.filter(({ metric, other }) => metric < other),
    ),
    ...faultOf(
      "metrics and spans tell of the same calls",
      same.filter(({ metric, spans: seen }) => tells.has("spans") && metric !== seen),
    ),
  ];
}

/** What this scenario in particular must have left behind. */
export function faultsOfImplied({ signals, runs, implied, tells }: Trial): Fault[] {
  const { spans = [], metrics = [], events = [] } = implied;
  const names = signals.spans.map(({ name }) => name);
  const kinds = new Set<string>(runs.flatMap((run) => run.events.map(({ kind }) => kind)));
  const still = metrics.filter(
    ([name, labels]) =>
      tells.has("metrics") &&
      signals.metrics?.every(({ before, after }) => riseOf(before, after, name, labels) === 0) === true,
  );
  return [
    ...faultOf(
      "the spans that the scenario implies were sent",
      spans.filter((begin) => tells.has("spans") && !names.some((name) => name.startsWith(begin))),
    ),
    ...faultOf("the metrics that the scenario implies rose", still),
    ...faultOf(
      "the events that the scenario implies are in the trail",
      events.filter((kind) => !kinds.has(kind)),
    ),
  ];
}

export function faultsOfEvents({ exchanges, runs }: Trial): Fault[] {
  const decided = [...decisionsIn(exchanges).values()];
  const untold = runs.filter(({ id, events }) => {
    const told = events.filter(({ kind }) => DECIDED.includes(kind)).length;
    return told < decided.filter((run) => run === id).length;
  });
  return [
    ...faultOf(
      "every run's trail begins with its being queued",
      runs.filter(({ events }) => events[0]?.kind !== "run_queued").map(({ id }) => id),
    ),
    ...faultOf(
      "every decision that was accepted is in the trail",
      untold.map(({ id }) => id),
    ),
  ];
}

const DECIDED: readonly string[] = [
  "approval_approved",
  "approval_denied",
  "approval_voted",
  "approval_confirmed",
];
