// Carries a request out once for its idempotency key: key, answer and change of state commit together, so that a repeat
// finds either all of them or nothing (invariant 6; draft-ietf-httpapi-idempotency-key-header).

import { PROBLEMS } from "@assent/contract";
import { z } from "zod";
import { assert } from "../base/assert.ts";
import { digestOf } from "../base/digest.ts";
import { IDEMPOTENCY_RETENTION_HOURS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { KeyBusy } from "../core/idempotency/key-busy.ts";
import type { Caller, Clock, IdempotencyKey, IdempotencyRecord, Store, StoreTx } from "../ports.ts";
import type { AnswerSeal } from "./answer-seal.ts";
import type { KeyedRequest, Once, Refusal } from "./harness.ts";

export type OncePorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly answerSeal: AnswerSeal;
};

/**
 * Refusals that are kept like any other answer: the state of things decided them. All others say that the request was
 * not understood, not allowed, or not possible just now, and a repeat is judged anew.
 */
const KEPT_REFUSALS: ReadonlySet<number> = new Set([404, 409, 410, 412, 422]);

const refusalSchema = z.strictObject({
  code: z.custom<Refusal["code"]>((code) => typeof code === "string" && Object.hasOwn(PROBLEMS, code)),
  detail: z.string(),
  errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).exactOptional(),
});

export const BUSY: Refusal = {
  code: "idempotency_key_busy",
  detail: "The first request under this key has not been answered yet.",
};

/** @param work gets a store whose transactions are all the one that holds the key */
export async function once<T>(
  ports: OncePorts,
  caller: Caller,
  request: KeyedRequest<T>,
  work: (store: Store) => Promise<Result<T, Refusal>>,
): Promise<Once> {
  const fingerprint = fingerprintOf(request);
  if (request.before !== undefined) {
    const earlier = await findEarlier(ports, caller, request);
    if (earlier !== null) return repeat(ports, caller, request, earlier, fingerprint);
    await request.before();
  }
  const now = ports.clock.now();
  const key = keyOf(caller, request, now);
  return await unlessBusy(
    async () =>
      // Repeatable: had it committed after all, the key would be found with its answer.
      await ports.store.transaction(
        caller.tenant,
        async (tx) => {
          const earlier = await tx.idempotency.claim(key, now);
          if (earlier !== null) return repeat(ports, caller, request, earlier, fingerprint);
          const outcome = await work(joined(ports.store, caller, tx));
          const location = outcome.ok ? (request.locationOf?.(outcome.value) ?? null) : null;
          await keep(ports, tx, { key, fingerprint, caller, request, location }, outcome);
          return outcome.ok
            ? { answer: ok({ body: JSON.stringify(outcome.value), location }), replayed: false }
            : { answer: outcome, replayed: false };
        },
        { isRepeatable: true },
      ),
    { answer: err(BUSY), replayed: false },
  );
}

async function findEarlier(
  { store, clock }: OncePorts,
  caller: Caller,
  request: Named,
): Promise<IdempotencyRecord | null> {
  const now = clock.now();
  return await store.transaction(
    caller.tenant,
    async (tx) => await tx.idempotency.find(keyOf(caller, request, now), now),
    { isRepeatable: true },
  );
}

/** What comes of it where another request holds the key for long. */
export async function unlessBusy<T>(work: () => Promise<T>, busy: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KeyBusy) return busy;
    throw error;
  }
}

function joined(store: Store, caller: Caller, tx: StoreTx): Store {
  return {
    ...store,
    async transaction(tenant, work) {
      assert(tenant === caller.tenant, "a request works on its caller's tenant");
      return await work(tx);
    },
  };
}

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

export const REUSED: Refusal = {
  code: "idempotency_key_reused",
  detail: "The first request under this key had another body. Nothing was done for this one.",
};

type Keeping = {
  readonly key: IdempotencyKey;
  readonly fingerprint: IdempotencyRecord["fingerprint"];
  readonly caller: Caller;
  readonly request: Pick<KeyedRequest, "route" | "key" | "status" | "secret">;
  readonly location: string | null;
};

async function keep<T>(
  { answerSeal }: OncePorts,
  tx: StoreTx,
  { key, fingerprint, caller, request, location }: Keeping,
  outcome: Result<T, Refusal>,
): Promise<void> {
  const status = outcome.ok ? request.status : PROBLEMS[outcome.error.code].status;
  if (!outcome.ok && !KEPT_REFUSALS.has(status)) {
    await tx.idempotency.release(key);
    return;
  }
  const text = JSON.stringify(outcome.ok ? outcome.value : outcome.error);
  const body = outcome.ok && request.secret ? answerSeal.seal(text, placeOf(caller, request)) : text;
  await tx.idempotency.complete(key, { fingerprint, status, location, body });
}

function repeat(
  { answerSeal }: OncePorts,
  caller: Caller,
  request: Pick<KeyedRequest, "route" | "key" | "secret">,
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
