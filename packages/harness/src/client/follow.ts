// Follows a run's events for as long as it takes: a broken connection is opened again where it broke off.

import { type AuditEvent, auditEventSchema, EVENT_KINDS, type RunId } from "@assent/contract";
import { readEventStream } from "./event-stream.ts";
import type { ClientFailure } from "./failure.ts";
import {
  RECONNECT_DELAY_MS,
  RECONNECT_DELAY_MS_MAX,
  RECONNECTS_MAX,
  STREAM_SILENCE_MS_MAX,
} from "./limits.ts";
import { type Connection, exchange, failureOfThrown } from "./request.ts";

export type FollowItem =
  | { readonly type: "event"; readonly event: AuditEvent }
  | { readonly type: "reconnecting"; readonly detail: string }
  | { readonly type: "failed"; readonly failure: ClientFailure };

export type FollowOptions = {
  /** Only events with a version above this one. */
  readonly after: number;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
};

type Position = { after: number; retryMs: number; failures: number; ended: boolean };

/** Yields each event once, in order, and returns when the run has ended; `failed` is always the last item. */
export async function* followRun(
  connection: Connection,
  run: RunId,
  options: FollowOptions,
): AsyncGenerator<FollowItem> {
  const position: Position = {
    after: options.after,
    retryMs: RECONNECT_DELAY_MS,
    failures: 0,
    ended: false,
  };
  for (;;) {
    const failure = yield* readOnce(connection, run, options.signal, position);
    if (position.ended) return;
    position.failures += 1;
    if (position.failures > RECONNECTS_MAX || (failure !== null && !canTryAgain(failure))) {
      yield { type: "failed", failure: failure ?? keepsEnding(connection) };
      return;
    }
    yield { type: "reconnecting", detail: describe(failure) };
    await options.sleep(pauseMs(failure, position), options.signal);
    if (options.signal.aborted) {
      yield { type: "failed", failure: { kind: "aborted" } };
      return;
    }
  }
}

async function* readOnce(
  connection: Connection,
  run: RunId,
  signal: AbortSignal,
  position: Position,
): AsyncGenerator<FollowItem, ClientFailure | null> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), STREAM_SILENCE_MS_MAX);
  try {
    const response = await exchange(connection, {
      method: "GET",
      path: `/api/harness/runs/${run}/events`,
      headers: {
        accept: "text/event-stream",
        ...(position.after === 0 ? {} : { "last-event-id": String(position.after) }),
      },
      signal: AbortSignal.any([signal, silence.signal]),
      timeoutMs: null,
    });
    if (!response.ok) return signal.aborted || !silence.signal.aborted ? response.error : null;
    if (response.value.status === 204 || response.value.body === null) {
      position.ended = true;
      return null;
    }
    const heard = signsOfLife(response.value.body, timer, position);
    for await (const item of readEventStream(heard)) {
      if (item.type === "retry") position.retryMs = item.ms;
      else if (item.event.event === "end") {
        position.ended = true;
        return null;
      } else if (isEventKind(item.event.event)) {
        const event = eventOf(item.event.data);
        if (event === null) return { kind: "unexpected", detail: "the event stream holds no audit event" };
        // A server that starts over must not make us tell the same thing twice.
        if (event.version <= position.after) continue;
        position.after = event.version;
        yield { type: "event", event };
      }
    }
    return null;
  } catch (error) {
    return failureOfThrown(error, connection, signal);
  } finally {
    clearTimeout(timer);
  }
}

async function* signsOfLife(
  body: AsyncIterable<Uint8Array>,
  timer: NodeJS.Timeout,
  position: Position,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    timer.refresh();
    position.failures = 0;
    yield chunk;
  }
}

function keepsEnding(connection: Connection): ClientFailure {
  return { kind: "unreachable", url: connection.url, detail: "the event stream keeps ending" };
}

function isEventKind(name: string): boolean {
  return EVENT_KINDS.some((kind) => kind === name);
}

function eventOf(data: string): AuditEvent | null {
  try {
    return auditEventSchema.parse(JSON.parse(data));
  } catch {
    return null;
  }
}

// Only what passes by itself: a server that restarts or is full. Everything else would be refused again.
function canTryAgain(failure: ClientFailure): boolean {
  if (failure.kind === "refused") return failure.problem.status === 429 || failure.problem.status === 503;
  return failure.kind === "unreachable";
}

function pauseMs(failure: ClientFailure | null, position: Position): number {
  const asked = failure?.kind === "refused" ? failure.retryAfterMs : null;
  const doubled = position.retryMs * 2 ** Math.max(0, position.failures - 1);
  return Math.min(asked ?? doubled, RECONNECT_DELAY_MS_MAX);
}

function describe(failure: ClientFailure | null): string {
  if (failure === null) return "the event stream was cut";
  if (failure.kind === "refused") return failure.problem.detail;
  return failure.kind === "aborted" ? "stopped" : failure.detail;
}
