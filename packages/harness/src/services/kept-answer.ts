// What is kept of an answer under its idempotency key, and what a repeat of the request is told from that (invariant 6).
// Nothing here waits for anything: who holds the key, and when it is written, is in once.ts.

import { PROBLEMS } from "@assent/contract";
import { z } from "zod";
import { assert } from "../base/assert.ts";
import { digestOf } from "../base/digest.ts";
import { IDEMPOTENCY_RETENTION_HOURS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Caller, IdempotencyKey, IdempotencyRecord } from "../ports.ts";
import type { AnswerSeal } from "./answer-seal.ts";
import type { KeyedRequest, Once, Refusal } from "./harness.ts";

/**
 * Refusals that are kept like any other answer: the state of things decided them. All others say that the request was
 * not understood, not allowed, or not possible just now, and a repeat is judged anew.
 */
const KEPT_REFUSALS: ReadonlySet<number> = new Set([404, 409, 410, 422]);

const refusalSchema = z.strictObject({
  code: z.custom<Refusal["code"]>((code) => typeof code === "string" && Object.hasOwn(PROBLEMS, code)),
  detail: z.string(),
  errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).exactOptional(),
});

export const REUSED: Refusal = {
  code: "idempotency_key_reused",
  detail: "The first request under this key had another body. Nothing was done for this one.",
};

type Named = Pick<KeyedRequest, "route" | "key">;

/** A caller's name for one request; it is good for one resource, and so long. */
export const keyOf = (caller: Caller, { route, key }: Named, now: Date): IdempotencyKey => ({
  principal: caller.actor.id,
  route,
  key,
  expiresAt: new Date(now.getTime() + IDEMPOTENCY_RETENTION_HOURS * 3_600_000),
});

/** What tells a repeat from another request under its key. */
export const fingerprintOf = ({
  route,
  body,
}: Pick<KeyedRequest, "route" | "body">): IdempotencyRecord["fingerprint"] =>
  digestOf("request", { route, body });

/** @returns null where nothing is kept: the key is let go of, and a repeat is judged anew */
export function keptOf<T>(
  answerSeal: AnswerSeal,
  caller: Caller,
  request: Named & Pick<KeyedRequest, "status" | "secret">,
  outcome: Result<T, Refusal>,
): Pick<IdempotencyRecord, "status" | "body"> | null {
  if (!outcome.ok) {
    const { status } = PROBLEMS[outcome.error.code];
    return KEPT_REFUSALS.has(status) ? { status, body: JSON.stringify(outcome.error) } : null;
  }
  const text = JSON.stringify(outcome.value);
  const body = request.secret ? answerSeal.seal(text, placeOf(caller, request)) : text;
  return { status: request.status, body };
}

/** What a request under a key is told whose first one was answered. */
export function repeatOf(
  answerSeal: AnswerSeal,
  caller: Caller,
  request: Named & Pick<KeyedRequest, "secret">,
  earlier: IdempotencyRecord,
  fingerprint: IdempotencyRecord["fingerprint"],
): Once {
  if (earlier.fingerprint !== fingerprint) return { answer: err(REUSED), replayed: false };
  if (earlier.status >= 400) {
    const { errors, ...refusal } = refusalSchema.parse(JSON.parse(earlier.body));
    return { answer: err(errors === undefined ? refusal : { ...refusal, errors }), replayed: true };
  }
  const body = request.secret ? answerSeal.open(earlier.body, placeOf(caller, request)) : earlier.body;
  assert(body !== null, "a kept answer was sealed by this installation for this very request");
  return { answer: ok({ body, location: earlier.location }), replayed: true };
}

const placeOf = (caller: Caller, { route, key }: Named): string =>
  JSON.stringify([caller.tenant, caller.actor.id, route, key]);
