// Invariants 2 (at-most-once) and 16 (fenced), with two workers on one database.

import { expect, test } from "vitest";
import { advanceRun, type Claim, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { announceWorker } from "../../../packages/harness/src/adapters/postgres/presence.ts";
import type { ToolCall } from "../../../packages/harness/src/core/run/journal.ts";
import type { Approval, RunId } from "@assent/contract";
import type { Tool } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

const call = (id: string, tool: string): ToolCall => ({ id, tool, arguments: { id } });
const DEAF = { onWakeUp: () => undefined, onCallOff: () => undefined, onAnswer: () => undefined };
const never = new AbortController().signal;

async function claim(engine: Engine, id: RunId, worker: number): ReturnType<typeof claimRun> {
  return await claimRun(engine.ports, worker, engine.tenant, id);
}

async function openApprovalOf(engine: Engine, id: RunId): Promise<Approval> {
  const open = (await engine.run(id)).approvals.find((approval) => approval.status === "open");
  if (open === undefined) throw new Error("nothing waits");
  return open;
}

test("a run is leased to one of many workers that race for it", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  const claims = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => await claim(engine, id, index + 1)),
  );
  expect(claims.filter((taken) => taken !== null)).toHaveLength(1);
});

test("a worker whose lease was taken away writes nothing, whatever it believes", async () => {
  await using engine = await openEngine({ models: answering(() => ({ text: "first or second" })) });
  const id = await engine.submit();
  const stale = await claim(engine, id, 1);
  if (stale === null) throw new Error("the first claim succeeds");
  engine.clock.advance(60_000);
  expect(await engine.sweep()).toBe(1);
  const fresh = await claim(engine, id, 2);
  if (fresh === null) throw new Error("the run can be taken again");
  expect(fresh.run.fencingToken).toBe(stale.run.fencingToken + 1);
  await advanceRun(engine.ports, fresh, never, never);
  const ended = await engine.run(id);
  expect(ended.status).toBe("succeeded");
  // The zombie wakes up and goes on with what it knew.
  await advanceRun(engine.ports, stale, never, never);
  expect(await engine.run(id)).toEqual(ended);
});

test("nor does it leave an artifact behind, where the lease is taken away while that is being committed", async () => {
  await using engine = await openEngine({ models: answering(() => ({ text: "the same words" })) });
  const id = await engine.submit();
  const stale = await claim(engine, id, 1);
  if (stale === null) throw new Error("the first claim succeeds");
  const files = {
    ...engine.ports.files,
    // Asked when the artifact's row is there and the run's end is not.
    holds: async (sha256: string, sizeBytes: number): Promise<boolean> => {
      engine.clock.advance(60_000);
      expect(await engine.sweep()).toBe(1);
      return await engine.ports.files.holds(sha256, sizeBytes);
    },
  };
  await advanceRun({ ...engine.ports, files }, stale, never, never);
  expect(await engine.run(id)).toMatchObject({ status: "queued", artifacts: [] });
  const fresh = await claim(engine, id, 2);
  if (fresh === null) throw new Error("the run can be taken again");
  await advanceRun(engine.ports, fresh, never, never);
  const ended = await engine.run(id);
  expect([ended.status, ended.artifacts.length]).toEqual(["succeeded", 1]);
});

test("a lease that is renewed, by a worker that lives, is not taken away", async () => {
  await using engine = await openEngine();
  await using presence = {
    ...(await announceWorker(engine.database.app, 77, { ...engine.ports, heard: DEAF })),
    async [Symbol.asyncDispose](): Promise<void> {
      await this.end();
    },
  };
  const id = await engine.submit();
  const held = await claim(engine, id, presence.worker);
  if (held === null) throw new Error("the claim succeeds");
  expect(await engine.sweep()).toBe(0);
  await presence.end();
  // Its process is gone, and the lease has hardly begun: the run goes back at once.
  expect(await engine.sweep()).toBe(1);
  expect(await engine.run(id)).toMatchObject({ status: "queued", reason: { code: "worker_lost" } });
});

test("a worker that cannot be announced is told so, and leaves no connection behind", async () => {
  await using engine = await openEngine();
  const { app } = engine.database;
  const ports = { ...engine.ports, heard: DEAF };
  await expect(announceWorker({ ...app, port: 1 }, 78, ports)).rejects.toMatchObject({ code: "ENOENT" });
  const owner = engine.database.ownerPool();
  await owner.query("revoke all on function assent.worker_lock_class() from public, assent_app");
  await expect(announceWorker(app, 78, ports)).rejects.toThrow("permission denied");
  await until("its connection is closed", async () => {
    const { rowCount } = await owner.query(
      "select from pg_stat_activity where application_name = 'assent worker' and datname = current_database()",
    );
    return rowCount === 0;
  });
});

test("a `once` call whose worker died is in doubt: a person says it happened, and it is not repeated", async () => {
  const tool = countingTool("pay", "once", (_id, signal) => hang(signal));
  await using engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call("c1", "pay")] } : { text: "Paid." })),
    tools: [tool],
  });
  const id = await dieInsideTool(engine);
  expect(tool.effects).toHaveLength(1);

  const next = await claim(engine, id, 3);
  if (next === null) throw new Error("another worker can take it");
  await advanceRun(engine.ports, next, never, never);
  const waiting = await engine.run(id);
  expect(waiting).toMatchObject({ status: "awaiting_approval" });
  expect(waiting.steps.at(-2)).toMatchObject({ kind: "tool", state: "in_doubt" });
  const doubt = await openApprovalOf(engine, id);
  expect(doubt.subject).toBe("in_doubt");
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: doubt.id,
      decision: "confirm",
      action_digest: doubt.action_digest,
      comment: "Seen on the account.",
    }),
  );
  await engine.startWorker();
  const run = await engine.reaches(id, "succeeded", "failed");
  expect(run.status).toBe("succeeded");
  expect(tool.effects).toHaveLength(1);
  expect(run.steps.find((step) => step.kind === "tool")).toMatchObject({ state: "succeeded" });
});

test("a person who says `try again` has the same effect id tried again, once", async () => {
  let isFirst = true;
  const tool = countingTool("pay", "once", (_id, signal) => {
    if (!isFirst) return undefined;
    isFirst = false;
    return hang(signal);
  });
  await using engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call("c1", "pay")] } : { text: "Paid." })),
    tools: [tool],
  });
  const id = await dieInsideTool(engine);
  await engine.startWorker();
  await engine.reaches(id, "awaiting_approval");
  const doubt = await openApprovalOf(engine, id);
  const approve = async (): ReturnType<typeof engine.harness.decide> =>
    await engine.harness.decide(engine.caller, {
      approval_id: doubt.id,
      decision: "approve",
      action_digest: doubt.action_digest,
    });
  await Promise.all([approve(), approve()]);
  const run = await engine.reaches(id, "succeeded", "failed");
  expect(run.status).toBe("succeeded");
  expect(tool.effects).toHaveLength(2);
  expect(new Set(tool.effects).size).toBe(1);
});

test("a person who says no to a call in doubt ends the matter without another try", async () => {
  const tool = countingTool("pay", "once", (_id, signal) => hang(signal));
  await using engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call("c1", "pay")] } : { text: "Gave up." })),
    tools: [tool],
  });
  const id = await dieInsideTool(engine);
  await engine.startWorker();
  await engine.reaches(id, "awaiting_approval");
  const doubt = await openApprovalOf(engine, id);
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: doubt.id,
      decision: "deny",
      comment: "Leave it.",
    }),
  );
  const run = await engine.reaches(id, "succeeded", "failed");
  expect(run.answer).toBe("Gave up.");
  expect(tool.effects).toHaveLength(1);
  expect(run.steps.find((step) => step.kind === "tool")).toMatchObject({
    state: "failed",
    error: { code: "outcome_unknown" },
  });
});

test("an idempotent call whose worker died is repeated under the same effect id, without a question", async () => {
  let isFirst = true;
  const tool = countingTool("put", "idempotent", (_id, signal) => {
    if (!isFirst) return undefined;
    isFirst = false;
    return hang(signal);
  });
  await using engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call("c1", "put")] } : { text: "Put." })),
    tools: [tool],
  });
  const id = await dieInsideTool(engine);
  await engine.startWorker();
  const run = await engine.reaches(id, "succeeded", "failed", "awaiting_approval");
  expect(run.status).toBe("succeeded");
  expect(new Set(tool.effects).size).toBe(1);
});

test("an idempotent call whose worker died, and whose tool is another by now, is neither repeated nor taken for undone", async () => {
  const tools = [countingTool("put", "idempotent", (_id, signal) => hang(signal))];
  await using engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call("c1", "put")] } : "hang")),
    tools,
  });
  const id = await dieInsideTool(engine);
  const [before] = tools;
  const after = countingTool("put", "idempotent");
  tools[0] = { ...after, manifest: { ...after.manifest, version: "2" } };
  const next = await claim(engine, id, 3);
  if (next === null) throw new Error("another worker can take it");
  const dead = new AbortController();
  const advancing = advanceRun(engine.ports, next, dead.signal, never);
  await until("the model is asked again", async () => (await engine.run(id)).steps.length > 3);
  value(await engine.harness.cancelRun(engine.caller, id));
  const run = await engine.run(id);
  expect([before?.effects.length, after.effects.length]).toEqual([1, 0]);
  expect(run.steps.find((step) => step.kind === "tool")).toMatchObject({
    error: { code: "outcome_unknown" },
  });
  // What may stand is told, and put before people.
  expect(run).toMatchObject({
    status: "cancelled",
    rollback: { left: [{ tool: "put", code: "tool_changed" }] },
  });
  dead.abort();
  await advancing;
});

test("a tool that is another by now is not asked what became of a call of the old one: a person is", async () => {
  const tools: Tool[] = [countingTool("pay", "once", (_id, signal) => hang(signal))];
  await using engine = await openEngine({ models: paying, tools });
  const id = await dieInsideTool(engine);
  const after = countingTool("pay", "once");
  const forgetful = {
    ok: false,
    error: { code: "did_not_happen", detail: "Nothing under this key." },
  } as const;
  tools[0] = {
    ...after,
    manifest: { ...after.manifest, version: "2" },
    check: async () => await Promise.resolve(forgetful),
  };
  const next = await claim(engine, id, 3);
  if (next === null) throw new Error("another worker can take it");
  await advanceRun(engine.ports, next, never, never);
  expect(await openApprovalOf(engine, id)).toMatchObject({ subject: "in_doubt" });
  expect(after.effects).toEqual([]);
});

test("a run that kills every worker is dead-lettered with its reason, and nothing is left running", async () => {
  await using engine = await openEngine({ models: answering(() => "hang") });
  const id = await engine.submit();
  let claims = 0;
  while ((await claim(engine, id, 1)) !== null) {
    claims += 1;
    engine.clock.advance(600_000);
    await engine.sweep();
  }
  expect(claims).toBe(20);
  expect(await engine.run(id)).toMatchObject({
    status: "dead_lettered",
    reason: { code: "attempts_exhausted" },
  });
});

// The worker is cut off as a killed process is: it never reports, its lease runs out, and it must write nothing more.
async function dieInsideTool(engine: Engine): Promise<RunId> {
  const id = await engine.submit();
  const first = await claim(engine, id, 1);
  if (first === null) throw new Error("the claim succeeds");
  await advanceRun(engine.ports, first, never, never);
  const approval = await openApprovalOf(engine, id);
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: approval.id,
      decision: "approve",
      action_digest: approval.action_digest,
    }),
  );
  const second = await claim(engine, id, 2);
  if (second === null) throw new Error("the claim succeeds");
  const dead = new AbortController();
  const advancing = advanceRun(engine.ports, second, dead.signal, never);
  await engine.reaches(id, "running");
  await untilIntended(engine, id);
  engine.clock.advance(60_000);
  await engine.sweep();
  dead.abort();
  await advancing;
  return id;
}

async function untilIntended(engine: Engine, id: RunId): Promise<void> {
  await until("the tool call is intended", async () =>
    (await engine.run(id)).steps.some((step) => step.kind === "tool" && step.state === "intended"),
  );
}

async function hang(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  signal.addEventListener("abort", () => resolve(undefined));
  await promise;
}

const paying = answering((turn) => (turn === 0 ? { calls: [call("c1", "pay")] } : { text: "Paid." }));

/** A run whose call was agreed to, in the hands of its second worker, who is to make it. */
async function claimAgreed(engine: Engine): Promise<{ readonly id: RunId; readonly claimed: Claim }> {
  const id = await engine.submit();
  const asking = await claim(engine, id, 1);
  if (asking === null) throw new Error("the first claim succeeds");
  await advanceRun(engine.ports, asking, never, never);
  await sayYes(engine, id);
  const claimed = await claim(engine, id, 2);
  if (claimed === null) throw new Error("the second claim succeeds");
  return { id, claimed };
}

test("a worker that was stopped between intent and call for longer than its lease does not make the call", async () => {
  const tool = countingTool("pay", "once");
  await using engine = await openEngine({ models: paying, tools: [tool] });
  const { id, claimed: stale } = await claimAgreed(engine);
  // As SIGSTOP does: the commit of the intent is kept, and its answer is read long after.
  const stopped = Promise.withResolvers<undefined>();
  const { store } = engine.ports;
  const late = {
    ...store,
    writeHeld: async (...written: Parameters<typeof store.writeHeld>): Promise<boolean> => {
      const kept = await store.writeHeld(...written);
      await stopped.promise;
      return kept;
    },
  };
  const advancing = advanceRun({ ...engine.ports, store: late }, stale, never, never);
  await untilIntended(engine, id);
  engine.clock.advance(60_000);
  await engine.sweep();
  const next = await claim(engine, id, 3);
  if (next === null) throw new Error("another worker can take it");
  await advanceRun(engine.ports, next, never, never);
  // Somebody has looked: it has not happened, so it is to be tried again. And so it is, once.
  await sayYes(engine, id);
  const again = await claim(engine, id, 4);
  if (again === null) throw new Error("it goes on");
  await advanceRun(engine.ports, again, never, never);
  expect(tool.effects).toHaveLength(1);
  stopped.resolve(undefined);
  await advancing;
  expect(tool.effects).toHaveLength(1);
  expect(await engine.run(id)).toMatchObject({ status: "succeeded" });
});

test("a worker that was held up there, and has its lease still, makes the call", async () => {
  const tool = countingTool("pay", "once");
  await using engine = await openEngine({ models: paying, tools: [tool] });
  const { id, claimed: held } = await claimAgreed(engine);
  const { store } = engine.ports;
  const late = {
    ...store,
    writeHeld: async (...written: Parameters<typeof store.writeHeld>): Promise<boolean> => {
      const kept = await store.writeHeld(...written);
      engine.clock.advance(25_000);
      return kept;
    },
  };
  await advanceRun({ ...engine.ports, store: late }, held, never, never);
  expect(tool.effects).toHaveLength(1);
  expect(await engine.run(id)).toMatchObject({ status: "succeeded" });
});

async function sayYes(engine: Engine, id: RunId): Promise<void> {
  const { id: approval, action_digest } = await openApprovalOf(engine, id);
  const word = { approval_id: approval, decision: "approve", action_digest } as const;
  value(await engine.harness.decide(engine.caller, word));
}
