// One request of a driver, repeated under its own key until it is answered, and text as the harness takes it.

import type { z } from "zod";
import type { ClientFailure } from "./failure.ts";
import { GATE_ATTEMPTS_MAX, GATE_RETRY_DELAY_MS, GATE_RETRY_DELAY_MS_MAX } from "./limits.ts";
import { type Connection, type Exchange, exchangeJson } from "./request.ts";

/** The harness could not be asked, or refused the request. Nothing may be executed on the strength of it. */
export class GateFailure extends Error {
  override readonly name = "GateFailure";
  readonly failure: ClientFailure;
  constructor(failure: ClientFailure) {
    super(describe(failure));
    this.failure = failure;
  }
}

function describe(failure: ClientFailure): string {
  if (failure.kind === "refused") return `${failure.problem.code}: ${failure.problem.detail}`;
  if (failure.kind === "unreachable") return `${failure.url} cannot be reached: ${failure.detail}`;
  return failure.kind === "aborted" ? "aborted" : failure.detail;
}

// Every request has a key of its own, so that asking again after a lost answer does nothing twice.
export async function post<T>(
  connection: Connection,
  path: string,
  body: unknown,
  schema: z.ZodType<T>,
): Promise<T> {
  const headers = { "idempotency-key": crypto.randomUUID() };
  return await ask(connection, { method: "POST", path, body, headers }, schema);
}

export async function ask<T>(connection: Connection, request: Exchange, schema: z.ZodType<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await exchangeJson(connection, request, schema);
    if (answer.ok) return answer.value;
    if (attempt >= GATE_ATTEMPTS_MAX || !passesByItself(answer.error)) throw new GateFailure(answer.error);
    const asked = answer.error.kind === "refused" ? (answer.error.retryAfterMs ?? 0) : 0;
    await pause(Math.min(Math.max(GATE_RETRY_DELAY_MS * 2 ** (attempt - 1), asked), GATE_RETRY_DELAY_MS_MAX));
  }
}

const passesByItself = (failure: ClientFailure): boolean =>
  failure.kind === "unreachable" ||
  (failure.kind === "refused" && (failure.problem.status === 503 || failure.problem.status === 429));

export async function pause(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  setTimeout(() => resolve(undefined), ms);
  await promise;
}

// The harness takes no NUL and no half of a surrogate pair: neither has a canonical form.
export const cleanText = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD");

/** @throws TypeError for what has no JSON: a cycle, a function, a BigInt */
export function cleanJson(value: unknown): unknown {
  const text: string | undefined = JSON.stringify(value ?? null, (_key, inner: unknown) =>
    typeof inner === "string" ? cleanText(inner) : inner,
  );
  if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON`);
  return JSON.parse(text);
}

/** Of what was carried out something is always told, also where its result has no JSON: else it would count as open. */
export function resultJson(output: unknown): unknown {
  try {
    return cleanJson(output);
  } catch {
    return "[It was carried out; its result has no JSON.]";
  }
}
