// A driven run that fails, is called off or loses its driver takes back what it did: newest first, each once, the driver's
// effects by the driver, those of the harness's own tools by the harness; what nobody takes back is said and escalated.

import {
  type CompensationAnswer,
  compensationAnswerSchema,
  type RunId,
  type RunState,
  type WireManifest,
} from "@assent/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Sha256 } from "../../../packages/harness/src/base/digest.ts";
import {
  COMPENSATION_ATTEMPTS_MAX,
  EXTERNAL_IDLE_HOURS,
  EXTERNAL_TAKE_BACK_MINUTES,
  LEASE_SECONDS,
} from "../../../packages/harness/src/base/limits.ts";
import { openGate, takeBackRun } from "../../../packages/harness/src/client/gate.ts";
import { destinationOf } from "../../../packages/harness/src/core/tool.ts";
import type { Tool } from "../../../packages/harness/src/ports.ts";
import { createUndoableWorld, type UndoableWorld } from "../../support/undoable-world.ts";
import { poisonJournal } from "../../support/poison-journal.ts";
import { until } from "../../support/until.ts";
import { type Answer, type Driver, openWorld, problemOf, rules, type World } from "./support.ts";

const MINUTE = 60_000;

/** The driver's own: `hold` is taken back by it, `post` cannot be. `paid` is the harness's, which takes it back. */
const HOLD: WireManifest = {
  name: "hold",
  effect: "once",
  harm: ["write"],
  control_arguments: [],
  compensation: { by: "driver", effect: "idempotent", description: "The seat is free again." },
};
const PICK: WireManifest = {
  ...HOLD,
  name: "pick",
  compensation: { by: "driver", effect: "once", description: "It is put back." },
};
const POST: WireManifest = { name: "post", effect: "once", harm: ["write"], control_arguments: [] };
const PAID: WireManifest = { name: "paid", compensation: { by: "harness" } };

const forbidden = { tool: "" };
let outside: UndoableWorld;
/** Those of the harness. */
const own: Tool[] = [];
let world: World;
let driver: Driver;
beforeAll(async () => {
  outside = createUndoableWorld();
  own.push(outside.tool("paid", "once", "once"), outside.tool("sent", "once", null));
  world = await openWorld({
    tools: own,
    policies: rules(({ action }) => (action.tool === forbidden.tool ? "deny" : "permit")),
  });
  ({ driver } = world);
  await world.engine.startWorker();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});
beforeEach(() => {
  forbidden.tool = "";
  outside.mishaps = [];
});

type Did = { readonly tool: string; readonly action: string; readonly effectId: Sha256 };

const isDigest = (text: string): text is Sha256 => text.startsWith("sha256:");

/** Calls that were permitted, and, but for those told, reported. A call of `paid` is made in the world that the harness knows. */
async function did(run: RunId, tools: readonly string[], unreported = false): Promise<readonly Did[]> {
  const done: Did[] = [];
  for (const [index, tool] of tools.entries()) {
    const { action_id: action, effect_id: effectId } = await driver.act(run, tool, { index });
    if (effectId === undefined || !isDigest(effectId)) throw new Error(`${tool} is not permitted`);
    if (tool === "paid")
      await outside.tool("paid", "once", "once").execute({}, null, {
        effectId: effectId,
        signal: new AbortController().signal,
        workspace: null,
        searchDocuments: async () => await Promise.resolve([]),
      });
    if (!unreported) expect((await driver.report(run, action, { output: { tool, index } })).status).toBe(200);
    done.push({ tool, action, effectId });
  }
  return done;
}

const submit = async (tools: readonly object[] = [HOLD, PICK, POST, PAID]): Promise<RunId> =>
  (await driver.submit({ tools, approver: "none" })).id;
const fail = async (run: RunId): Promise<Answer> =>
  await driver.post(`/api/harness/runs/${run}/finish`, { error: "It went wrong." });
const ask = async (run: RunId): Promise<Answer> =>
  await driver.post(`/api/harness/runs/${run}/compensations`, {}, null);
const next = async (run: RunId): Promise<CompensationAnswer> =>
  compensationAnswerSchema.parse((await ask(run)).json);
const say = async (run: RunId, action: string, body: object): Promise<Answer> =>
  await driver.post(`/api/harness/runs/${run}/compensations/${action}/result`, body);

/** The next that the driver is to take back; the harness does what is its own meanwhile. */
async function handed(run: RunId): Promise<NonNullable<CompensationAnswer["compensation"]>> {
  let found: CompensationAnswer["compensation"];
  await until("something is handed out", async () => {
    found = (await next(run)).compensation;
    return found !== undefined;
  });
  if (found === undefined) throw new Error("nothing is handed out");
  return found;
}
const reaches = async (run: RunId, ...states: RunState[]): ReturnType<Driver["run"]> =>
  await world.engine.reaches(run, ...states);
/** A person says what became of the compensation in doubt. */
async function decideDoubt(run: RunId, decision: "approve" | "confirm"): Promise<void> {
  const open = (await reaches(run, "awaiting_approval")).approvals.find(({ status }) => status === "open");
  expect(open?.subject).toBe("in_doubt");
  const said = { decision, comment: "Looked.", approval_id: open?.id, action_digest: open?.action_digest };
  expect((await driver.post("/api/harness/approve", said)).status).toBe(200);
}
const escalations = async (run: RunId): Promise<readonly string[]> => {
  const { engine } = world;
  const all = await engine.store.transaction(
    engine.tenant,
    async (tx) => await tx.memory.listEscalations({}),
  );
  return all.map(({ reason }) => reason).filter((reason) => reason.includes(run));
};

test("what each did is taken back newest first, the harness's by the harness, and each once", async () => {
  const run = await submit();
  const [first, second, third] = await did(run, ["hold", "paid", "hold", "post"]);
  const failed = await fail(run);
  expect(failed.json).toMatchObject({
    status: "queued",
    rollback: {
      ended: false,
      due: [
        { step: 3, by: "driver" },
        { step: 2, by: "harness" },
        { step: 1, by: "driver" },
      ],
      left: [{ step: 4, tool: "post", code: "not_compensable" }],
    },
  });
  const newest = await handed(run);
  expect(newest).toMatchObject({
    step: 3,
    tool: "hold",
    arguments: { index: 2 },
    compensates: third?.effectId,
    output: JSON.stringify({ tool: "hold", index: 2 }),
    effect: "idempotent",
    attempt: 1,
    again: false,
  });
  expect(outside.standing.has(second?.effectId ?? ""), "not before the newer one").toBe(true);
  // A driver that died and asks again gets the same, and is told so.
  expect(await handed(run)).toEqual({ ...newest, again: true });
  expect((await say(run, newest.action_id, { output: "free" })).status).toBe(200);
  const oldest = await handed(run);
  expect(outside.standing.has(second?.effectId ?? "")).toBe(false);
  expect(oldest).toMatchObject({ step: 1, compensates: first?.effectId, again: false });
  expect((await say(run, oldest.action_id, { output: "free" })).json).toEqual({
    status: "failed",
    ended: true,
  });
  const ended = await driver.run(run);
  expect(ended).toMatchObject({
    status: "failed",
    reason: { code: "driver_gave_up" },
    rollback: { ended: true, taken_back: [3, 2, 1], left: [{ step: 4 }] },
  });
  expect(ended.steps.filter(({ state }) => state === "intended" || state === "in_doubt")).toEqual([]);
  expect(outside.takenBack.filter((key) => key === second?.effectId)).toHaveLength(1);
  // It was made and taken back: nobody may make it once more.
  expect(await driver.read(run, second?.action ?? "")).toMatchObject({
    decision: "deny",
    reasons: [{ code: "run_finished" }],
  });
  expect(await escalations(run)).toHaveLength(1);
  expect(await next(run)).toEqual({ status: "failed", ended: true });
  const late = await say(run, newest.action_id, { output: "again" });
  expect(problemOf(late).code).toBe("result_already_reported");
});

test("while a run is taken back nothing else is done in it, and before that nothing is handed out", async () => {
  const run = await submit();
  expect(problemOf(await ask(run)).code).toBe("run_not_taken_back");
  const [first] = await did(run, ["hold"], true);
  expect((await driver.post(`/api/harness/runs/${run}/cancel`, {})).status).toBe(200);
  const path = `/api/harness/runs/${run}`;
  for (const answer of [
    await driver.post(`${path}/actions`, { tool: "hold", arguments: {} }),
    await driver.report(run, first?.action ?? "", { output: 1 }),
    await driver.post(`${path}/finish`, { output: "well" }),
    await driver.post(`${path}/plan`, { calls: [{ tool: "hold", arguments: {} }] }),
  ])
    expect(problemOf(answer).code).toBe("run_being_taken_back");
  expect(await driver.read(run, first?.action ?? "")).toMatchObject({
    decision: "deny",
    reasons: [{ code: "run_finished" }],
  });
  const other = await world.newDriver("stranger");
  expect(problemOf(await other.post(`${path}/compensations`, {})).code).toBe("run_not_found");
  const due = await handed(run);
  expect(due).toMatchObject({ step: 1, output: null });
  expect(
    problemOf(await other.post(`${path}/compensations/${due.action_id}/result`, { output: 1 })).code,
  ).toBe("run_not_found");
  await say(run, due.action_id, { output: "nothing was there" });
  expect(await driver.run(run)).toMatchObject({
    status: "cancelled",
    rollback: { taken_back: [1], left: [] },
  });
});

test("what surely failed is tried again later, a few times, and then left to people", async () => {
  const run = await submit();
  await did(run, ["hold"]);
  await fail(run);
  for (let attempt = 1; attempt <= COMPENSATION_ATTEMPTS_MAX; attempt += 1) {
    const due = await handed(run);
    expect(due).toMatchObject({ attempt, again: false });
    const said = await say(run, due.action_id, { error: `no ${attempt}` });
    if (attempt === COMPENSATION_ATTEMPTS_MAX) break;
    expect(said.json).toMatchObject({ ended: false });
    const soon = await next(run);
    expect(soon.retry_after_seconds).toBe(2 ** (attempt - 1));
    world.engine.clock.advance((soon.retry_after_seconds ?? 0) * 1_000);
  }
  expect(await driver.run(run)).toMatchObject({
    status: "failed",
    rollback: { taken_back: [], left: [{ step: 1, code: "reported_error", detail: "no 5" }] },
  });
  expect(await escalations(run)).toHaveLength(1);
});

test("where the driver does not know, a person looks: not done is handed out anew, done counts", async () => {
  const run = await submit();
  await did(run, ["pick"]);
  await fail(run);
  const first = await handed(run);
  await say(run, first.action_id, { unknown: "The line broke." });
  await decideDoubt(run, "approve");
  const second = await handed(run);
  expect(second).toMatchObject({ step: 1, attempt: 2, again: false });
  expect(second.effect_id).not.toBe(first.effect_id);
  await say(run, second.action_id, { unknown: "Again." });
  await decideDoubt(run, "confirm");
  expect(await reaches(run, "failed")).toMatchObject({ rollback: { taken_back: [1], left: [] } });
});

test("a driver that does not come is waited for, then what it did is put before people and the harness does its own", async () => {
  const run = await submit();
  const [paid] = await did(run, ["paid", "hold", "hold"]);
  await fail(run);
  await reaches(run, "queued");
  world.engine.clock.advance((EXTERNAL_TAKE_BACK_MINUTES - 1) * MINUTE);
  expect((await reaches(run, "queued", "failed")).status).toBe("queued");
  world.engine.clock.advance(2 * MINUTE);
  expect(await reaches(run, "failed")).toMatchObject({
    rollback: {
      taken_back: [1],
      left: [
        { step: 3, code: "driver_gone" },
        { step: 2, code: "driver_gone" },
      ],
    },
  });
  expect(outside.standing.has(paid?.effectId ?? "")).toBe(false);
  expect(await escalations(run)).toHaveLength(1);
});

test("a driver that was told and fell silent: a person is asked what became of it", async () => {
  const run = await submit();
  await did(run, ["hold"]);
  await fail(run);
  const due = await handed(run);
  world.engine.clock.advance((EXTERNAL_TAKE_BACK_MINUTES + 1) * MINUTE);
  const parked = await reaches(run, "awaiting_approval");
  expect(parked.approvals.at(-1)).toMatchObject({ subject: "in_doubt", status: "open" });
  expect(problemOf(await say(run, due.action_id, { output: "late" })).code).toBe("result_already_reported");
  expect((await next(run)).retry_after_seconds).toBeGreaterThan(0);
  await driver.deny(parked.approvals.at(-1)?.id ?? "");
  expect(await reaches(run, "failed")).toMatchObject({
    rollback: { left: [{ step: 1, code: "outcome_unknown" }] },
  });
});

test("a run whose driver is idle for a day is taken back without it", async () => {
  const run = await submit();
  const [paid] = await did(run, ["paid", "hold"]);
  world.engine.clock.advance((EXTERNAL_IDLE_HOURS + 1) * 60 * MINUTE);
  await world.engine.sweep();
  expect(await reaches(run, "failed")).toMatchObject({
    reason: { code: "driver_idle" },
    rollback: { taken_back: [1], left: [{ step: 2, code: "driver_gone" }] },
  });
  expect(outside.standing.has(paid?.effectId ?? "")).toBe(false);
});

test("a driven run that no worker can take back is a dead letter, and no worker can redrive it", async () => {
  const { engine } = world;
  const run = await submit();
  await did(run, ["hold"]);
  await fail(run);
  await poisonJournal(engine, run);
  await until("it is parked", async () => {
    engine.clock.advance(10 * MINUTE);
    const found = await engine.store.transaction(engine.tenant, async (tx) => await tx.runs.find(run));
    return found?.state === "dead_lettered";
  });
  const refused = problemOf(await driver.post(`/api/harness/runs/${run}/redrive`, {}));
  expect(refused).toMatchObject({ code: "run_driven" });
});

test("a rule that forbids a tool by now forbids its taking back", async () => {
  const run = await submit();
  await did(run, ["hold", "pick"]);
  forbidden.tool = "pick";
  await fail(run);
  const due = await handed(run);
  expect(due.step).toBe(1);
  await say(run, due.action_id, { output: 1 });
  expect((await driver.run(run)).rollback).toMatchObject({
    taken_back: [1],
    left: [{ step: 2, code: "denied" }],
  });
});

test("a call that may be under way when its run is called off has a lease's time before the harness undoes it", async () => {
  const run = await submit();
  const [paid] = await did(run, ["paid"], true);
  expect((await driver.post(`/api/harness/runs/${run}/cancel`, {})).status).toBe(200);
  world.engine.clock.advance((LEASE_SECONDS - 5) * 1_000);
  expect((await reaches(run, "queued", "cancelled")).status).toBe("queued");
  expect(outside.standing.has(paid?.effectId ?? "")).toBe(true);
  world.engine.clock.advance(10_000);
  expect(await reaches(run, "cancelled")).toMatchObject({ rollback: { taken_back: [1] } });
  expect(outside.standing.has(paid?.effectId ?? "")).toBe(false);
});

test("the harness takes back with a tool of its own only: as it is configured, and under its own manifest", async () => {
  for (const [tool, pointer] of [
    [{ ...PAID, harm: [] }, "#/tools/0/harm"],
    [{ name: "sent", compensation: { by: "harness" } }, "#/tools/0/compensation"],
    [{ name: "unheard_of", compensation: { by: "harness" } }, "#/tools/0/compensation"],
  ] as const) {
    const answer = await driver.post("/api/harness/run", {
      driver: "external",
      task: "x",
      approver: "none",
      tools: [tool],
    });
    expect(answer.json).toMatchObject({ code: "invalid_request", errors: [{ pointer }] });
  }
  const run = await submit();
  await did(run, ["paid"]);
  const { steps } = await driver.run(run);
  expect(steps[0]).toMatchObject({ name: "paid", effect: "once" });
});

test("a tool of the harness's that was moved takes nothing back of a run that was submitted before", async () => {
  const [paid] = own;
  if (paid === undefined) throw new Error("the first is paid");
  own[0] = { ...paid, destination: destinationOf({ at: "here" }) };
  const [stays, moves] = [await submit(), await submit()];
  for (const run of [stays, moves]) await did(run, ["paid"]);
  await fail(stays);
  expect(await reaches(stays, "failed")).toMatchObject({ rollback: { taken_back: [1], left: [] } });
  own[0] = { ...paid, destination: destinationOf({ at: "there" }) };
  await fail(moves);
  const left = await reaches(moves, "failed");
  expect(left).toMatchObject({ rollback: { left: [{ step: 1, tool: "paid", code: "tool_changed" }] } });
  expect(left.steps.some(({ compensates }) => compensates !== undefined)).toBe(false);
  own[0] = paid;
});

test("the client undoes what it is told, again under the same key where that does no harm, and asks a person where it does", async () => {
  const harness = { url: world.url, key: driver.key };
  const {
    run,
    gate,
    fail: giveUp,
  } = await openGate(harness, { task: "x", tools: [HOLD, PICK], approver: "none" });
  for (const tool of ["hold", "pick"])
    await gate(tool, { tool }, async () => await Promise.resolve(`did ${tool}`));
  await giveUp("It went wrong.");
  const undone: unknown[] = [];
  // Another process of the same driver, which knows the run's id and nothing else of it.
  const ended = takeBackRun(harness, run, {
    hold: async (call, { effectId }) => {
      undone.push([call.tool, call.output, effectId]);
      if (undone.length === 2) throw new Error("The line broke.");
      return await Promise.resolve("free");
    },
    pick: async (call) => {
      undone.push([call.tool, call.output]);
      throw await Promise.resolve(new Error("The line broke."));
    },
  });
  await decideDoubt(run, "confirm");
  expect(await ended).toMatchObject({ status: "failed", rollback: { taken_back: [2, 1], left: [] } });
  const [picked, once, again] = undone;
  expect(picked).toEqual(["pick", "did pick"]);
  expect(once).toEqual(["hold", "did hold", expect.stringMatching(/^sha256:/)]);
  expect(again, "under the same key").toEqual(once);
  expect(undone).toHaveLength(3);
});
