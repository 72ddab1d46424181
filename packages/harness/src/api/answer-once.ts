// How a mutating endpoint answers: with an Idempotency-Key the request is carried out once, and its answer repeated.

import type { RouteRow } from "@assent/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import { assert } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import type { Caller } from "../ports.ts";
import type { Harness, Once, Refusal } from "../services/harness.ts";
import { sendProblem, sendRefusal } from "./answer.ts";
import { callerOf } from "./hooks/authenticate.ts";
import { readIdempotencyKey } from "./idempotency-key.ts";

export type Answering = {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly harness: Harness;
  readonly row: RouteRow;
  /** The answer shows a secret; what is kept of it for a repeat is encrypted. */
  readonly secret?: boolean;
  readonly before?: () => Promise<void>;
};

/** @param work carries the request out on the harness that it is given, whose transactions are the one that holds the key */
export async function answerOnce<T>(
  { request, reply, harness, row, secret = false, before }: Answering,
  work: (harness: Harness, caller: Caller) => Promise<Result<T, Refusal>>,
): Promise<FastifyReply> {
  const caller = callerOf(request);
  const key = readIdempotencyKey(request);
  if (!key.ok) return await sendProblem(reply, key.error);
  if (key.value === null) {
    const done = await work(harness, caller);
    if (!done.ok) return await sendRefusal(reply, done.error);
    return await sendFitting(reply, row, JSON.stringify(done.value));
  }
  const route = `${row.method} ${resourceOf(request, row)}`;
  const once = await harness.once(
    caller,
    {
      route,
      key: key.value,
      body: request.body ?? null,
      status: row.success.status,
      secret,
      ...(before === undefined ? {} : { before }),
    },
    async (joined) => await work(joined, caller),
  );
  return await sendOnce(reply, row, once);
}

/**
 * The same for a request that has to ask somebody outside, or takes long, before it is carried out: `prepare` does that
 * while nothing is held, and not for a repeat.
 */
export async function answerPrepared<P, T>(
  answering: Answering,
  prepare: (caller: Caller) => Promise<P>,
  work: (harness: Harness, caller: Caller, prepared: P | undefined) => Promise<Result<T, Refusal>>,
): Promise<FastifyReply> {
  const caller = callerOf(answering.request);
  let prepared: P | undefined;
  const before = async (): Promise<void> => {
    prepared = await prepare(caller);
  };
  return await answerOnce(
    { ...answering, before },
    async (harness, who) => await work(harness, who, prepared),
  );
}

// As it is written in the contract, and not as it came: `/api/harness/%6beys` is the same resource, and a key that was
// good for one spelling alone would be good for as many requests as there are spellings.
function resourceOf({ params }: FastifyRequest, { path }: RouteRow): string {
  const values = new Map<string, unknown>(Object.entries(Object(params)));
  return path.replaceAll(/\{([a-z]+)\}/g, (_, name: string) => String(values.get(name)));
}

export async function sendOnce(
  reply: FastifyReply,
  row: RouteRow,
  { answer, replayed }: Once,
): Promise<FastifyReply> {
  if (replayed) reply.header("idempotent-replayed", "true");
  if (!answer.ok) return await sendRefusal(reply, answer.error);
  // A repeated answer is sent as it was given, even by an older release.
  return await (replayed ? sendJson : sendFitting)(reply, row, answer.value.body);
}

function sendFitting(reply: FastifyReply, row: RouteRow, body: string): FastifyReply {
  const schema = row.success.content["application/json"];
  assert(schema?.safeParse(JSON.parse(body)).success === true, "an answer fits the contract");
  return sendJson(reply, row, body);
}

function sendJson(reply: FastifyReply, row: RouteRow, body: string): FastifyReply {
  return reply.code(row.success.status).type("application/json; charset=utf-8").send(body);
}
