// The ledgers on the real Postgres: no interleaving of reservations, settlements and lost workers ever gets spent and
// reserved together past a limit (invariant 13, budget before spend).

import { randomUUID } from "node:crypto";
import type { RunId } from "@assent/contract";
import { uuidOf } from "@assent/contract";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { connectPool, transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import type {
  AccountState,
  BudgetAmounts,
  NewReservation,
  Store,
} from "../../../packages/harness/src/ports.ts";
import { claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { type Engine, openEngine } from "../../support/engine.ts";
import { anySealing } from "../../support/sealing.ts";

const PROCESSES = 4;
const NO_LIMIT = { inputTokens: null, outputTokens: null, microdollars: null };

let engine: Engine;
let stores: readonly Store[];
const ends: (() => Promise<void>)[] = [];

// Pools of their own: what several processes would be to the database.
function openStore(): Store {
  const pool = connectPool({ connection: engine.database.app, role: "app", connectionsMax: 4 });
  ends.push(async () => {
    await pool.end();
  });
  return postgresStore({
    pool,
    wakeUps: { ring: () => undefined },
    clock: engine.clock,
    random: systemRandom,
    sealing: anySealing(pool),
  });
}

beforeAll(async () => {
  engine = await openEngine();
  stores = Array.from({ length: PROCESSES }, openStore);
});
afterAll(async () => {
  for (const end of ends) await end();
  await engine[Symbol.asyncDispose]();
});

const amounts = (tokens: number): BudgetAmounts => ({
  inputTokens: tokens,
  outputTokens: 1,
  microdollars: tokens * 3,
});

const runAccount = (run: RunId): string => `run:${uuidOf(run).replaceAll("-", "")}`;

const reservation = (run: RunId, day: string, most: number, tokens: number, seq = 1): NewReservation => ({
  id: randomUUID(),
  run,
  seq,
  model: "scripted/test",
  at: engine.clock.now(),
  accounts: [
    { name: runAccount(run), limits: NO_LIMIT },
    { name: day, limits: { inputTokens: most, outputTokens: null, microdollars: most * 3 } },
  ],
  amounts: amounts(tokens),
  stepCallsMax: 1_000,
  retriesMax: 1_000,
});

type Begun = NonNullable<Awaited<ReturnType<Store["beginCall"]>>>;
/** Sets aside what a call of the run may cost, as its worker does, in whichever process. */
type Begin = (one: NewReservation, store?: Store) => Promise<Begun>;

/** A run that a worker has in hand. */
async function heldRun(): Promise<{ readonly run: RunId; readonly begin: Begin }> {
  const run = await engine.submit();
  const taken = await claimRun(engine.ports, 1, engine.tenant, run);
  if (taken === null) throw new Error("it can be taken");
  const { version, fencingToken: token } = taken.run;
  const fence = { tenant: engine.tenant, run, token };
  const begin: Begin = async (one, store = engine.store) => {
    const begun = await store.beginCall(fence, version, null, one, null);
    if (begun === null) throw new Error("the run is held");
    return begun;
  };
  return { run, begin };
}

async function stateOf(name: string): Promise<AccountState> {
  const [state] = await engine.store.transaction(engine.tenant, async (tx) => await tx.budgets.read([name]));
  if (state === undefined) throw new Error(`no account ${name}`);
  return state;
}

test("many processes that reserve at once never get past the limit, and use it up", async () => {
  const { run, begin } = await heldRun();
  const day = "day:2026-01-01";
  const asked = Array.from({ length: 60 }, () => reservation(run, day, 100, 7));
  const taken = await Promise.all(asked.map(async (one, at) => await begin(one, stores[at % stores.length])));
  expect(taken.filter(({ ok }) => ok)).toHaveLength(14);
  expect(taken.find(({ ok }) => !ok)).toMatchObject({
    error: { kind: "input", account: day, spent: 0, reserved: 98, most: 100 },
  });
  const state = await stateOf(day);
  expect(state.reserved).toEqual({ inputTokens: 98, outputTokens: 14, microdollars: 294 });
  // Refused in one account, nothing is set aside in the others.
  expect((await stateOf(runAccount(run))).reserved.inputTokens).toBe(98);
});

/** What the commits of runs ask of the ledger, asked alone (assent.write_run). */
type Ledger = {
  readonly settle: (id: string, spent: BudgetAmounts) => Promise<boolean>;
  readonly chargeAll: (run: RunId) => Promise<number>;
};

async function inLedger<T>(work: (ledger: Ledger) => Promise<T>, tenant = engine.tenant): Promise<T> {
  return await transaction(
    engine.database.appPool(),
    async (client) => {
      const one = async <V>(text: string, values: readonly unknown[]): Promise<V> => {
        const { rows } = await client.query<{ said: V }>(text, [...values]);
        return rows[0]?.said ?? expect.unreachable();
      };
      return await work({
        settle: async (id, { inputTokens, outputTokens, microdollars }) =>
          await one("select assent.settle_budget($1, $2, $3, $4) as said", [
            id,
            inputTokens,
            outputTokens,
            microdollars,
          ]),
        chargeAll: async (run) => await one("select assent.charge_reservations($1) as said", [uuidOf(run)]),
      });
    },
    { tenant: uuidOf(tenant), attemptsMax: 6 },
  );
}

type Model = { readonly held: Map<string, BudgetAmounts>; spent: number };

const step = fc.oneof(
  fc.record({ move: fc.constant("reserve" as const), tokens: fc.integer({ min: 0, max: 60 }) }),
  // Also more than was set aside: a provider says what it likes.
  fc.record({ move: fc.constant("settle" as const), tokens: fc.integer({ min: 0, max: 200 }) }),
  fc.record({ move: fc.constant("lose" as const), tokens: fc.constant(0) }),
);

test("the ledger does what its model does, and never more than the limit", async () => {
  const most = 100;
  let sequence = 0;
  const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
    sequence += 1;
    const { run, begin } = await heldRun();
    const day = `day:3000-01-${String((sequence % 28) + 1).padStart(2, "0")}`;
    await engine.database.ownerPool().query("delete from assent.budget_accounts where account = $1", [day]);
    const model: Model = { held: new Map(), spent: 0 };
    const reserved = (): number => [...model.held.values()].reduce((sum, one) => sum + one.inputTokens, 0);
    for (const { move, tokens } of steps) {
      if (move === "reserve") {
        const one = reservation(run, day, most, tokens);
        const fits = model.spent + reserved() + tokens <= most;
        expect((await begin(one)).ok).toBe(fits);
        if (fits) model.held.set(one.id, one.amounts);
      }
      await inLedger(async (budgets) => {
        if (move === "settle") {
          const [id = randomUUID(), held] = [...model.held][0] ?? [];
          expect(await budgets.settle(id, amounts(tokens))).toBe(held !== undefined);
          expect(await budgets.settle(id, amounts(tokens))).toBe(false);
          model.held.delete(id);
          model.spent += held === undefined ? 0 : Math.min(tokens, held.inputTokens);
        } else if (move === "lose") {
          expect(await budgets.chargeAll(run)).toBe(model.held.size);
          model.spent += reserved();
          model.held.clear();
        }
      });
      await engine.store.transaction(engine.tenant, async ({ budgets }) => {
        const [state] = await budgets.read([day]);
        expect(state?.spent.inputTokens ?? 0).toBe(model.spent);
        expect(state?.reserved.inputTokens ?? 0).toBe(reserved());
        expect(model.spent + reserved()).toBeLessThanOrEqual(most);
      });
    }
  });
  await fc.assert(property, { seed: 42, numRuns: 25 });
});

test("reserving and settling in many processes at once leaves nothing over and loses nothing", async () => {
  const day = "day:2026-01-02";
  const runs = await Promise.all(Array.from({ length: 6 }, heldRun));
  let settled = 0;
  await Promise.all(
    runs.flatMap(({ run, begin }, at) =>
      Array.from({ length: 6 }, async (_, round) => {
        const store = stores[(at + round) % stores.length] ?? engine.store;
        const one = reservation(run, day, 400, 20, round);
        const taken = await begin(one, store);
        if (!taken.ok) return;
        const state = await stateOf(day);
        expect(state.spent.inputTokens + state.reserved.inputTokens).toBeLessThanOrEqual(400);
        await inLedger(async (ledger) => await ledger.settle(one.id, amounts(11)));
        settled += 1;
      }),
    ),
  );
  const state = await stateOf(day);
  expect(state.reserved).toEqual({ inputTokens: 0, outputTokens: 0, microdollars: 0 });
  expect(state.spent).toEqual({
    inputTokens: settled * 11,
    outputTokens: settled,
    microdollars: settled * 33,
  });
  expect(settled).toBeGreaterThanOrEqual(20);
});

test("repetitions are counted over workers, by step and by run", async () => {
  const { run, begin } = await heldRun();
  const take = async (seq: number): Promise<unknown> => {
    const limits = { stepCallsMax: 3, retriesMax: 3 };
    const taken = await begin({ ...reservation(run, "total", 1_000_000, 1, seq), ...limits });
    return taken.ok ? taken.value : taken.error.kind;
  };
  const seen: unknown[] = [];
  for (const seq of [1, 1, 1, 1, 3, 3, 3, 5]) seen.push(await take(seq));
  expect(seen).toEqual([1, 2, 3, "step_calls", 1, 2, "retries", 1]);
  expect(await stateOf(runAccount(run))).toMatchObject({ calls: 6, retries: 3 });
});

test("a call that is begun again, because its answer was lost, is set aside once", async () => {
  const id = await engine.submit();
  const taken = await claimRun(engine.ports, 1, engine.tenant, id);
  if (taken === null) throw new Error("it can be taken");
  const { version, fencingToken: token } = taken.run;
  const fence = { tenant: engine.tenant, run: id, token };
  const one = reservation(id, "day:2001-01-01", 1_000_000, 5);
  const begin = async () => await engine.store.beginCall(fence, version, null, one, null);
  expect([await begin(), await begin()]).toEqual([
    { ok: true, value: 1 },
    { ok: true, value: 1 },
  ]);
  expect(await stateOf(runAccount(id))).toMatchObject({ calls: 1, reserved: amounts(5) });
  expect(await engine.store.beginCall({ ...fence, token: token - 1 }, version, null, one, null)).toBeNull();
});

test("one tenant's ledger is nothing to another", async () => {
  const { run, begin } = await heldRun();
  const stranger = await engine.newCaller("stranger", "other-ledger");
  const one = reservation(run, "total", 1_000_000, 5);
  await begin(one);
  await engine.store.transaction(stranger.tenant, async (tx) => {
    expect(await tx.budgets.read(["total", runAccount(run)])).toEqual([]);
    expect(await tx.budgets.tenantSlug()).toBe("other-ledger");
  });
  await inLedger(async (ledger) => {
    expect(await ledger.settle(one.id, amounts(0))).toBe(false);
    expect(await ledger.chargeAll(run)).toBe(0);
  }, stranger.tenant);
  expect((await stateOf(runAccount(run))).reserved).toEqual(amounts(5));
});
