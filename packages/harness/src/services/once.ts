// Carries a request out once for its idempotency key: key, answer and change of state commit together, so that a repeat
// finds either all of them or nothing (invariant 6; draft-ietf-httpapi-idempotency-key-header).

import { assert } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import { KeyBusy } from "../core/idempotency/key-busy.ts";
import type { Caller, Clock, IdempotencyKey, IdempotencyRecord, Store, StoreTx } from "../ports.ts";
import type { AnswerSeal } from "./answer-seal.ts";
import type { KeyedRequest, Once, Refusal } from "./harness.ts";
import { fingerprintOf, keptOf, keyOf, repeatOf } from "./kept-answer.ts";

export type OncePorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly answerSeal: AnswerSeal;
};

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
    if (earlier !== null) return repeatOf(ports.answerSeal, caller, request, earlier, fingerprint);
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
          if (earlier !== null) return repeatOf(ports.answerSeal, caller, request, earlier, fingerprint);
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
  const kept = keptOf(answerSeal, caller, request, outcome);
  if (kept === null) await tx.idempotency.release(key);
  else await tx.idempotency.complete(key, { ...kept, fingerprint, location });
}
