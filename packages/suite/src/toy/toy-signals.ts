// What the toy tells of itself: spans and counts, kept where a collector and a scraper would have them.

import { randomBytes } from "node:crypto";
import type { ReceivedSpan } from "../otlp-receiver.ts";
import type { Breaks, ToyRun } from "./toy-run.ts";

const SERVER = 2;
const INTERNAL = 1;

type Place = { readonly traceId: string; readonly spanId: string };

export type ToySignals = {
  readonly spans: ReceivedSpan[];
  /** By series, as Prometheus writes it. */
  readonly counts: Map<string, number>;
  /** The request that made a run. */
  readonly origins: Map<string, Place>;
};

export const createToySignals = (): ToySignals => ({ spans: [], counts: new Map(), origins: new Map() });

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");

const add = ({ counts }: ToySignals, series: string): void => {
  counts.set(series, (counts.get(series) ?? 0) + 1);
};

function addSpan(
  signals: ToySignals,
  span: Pick<ReceivedSpan, "name" | "kind" | "attributes"> & { readonly below: Place | null },
  place: Place,
): void {
  const { name, kind, attributes, below } = span;
  const parentSpanId = below?.spanId ?? "";
  signals.spans.push({ ...place, parentSpanId, name, kind, attributes, links: [], isError: false });
}

/** One request that was answered. */
export function tellRequest(
  signals: ToySignals,
  breaks: Breaks,
  request: { readonly method: string; readonly path: string; readonly status: number; readonly run?: string },
): void {
  const { method, path, status, run } = request;
  const known = run === undefined ? undefined : originOf(signals, run);
  // A repetition is answered as the first request was, and is a request of its own.
  const isFirst = known !== undefined && !signals.spans.some(({ spanId }) => spanId === known.spanId);
  const place = isFirst ? known : { traceId: hex(16), spanId: hex(8) };
  addSpan(signals, { name: `${method} ${path}`, kind: SERVER, attributes: {}, below: null }, place);
  if (breaks.has("metric.request") && status === 202) return;
  const labels = `http_request_method="${method}",http_response_status_code="${status}",http_route="${path}"`;
  add(signals, `http_server_request_duration_count{${labels}}`);
}

/** Where the trace of a run begins; the request that made it takes this place. */
export function originOf(signals: ToySignals, run: string): Place {
  const place = signals.origins.get(run) ?? { traceId: hex(16), spanId: hex(8) };
  signals.origins.set(run, place);
  return place;
}

/** The toy held a run at a stretch, and called its tool so often meanwhile. */
export function tellHold(
  signals: ToySignals,
  breaks: Breaks,
  toy: ToyRun,
  calls: number,
  tool = "note",
): void {
  const begun = originOf(signals, toy.run.id);
  const origin = breaks.has("trace.split") ? { traceId: hex(16), spanId: begun.spanId } : begun;
  const hold = { traceId: origin.traceId, spanId: hex(8) };
  const attributes = { "gen_ai.conversation.id": toy.run.id };
  for (let call = 0; call < calls; call += 1) {
    const below = breaks.has("trace.orphan") ? { ...hold, spanId: hex(8) } : hold;
    const place = { traceId: hold.traceId, spanId: hex(8) };
    addSpan(signals, { name: `execute_tool ${tool}`, kind: INTERNAL, attributes, below }, place);
    if (!breaks.has("metric.tool"))
      add(signals, `gen_ai_execute_tool_duration_count{gen_ai_tool_name="${tool}"}`);
  }
  addSpan(signals, { name: "invoke_agent toy", kind: INTERNAL, attributes, below: origin }, hold);
  add(signals, 'gen_ai_invoke_agent_duration_count{gen_ai_agent_name="toy"}');
}

/** A model was asked. */
export function tellChat(signals: ToySignals, run: string): void {
  const below = originOf(signals, run);
  const attributes = { "gen_ai.conversation.id": run };
  const place = { traceId: below.traceId, spanId: hex(8) };
  addSpan(signals, { name: "chat toy", kind: INTERNAL, attributes, below }, place);
  add(signals, 'gen_ai_client_operation_duration_count{gen_ai_request_model="toy"}');
}

/** It was told how many tokens that took. */
export function tellTokens(signals: ToySignals): void {
  add(signals, 'gen_ai_client_token_usage_count{gen_ai_request_model="toy"}');
}

/** A model is asked again. */
export function tellRetry(signals: ToySignals): void {
  add(signals, 'assent_provider_retries_total{gen_ai_request_model="toy"}');
}

/** A question was answered. */
export function tellAnswer(signals: ToySignals, breaks: Breaks): void {
  if (!breaks.has("metric.wait"))
    add(signals, 'assent_approvals_wait_count{assent_policy_verdict="approved"}');
}

/** The rules have spoken. */
export function tellDecision(signals: ToySignals, verdict: string): void {
  add(signals, `assent_policy_decisions_total{assent_policy_verdict="${verdict}"}`);
}

/** As GET /metrics would say it. */
export function toyMetrics(signals: ToySignals, breaks: Breaks, runs: Iterable<ToyRun>): string {
  const series = new Map(signals.counts);
  const name = breaks.has("metric.event") ? "assent_audit_total" : "assent_events_total";
  for (const { events } of runs)
    for (const { kind } of events) {
      const of = `${name}{assent_event_kind="${kind}"}`;
      series.set(of, (series.get(of) ?? 0) + 1);
    }
  return [...series].map(([of, value]) => `${of} ${value}\n`).join("");
}
