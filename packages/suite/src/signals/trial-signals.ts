// What a target told of itself during one trial, and what of the trial it must tell of.

import type { AuditEvent } from "@assent/contract";
import type { Exchange } from "../evidence.ts";
import type { ReceivedSpan } from "../otlp-receiver.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import type { ObservationBench } from "../target.ts";
import { readPrometheus, riseOf, type Series } from "./prometheus.ts";

/** Where the signals stood at one moment. */
export type Mark = {
  readonly spans: number;
  readonly lines: number;
  /** By process; one whose text cannot be read is missing. */
  readonly metrics: ReadonlyMap<string, Series>;
};

export type TrialSignals = {
  /** Those that came since the mark. */
  readonly spans: readonly ReceivedSpan[];
  /** Of every span since the start. */
  readonly known: ReadonlySet<string>;
  readonly lines: readonly string[];
  /** Of one process from before to after; null: processes were started anew, and counters with them. */
  readonly metrics: readonly { readonly before: Series; readonly after: Series }[] | null;
};

async function readMetrics(bench: ObservationBench): Promise<ReadonlyMap<string, Series>> {
  const read = new Map<string, Series>();
  for (const { process, text } of await bench.metrics()) {
    const series = readPrometheus(text);
    if (series !== null) read.set(process, series);
  }
  return read;
}

/** What is counted both as a span and as a measurement, by the metric. */
export const CALLS: readonly { readonly what: string; readonly metric: string; readonly prefix: string }[] = [
  { what: "calls of models", metric: "gen_ai_client_operation_duration_count", prefix: "chat " },
  { what: "calls of tools", metric: "gen_ai_execute_tool_duration_count", prefix: "execute_tool " },
  { what: "holds of runs", metric: "gen_ai_invoke_agent_duration_count", prefix: "invoke_agent " },
];

/** Looks taken until nothing of an earlier trial happens between two of them. */
const LOOKS_MAX = 20;

export async function markSignals(bench: ObservationBench): Promise<Mark> {
  let metrics = await readMetrics(bench);
  for (let look = 1; ; look += 1) {
    const [spans, lines, after] = [await bench.spans(), await bench.log(), await readMetrics(bench)];
    const isQuiet = CALLS.every(({ metric }) =>
      [...after].every(([process, series]) => {
        const before = metrics.get(process);
        return before === undefined || riseOf(before, series, metric) === 0;
      }),
    );
    // Else a call is counted before the mark whose span comes after it.
    if (isQuiet || look === LOOKS_MAX) return { spans: spans.length, lines: lines.length, metrics: after };
    metrics = after;
  }
}

export async function signalsSince(bench: ObservationBench, mark: Mark): Promise<TrialSignals> {
  const spans = await bench.spans();
  const [lines, metrics] = [await bench.log(), await readMetrics(bench)];
  const pairs = [...metrics].map(([process, after]) => ({ before: mark.metrics.get(process), after }));
  const throughout = pairs.flatMap(({ before, after }) => (before === undefined ? [] : [{ before, after }]));
  return {
    spans: spans.slice(mark.spans),
    known: new Set(spans.map(({ spanId }) => spanId)),
    lines: lines.slice(mark.lines),
    metrics: throughout.length === pairs.length && pairs.length === mark.metrics.size ? throughout : null,
  };
}

/** A run that a trial's own requests made. */
export type MadeRun = {
  readonly id: string;
  /** Carried out by a program outside: no worker holds it. */
  readonly driven: boolean;
  readonly events: readonly AuditEvent[];
};

export type Submission = { readonly id: string; readonly as: string; readonly driven: boolean };

const pathOf = ({ url }: Exchange): string => URL.parse(url)?.pathname ?? "";

const jsonOf = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // Too long to have been kept whole.
    return null;
  }
};

/** The runs that were accepted, each once, whoever asked how often. */
export function submissionsIn(exchanges: readonly Exchange[]): Submission[] {
  const found = new Map<string, Submission>();
  for (const exchange of exchanges) {
    if (exchange.method !== "POST" || pathOf(exchange) !== "/api/harness/run" || exchange.status !== 202)
      continue;
    const id = textOf(fieldsOf(jsonOf(exchange.body))["id"]);
    const { driver } = fieldsOf(jsonOf(exchange.requestBody ?? ""));
    if (id !== "") found.set(id, { id, as: exchange.as, driven: driver === "external" });
  }
  return [...found.values()];
}

/** How many answers the trial's requests got, by method, path and status. */
export function answersIn(exchanges: readonly Exchange[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const exchange of exchanges) {
    if (exchange.status === null) continue;
    const key = `${exchange.method} ${pathOf(exchange)} ${exchange.status}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** The run of each approval whose decision was answered with 200. */
export function decisionsIn(exchanges: readonly Exchange[]): ReadonlyMap<string, string> {
  return new Map(
    exchanges
      .filter((exchange) => exchange.status === 200 && pathOf(exchange) === "/api/harness/approve")
      .map(({ body }) => {
        const { id, run_id } = fieldsOf(jsonOf(body));
        return [textOf(id), textOf(run_id)];
      }),
  );
}
