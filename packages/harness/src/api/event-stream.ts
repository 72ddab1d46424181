// Server-sent events (WHATWG HTML, 9.2). The stream only reads the run's events, as anyone else can: it is an observer
// of the journal, holds nothing of its own, and can be cut at any time, for a client takes it up again where it was.

import { type AuditEvent, type RunId, type TenantId, auditEventSchema } from "@assent/contract";
import type { FastifyReply } from "fastify";
import { assert } from "../base/assert.ts";
import type { Caller, Log } from "../ports.ts";
import type { EventBatch, Harness } from "../services/harness.ts";
import { STREAM_RETRY_MS } from "./limits.ts";

type Stream = {
  readonly reply: FastifyReply;
  readonly caller: Caller;
  readonly run: RunId;
  readonly after: number;
  /** Events after `after`, read before the stream was opened. */
  readonly first: EventBatch;
  /** Whether the credential that opened the stream would open it now. */
  readonly stillValid: () => Promise<boolean>;
};

export type EventStreams = {
  /**
   * Takes the reply over and feeds it until the run or either side ends. Where no stream is free, one of a tenant that
   * has more than this one would have ends in its place: its client takes it up again, or is told.
   * @returns false: no stream is free for this tenant, nothing was done
   */
  open(stream: Stream): boolean;
  /** How many are open. */
  count(): number;
  /** Ends all of them now. */
  closeAll(): void;
};

export function createEventStreams(
  harness: Pick<Harness, "listEvents" | "waitForEvents">,
  options: { readonly log: Log; readonly heartbeatMs: number; readonly streamsMax: number },
): EventStreams {
  const open = new Map<AbortController, TenantId>();
  return {
    count: () => open.size,
    closeAll: () => {
      for (const controller of open.keys()) controller.abort();
    },
    open: (stream) => {
      const { tenant } = stream.caller;
      const going = [...open].filter(([{ signal }]) => !signal.aborted);
      if (going.length >= options.streamsMax) {
        const surplus = surplusOf(going, tenant);
        if (surplus === undefined) return false;
        surplus.abort();
      }
      const controller = new AbortController();
      open.set(controller, tenant);
      start(stream);
      void feed(harness, stream, controller, options).finally(() => {
        controller.abort();
        open.delete(controller);
      });
      return true;
    },
  };
}

/** The oldest stream of the tenant that has most, if that is more than `tenant` would have with one more. */
function surplusOf(
  going: readonly (readonly [AbortController, TenantId])[],
  tenant: TenantId,
): AbortController | undefined {
  const counts = new Map<TenantId, number>();
  for (const [, of] of going) counts.set(of, (counts.get(of) ?? 0) + 1);
  const [most, count] = [...counts].reduce((one, other) => (other[1] > one[1] ? other : one), [tenant, 0]);
  if (count <= (counts.get(tenant) ?? 0) + 1) return undefined;
  return going.find(([, of]) => of === most)?.[0];
}

function start({ reply }: Stream): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    // nginx holds answers back otherwise.
    "x-accel-buffering": "no",
    connection: "close",
  });
  reply.raw.write(`retry: ${STREAM_RETRY_MS}\n\n`);
}

/** Never rejects: there is nobody left to tell. */
async function feed(
  harness: Pick<Harness, "listEvents" | "waitForEvents">,
  stream: Stream,
  controller: AbortController,
  options: { readonly log: Log; readonly heartbeatMs: number },
): Promise<void> {
  const { raw } = stream.reply;
  const { signal } = controller;
  raw.once("close", () => controller.abort());
  raw.once("error", () => controller.abort());
  const heartbeat = setInterval(beat(stream, controller), options.heartbeatMs);
  try {
    let batch = stream.first;
    let after = stream.after;
    while (!signal.aborted) {
      for (const event of batch.events) {
        await write(stream, format(event), controller);
        after = event.version;
      }
      if (batch.ended) {
        await write(stream, `event: end\ndata: ${JSON.stringify({ version: after })}\n\n`, controller);
        break;
      }
      if (batch.events.length === 0) await harness.waitForEvents(stream.caller, stream.run, after, signal);
      if (signal.aborted) break;
      const next = await harness.listEvents(stream.caller, stream.run, after);
      // Refused in mid-stream: what it may say has been said when the client comes back and is refused at the door.
      if (!next.ok) break;
      // Asked of what is new, and not only now and then: what happens after a key was revoked is nothing for its holder.
      if (next.value.events.length > 0 && !(await stream.stillValid())) break;
      batch = next.value;
    }
  } catch (error) {
    options.log("error", "an event stream failed", {
      request_id: stream.reply.request.id,
      error: error instanceof Error ? error.stack : typeof error,
    });
  } finally {
    clearInterval(heartbeat);
    if (raw.writableNeedDrain) raw.destroy();
    else raw.end();
  }
}

function format(event: AuditEvent): string {
  // No serialiser of the framework stands before a stream; without this a field too many would leak.
  assert(auditEventSchema.safeParse(event).success, "an event on a stream fits its schema");
  return `id: ${event.version}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}

/**
 * Resolves when more may be written. No more than one event beyond the socket's own buffer ever waits for a slow
 * reader, however much there is to tell.
 */
async function write(stream: Stream, text: string, controller: AbortController): Promise<void> {
  const { raw } = stream.reply;
  const { signal } = controller;
  if (signal.aborted || raw.destroyed || raw.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      raw.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    raw.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
  });
}

function beat(stream: Stream, controller: AbortController): () => void {
  const { raw } = stream.reply;
  let wasFull = false;
  return () => {
    // Full for a whole interval: the reader has stopped reading, and its place is needed.
    if (raw.writableNeedDrain && wasFull) {
      raw.destroy();
      return;
    }
    wasFull = raw.writableNeedDrain;
    if (!wasFull) raw.write(":\n\n");
    void endUnlessValid(stream, controller);
  };
}

/** A revoked key must not go on reading for as long as it stays connected. */
async function endUnlessValid(stream: Stream, controller: AbortController): Promise<void> {
  try {
    if (!(await stream.stillValid())) controller.abort();
  } catch {
    // Whether it still is cannot be told, so it counts as not (fail closed); the client may come back.
    controller.abort();
  }
}
