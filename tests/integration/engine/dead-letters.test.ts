// Dead letters and their redrive: a new run that names the old one, once, judged anew, and never blindly over effects.

import { expect, test } from "vitest";
import { openEngine, answering, countingTool, type Engine, value } from "../../support/engine.ts";
import type { RunId } from "@assent/contract";
import { APPROVAL_LIFETIME_HOURS } from "../../../packages/harness/src/base/limits.ts";
import { claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { poisonJournal } from "../../support/poison-journal.ts";
import { until } from "../../support/until.ts";

const NO_DELAY_MS = 400_000;

/** Attempts fail until the run is parked. */
async function die(engine: Engine, id: RunId): Promise<void> {
  const worker = await engine.startWorker();
  await until(`${id} is parked`, async () => {
    engine.clock.advance(NO_DELAY_MS);
    return (
      (await engine.store.transaction(engine.tenant, async (tx) => await tx.runs.find(id)))?.state ===
      "dead_lettered"
    );
  });
  await worker.stop();
}

const brokenModels = (isBroken: () => boolean): ReturnType<typeof answering> => ({
  check: () => ({ ok: true, value: null }),
  call: async (call, signal) => {
    if (isBroken()) throw new TypeError("a bug of ours");
    return await answering(() => ({ text: "done" })).call(call, signal);
  },
});

test("a dead letter is redriven by one new run that names it, however many ask at once; it stays as it is", async () => {
  let broken = true;
  await using engine = await openEngine({ models: brokenModels(() => broken) });
  const id = await engine.submit("Do it well.");
  await die(engine, id);
  const dead = await engine.run(id);
  expect(dead.reason).toMatchObject({ code: "attempts_exhausted" });
  broken = false;
  const answers = await Promise.all(
    Array.from({ length: 8 }, async () => value(await engine.harness.redriveRun(engine.caller, id, {}))),
  );
  const [made] = answers;
  if (made === undefined) throw new Error("there is an answer");
  expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
  expect(made).toMatchObject({ redrive_of: id, task: "Do it well.", status: "queued", attempt: 0 });
  await engine.startWorker();
  await engine.reaches(made.id, "succeeded");
  expect(await engine.run(id)).toEqual(dead);
  const { events } = value(await engine.harness.listEvents(engine.caller, made.id, 0));
  expect(events[0]?.data).toMatchObject({ redrive_of: id });
});

test("only dead letters of one's own tenant are redriven", async () => {
  await using engine = await openEngine({ models: brokenModels(() => true) });
  const id = await engine.submit();
  expect(await engine.harness.redriveRun(engine.caller, id, {})).toMatchObject({
    ok: false,
    error: { code: "run_not_dead_lettered" },
  });
  await die(engine, id);
  const stranger = await engine.newCaller("stranger", "elsewhere");
  expect(await engine.harness.redriveRun(stranger, id, {})).toMatchObject({
    ok: false,
    error: { code: "run_not_found" },
  });
});

test("what a dead run did to the world, and nobody took back, is not done again unless somebody says so", async () => {
  const tool = countingTool("pay", "once");
  let broken = false;
  const script = answering((turn) =>
    turn === 0 ? { calls: [{ id: "c1", tool: "pay", arguments: { id: "c1" } }] } : { text: "Paid." },
  );
  await using engine = await openEngine({
    tools: [tool],
    models: {
      check: () => ({ ok: true, value: null }),
      call: async (call, signal) => {
        if (broken) throw new TypeError("a bug of ours");
        return await script.call(call, signal);
      },
    },
  });
  const id = await engine.submit();
  const worker = await engine.startWorker();
  const waiting = await engine.reaches(id, "awaiting_approval");
  const [approval] = waiting.approvals;
  if (approval === undefined) throw new Error("something waits");
  broken = true;
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: approval.id,
      decision: "approve",
      action_digest: approval.action_digest,
    }),
  );
  await until("it is paid", () => tool.effects.length === 1);
  await worker.stop();
  await die(engine, id);
  const refused = await engine.harness.redriveRun(engine.caller, id, {});
  expect(refused).toMatchObject({ ok: false, error: { code: "effects_standing" } });
  expect(JSON.stringify(refused)).toContain("pay");
  const made = value(await engine.harness.redriveRun(engine.caller, id, { repeat_effects: true }));
  expect(made.redrive_of).toBe(id);
  // It is judged anew: the same call asks a person again.
  broken = false;
  await engine.startWorker();
  await engine.reaches(made.id, "awaiting_approval");
  expect(tool.effects).toHaveLength(1);
});

const asking = answering((turn) =>
  turn === 0 ? { calls: [{ id: "c1", tool: "pay", arguments: { id: "c1" } }] } : { text: "Paid." },
);

/** A run whose call was agreed to, and that no worker has taken up since. */
async function agreed(engine: Engine): Promise<RunId> {
  const id = await engine.submit();
  const worker = await engine.startWorker();
  const [open] = (await engine.reaches(id, "awaiting_approval")).approvals;
  if (open === undefined) throw new Error("something waits");
  await worker.stop();
  const word = { approval_id: open.id, decision: "approve", action_digest: open.action_digest } as const;
  value(await engine.harness.decide(engine.caller, word));
  return id;
}

test("a yes that was never used ends with its run, and its redrive asks anew", async () => {
  const tool = countingTool("pay", "once");
  await using engine = await openEngine({ tools: [tool], models: asking });
  const id = await agreed(engine);
  // Each worker dies before it begins.
  while ((await claimRun(engine.ports, 1, engine.tenant, id)) !== null) {
    engine.clock.advance(NO_DELAY_MS);
    await engine.sweep();
  }
  const dead = await engine.run(id);
  expect([dead.status, dead.approvals.map(({ status }) => status)]).toEqual(["dead_lettered", ["cancelled"]]);
  const { events } = value(await engine.harness.listEvents(engine.caller, id, 0));
  expect(events.map(({ kind }) => kind).slice(-3)).toEqual([
    "run_released",
    "approval_cancelled",
    "run_dead_lettered",
  ]);
  const made = value(await engine.harness.redriveRun(engine.caller, id, {}));
  await engine.startWorker();
  const again = await engine.reaches(made.id, "awaiting_approval", "succeeded");
  expect([again.status, tool.effects]).toEqual(["awaiting_approval", []]);
});

test("a yes for a run that cannot be read any more ends with it, too", async () => {
  await using engine = await openEngine({ tools: [countingTool("pay", "once")], models: asking });
  const id = await agreed(engine);
  await poisonJournal(engine, id);
  await die(engine, id);
  const { rows } = await engine.database.ownerPool().query("select state from assent.approvals");
  expect(rows).toEqual([{ state: "cancelled" }]);
});

test("a run that cannot be read is taken back from a worker that died over it", async () => {
  await using engine = await openEngine({ models: asking, tools: [countingTool("pay", "once")] });
  const id = await engine.submit();
  expect(await claimRun(engine.ports, 1, engine.tenant, id)).not.toBeNull();
  await poisonJournal(engine, id);
  engine.clock.advance(NO_DELAY_MS);
  expect(await engine.sweep()).toBe(1);
  await die(engine, id);
});

test("a run that cannot be read keeps no other waiting whose question nobody answered in time", async () => {
  await using engine = await openEngine({ models: asking, tools: [countingTool("pay", "once")] });
  const worker = await engine.startWorker();
  const ids = [await engine.submit("first", "first"), await engine.submit("second", "second")];
  for (const id of ids) await engine.reaches(id, "awaiting_approval");
  await worker.stop();
  const [unreadable, other] = ids;
  if (unreadable === undefined || other === undefined) throw new Error("there are two");
  await poisonJournal(engine, unreadable);
  engine.clock.advance((APPROVAL_LIFETIME_HOURS + 1) * 3_600_000);
  expect(await engine.sweep()).toBe(2);
  expect(await engine.run(other)).toMatchObject({ status: "queued", reason: { code: "approval_expired" } });
  // Its own question has expired too, and is not found again every two seconds: it is the next worker's to set aside.
  expect(await engine.sweep()).toBe(0);
  expect(engine.logged.filter((line) => line.includes("could not be set going again"))).toEqual([]);
  await engine.startWorker();
  await until("it is a dead letter", async () => {
    engine.clock.advance(400_000);
    const { rowCount } = await engine.database
      .ownerPool()
      .query("select from assent.runs where id = $1 and state = 'dead_lettered'", [unreadable.slice(4)]);
    return rowCount === 1;
  });
  const { rows } = await engine.database
    .ownerPool()
    .query<{ state: string }>("select state from assent.approvals where run_id = $1", [unreadable.slice(4)]);
  expect(rows).toEqual([{ state: "expired" }]);
});

test("the database itself takes a redrive of dead letters only", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  const insert = engine.database.ownerPool().query(
    `insert into assent.runs (tenant_id, id, state, version, agent, agent_version, task, model, labels, requested_by,
       wake_at, created_at, updated_at, redrive_of)
     select tenant_id, gen_random_uuid(), 'queued', 1, agent, agent_version, task, model, labels, requested_by,
       wake_at, created_at, updated_at, id from assent.runs where id = $1`,
    [id.slice(4)],
  );
  await expect(insert).rejects.toMatchObject({ code: "AS004" });
});
