// A run that fails or is called off after effects takes them back: newest first, each once, through crashes, and says
// what it could not. Judged by a world outside of the harness (acceptance E4).

import { readFileSync } from "node:fs";
import type { Run, RunId } from "@assent/contract";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { COMPENSATION_ATTEMPTS_MAX, RUN_ATTEMPTS_MAX } from "../../../packages/harness/src/base/limits.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import type { Models } from "../../../packages/harness/src/ports.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { answering, type Engine, openEngine, value } from "../../support/engine.ts";
import {
  createUndoableWorld,
  type Mishap,
  undoCall,
  type UndoableWorld,
} from "../../support/undoable-world.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;

const IN_PLACE = new URL(
  "../../../packages/harness/src/adapters/postgres/migrations/0063_steps_in_place.sql",
  import.meta.url,
);

/** `paid`: once, undone once. `put`: both idempotent. `sent`: nothing takes it back. */
const TOOLS = ["paid", "put", "sent"] as const;
type ToolName = (typeof TOOLS)[number];

/** What the model of the next run does: these calls, one a turn, and then this. */
const plan: { calls: readonly ToolName[]; ending: "refused" | "done" | "hang" } = {
  calls: [],
  ending: "done",
};

const script = answering((turn) => {
  const tool = plan.calls[turn];
  if (tool !== undefined) return { calls: [undoCall(`c${turn}`, tool)] };
  return plan.ending === "hang" ? "hang" : { text: "done" };
});
const models: Models = {
  check: (model) => script.check(model),
  call: async (call, signal) => {
    const turn = call.messages.filter(({ role }) => role === "assistant").length;
    if (turn < plan.calls.length || plan.ending !== "refused") return await script.call(call, signal);
    const error = { code: "provider_refused", detail: "No.", transient: false, retryAfterMs: null };
    return { ok: false, error };
  },
};

const rules: { forbidden: string | null } = { forbidden: null };
const policies: Policies = {
  version: `sha256:${"1".repeat(64)}`,
  rules: [],
  decide: ({ action }) =>
    action.tool === rules.forbidden
      ? { verdict: "deny", reasons: [{ code: "forbid", policy: "stop", detail: "Stopped." }], assent: null }
      : { verdict: "permit", reasons: [{ code: "permit", detail: "All." }], assent: null },
};

let engine: Engine;
let world: UndoableWorld;
beforeAll(async () => {
  world = createUndoableWorld();
  const tools = [
    world.tool("paid", "once", "once"),
    world.tool("put", "idempotent", "idempotent"),
    world.tool("sent", "once", null),
  ];
  engine = await openEngine({ tools, models, policies });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});
beforeEach(() => {
  rules.forbidden = null;
  world.mishaps = [];
});

let workers = 1000;

/** Takes the run up once. A worker that dies in it never comes back. */
async function takeUp(id: RunId): Promise<void> {
  workers += 1;
  const claim = await claimRun(engine.ports, workers, engine.tenant, id);
  if (claim === null) return;
  const dies = world.mishaps.some((mishap) => mishap === "stuck" || mishap === "hung");
  const advanced = advanceRun(engine.ports, claim, never, never);
  if (!dies) return await advanced;
  const before = world.mishaps.length;
  await Promise.race([advanced, until("the worker is inside the call", () => world.mishaps.length < before)]);
  const run = await engine.run(id);
  // The rest of its life is missing: another finds the lease lost, and goes on.
  if (run.status === "running") await engine.sweep();
}

const ENDED = ["succeeded", "failed", "cancelled", "dead_lettered"];

/** Takes the run up until it has ended; a person who is asked looks at the world first. */
async function driveToEnd(id: RunId): Promise<Run> {
  for (let round = 0; round < 60; round += 1) {
    const run = await engine.run(id);
    if (ENDED.includes(run.status)) return run;
    if (run.status === "awaiting_approval") await answerDoubt(run);
    else await takeUp(id);
  }
  throw new Error("the run never ends");
}

async function answerDoubt(run: Run): Promise<void> {
  const open = run.approvals.find(({ status }) => status === "open");
  const doubtful = run.steps.findLast(({ state }) => state === "in_doubt");
  if (open === undefined || doubtful?.effect_id == null) throw new Error("nobody asks about a call in doubt");
  expect(open.subject).toBe("in_doubt");
  const happened = world.undoKeys.includes(doubtful.effect_id);
  value(
    await engine.harness.decide(engine.caller, {
      ...(happened ? { decision: "confirm", comment: "Seen." } : { decision: "approve" }),
      approval_id: open.id,
      action_digest: open.action_digest,
    }),
  );
}

const callsOf = (run: Run): Run["steps"] =>
  run.steps.filter(({ kind, compensates }) => kind === "tool" && compensates === undefined);
const keysOf = (run: Run, ...tools: readonly ToolName[]): (string | null)[] =>
  callsOf(run)
    .filter(({ name }) => tools.some((tool) => tool === name))
    .map(({ effect_id }) => effect_id);

/** What must hold of every run that was taken back, whatever happened meanwhile. */
function expectTakenBack(run: Run): void {
  const keys = new Set(keysOf(run, ...TOOLS));
  expect([...world.standing.keys()].filter((key) => keys.has(key))).toEqual(keysOf(run, "sent"));
  expect(world.takenBack.filter((key) => keys.has(key))).toEqual(keysOf(run, "paid", "put").toReversed());
  expect(new Set(world.undoKeys).size).toBe(world.undoKeys.length);
  const seqs = callsOf(run).map(({ seq }) => seq);
  const sent = callsOf(run).filter(({ name }) => name === "sent");
  expect(run.rollback?.taken_back).toEqual(
    seqs.filter((seq) => !sent.some((step) => step.seq === seq)).toReversed(),
  );
  expect(run.rollback?.left.map(({ step }) => step)).toEqual(sent.map(({ seq }) => seq).toReversed());
  expect(run.rollback?.ended).toBe(true);
  expect(run.steps.filter(({ state }) => state === "intended" || state === "in_doubt")).toEqual([]);
}

async function escalationsOf(run: Run): Promise<readonly string[]> {
  const all = await engine.store.transaction(
    engine.tenant,
    async (tx) => await tx.memory.listEscalations({}),
  );
  return all.map(({ reason }) => reason).filter((reason) => reason.includes(run.id));
}

test("whatever a run did, and whatever befalls the taking back once: the world outside is clean", async () => {
  const mishaps: fc.Arbitrary<Mishap | null> = fc.constantFrom<Mishap | null>(
    null,
    "refused",
    "unknown",
    "stuck",
    "lost",
    "thrown",
    "hung",
  );
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...TOOLS), { minLength: 1, maxLength: 4 }),
      mishaps,
      async (calls, mishap) => {
        Object.assign(plan, { calls, ending: "refused" });
        world.mishaps = mishap === null ? [] : [mishap];
        const run = await driveToEnd(await engine.submit());
        world.mishaps = [];
        if (calls.some((name) => name !== "sent")) seen.add(String(mishap));
        expect(run).toMatchObject({ status: "failed", reason: { code: "provider_refused" } });
        expectTakenBack(run);
        expect(await escalationsOf(run)).toHaveLength(calls.includes("sent") ? 1 : 0);
      },
    ),
    { seed: 42, numRuns: 24 },
  );
  // A property that never met a mishap has shown nothing.
  expect(seen.size).toBe(7);
});

test("every k: the run fails at its k-th call, and the first compensation fails", async () => {
  const calls: readonly ToolName[] = ["put", "paid", "sent", "put", "paid"];
  for (let k = 0; k <= calls.length; k += 1) {
    Object.assign(plan, { calls: calls.slice(0, k), ending: "refused" });
    world.mishaps = k === 0 ? [] : ["refused"];
    const run = await driveToEnd(await engine.submit());
    expect(run.status).toBe("failed");
    if (k === 0) expect(run.rollback).toBeUndefined();
    else expectTakenBack(run);
  }
});

test("a compensation that is refused again and again is left to people, and the others go on", async () => {
  Object.assign(plan, { calls: ["put", "put"], ending: "refused" });
  world.mishaps = Array.from({ length: COMPENSATION_ATTEMPTS_MAX }, () => "refused");
  const run = await driveToEnd(await engine.submit());
  const [first, second] = callsOf(run);
  expect(run.rollback).toMatchObject({
    taken_back: [first?.seq],
    left: [{ step: second?.seq, tool: "put", code: "http_refused" }],
  });
  expect(run.steps.filter(({ compensates }) => compensates === second?.seq)).toHaveLength(
    COMPENSATION_ATTEMPTS_MAX,
  );
  expect(run.reason?.detail).toContain(`Not taken back: step ${second?.seq} (put)`);
  expect(await escalationsOf(run)).toHaveLength(1);
  const events = value(await engine.harness.listEvents(engine.caller, run.id, 0)).events;
  expect(events.filter(({ kind }) => kind === "effects_left").map(({ data }) => data["left"])).toEqual([
    [{ step: second?.seq, tool: "put", code: "http_refused" }],
  ]);
});

test("a rule that forbids the tool by now forbids its taking back: deny wins, and people are told", async () => {
  Object.assign(plan, { calls: ["paid", "put"], ending: "hang" });
  const id = await engine.submit();
  const claim = await claimRun(engine.ports, 7, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  const stop = new AbortController();
  const advanced = advanceRun(engine.ports, claim, stop.signal, never);
  await until("both calls were made", async () => callsOf(await engine.run(id)).length === 2);
  rules.forbidden = "paid";
  value(await engine.harness.cancelRun(engine.caller, id));
  stop.abort();
  await advanced;
  const run = await driveToEnd(id);
  expect(run.status).toBe("cancelled");
  const [paid, put] = callsOf(run);
  expect(run.rollback).toMatchObject({
    ending: "cancelled",
    taken_back: [put?.seq],
    left: [{ step: paid?.seq, code: "denied", detail: "Stopped." }],
  });
  expect(world.standing.has(paid?.effect_id ?? "")).toBe(true);
});

test("a run that is called off takes back what it did; to call it off twice changes nothing", async () => {
  Object.assign(plan, { calls: ["put", "sent", "paid"], ending: "hang" });
  const id = await engine.submit();
  const claim = await claimRun(engine.ports, 8, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  const stop = new AbortController();
  const advanced = advanceRun(engine.ports, claim, stop.signal, never);
  await until("all calls were made", async () => callsOf(await engine.run(id)).length === 3);
  const called = value(await engine.harness.cancelRun(engine.caller, id));
  expect(called.status).toBe("queued");
  expect(value(await engine.harness.cancelRun(engine.caller, id)).version).toBe(called.version);
  // The worker that held it finds its lease gone, and writes nothing.
  stop.abort();
  await advanced;
  const run = await driveToEnd(id);
  expect(run).toMatchObject({ status: "cancelled", reason: { code: "cancelled" } });
  expectTakenBack(run);
  expect(value(await engine.harness.cancelRun(engine.caller, id)).status).toBe("cancelled");
});

test("a run whose attempts are exhausted takes back what it did, and is then dead-lettered", async () => {
  Object.assign(plan, { calls: ["put"], ending: "hang" });
  const id = await engine.submit();
  const hangsAgain = async (): Promise<boolean> => {
    const { steps } = await engine.run(id);
    return steps.at(-1)?.kind === "model" && steps.some(({ kind }) => kind === "tool");
  };
  // One more for the attempts that its calls ended, and one that finds them exhausted.
  for (let attempt = 0; attempt <= RUN_ATTEMPTS_MAX + 1; attempt += 1) {
    workers += 1;
    const claim = await claimRun(engine.ports, workers, engine.tenant, id);
    if (claim === null) break;
    const stop = new AbortController();
    const advanced = advanceRun(engine.ports, claim, stop.signal, never);
    await until("the model is asked again", hangsAgain);
    expect(await engine.sweep()).toBe(1);
    stop.abort();
    await advanced;
  }
  expect((await engine.run(id)).rollback).toMatchObject({ ending: "dead_lettered", ended: false });
  const run = await driveToEnd(id);
  expect(run).toMatchObject({ status: "dead_lettered", reason: { code: "attempts_exhausted" } });
  expectTakenBack(run);
});

test("the database itself refuses to take one effect back twice, and success after taking back", async () => {
  Object.assign(plan, { calls: ["put"], ending: "refused" });
  const run = await driveToEnd(await engine.submit());
  const owner = engine.database.ownerPool();
  const copy = `insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, started_at, compensates)
    select tenant_id, run_id, 900, kind, name, 'intended', effect, request, started_at, compensates
    from assent.steps where compensates is not null and run_id = (select run_id from assent.steps where kind = 'rollback' order by started_at desc limit 1)`;
  await expect(owner.query(copy)).rejects.toThrow(/steps_taken_back_once/);
  const forge = `update assent.runs set state = 'succeeded', version = version + 1, lease_until = null, lease_worker = null,
    finished_at = now() where id = (select run_id from assent.steps where kind = 'rollback' order by started_at desc limit 1)`;
  await expect(owner.query(forge)).rejects.toThrow(/taken back|illegal transition/);
  expect(run.status).toBe("failed");
});

test("what was taken back before the database kept it in a column of its own stays taken back once", async () => {
  Object.assign(plan, { calls: ["put"], ending: "refused" });
  await driveToEnd(await engine.submit());
  const owner = await engine.database.ownerPool().connect();
  const kept = "select run_id, seq, compensates, taken_back from assent.steps order by run_id, seq";
  try {
    await owner.query("begin");
    const before = (await owner.query(kept)).rows;
    await owner.query(`alter table assent.steps drop column taken_back;
      create unique index steps_taken_back_once on assent.steps (tenant_id, run_id, compensates)
        where compensates is not null and state in ('intended', 'in_doubt', 'succeeded')`);
    await owner.query(readFileSync(IN_PLACE, "utf8"));
    expect((await owner.query(kept)).rows).toEqual(before);
    expect(before.filter(({ taken_back: back }) => back !== null).length).toBeGreaterThan(0);
  } finally {
    await owner.query("rollback");
    owner.release();
  }
});
