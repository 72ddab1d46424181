// A process whose clock leaves the database's while it works: it begins nothing that cannot be taken back (invariants 2
// at-most-once, 16 fenced).

import type { RunId } from "@assent/contract";
import { expect, test } from "vitest";
import { createClockWatch } from "../../../packages/harness/src/services/clock-watch.ts";
import type { OrchestratorPorts } from "../../../packages/harness/src/services/held.ts";
import { advanceRun, type Claim, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { sweep } from "../../../packages/harness/src/services/sweeper.ts";
import { startWorker } from "../../../packages/harness/src/services/worker.ts";
import { err } from "../../../packages/harness/src/base/result.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";
import { shiftableClock } from "../../support/shiftable-clock.ts";

const DEAF = { listen: () => () => undefined, listenToCallOffs: () => () => undefined };
const never = new AbortController().signal;
const paying = answering((turn) =>
  turn === 0 ? { calls: [{ id: "c1", tool: "pay", arguments: { id: "1" } }] } : { text: "Paid." },
);

type Watched = AsyncDisposable & {
  readonly ports: OrchestratorPorts;
  /** Resolves when somebody waits for agreement. */
  readonly waited: Promise<undefined>;
};

/** The engine as a process that compares its clock with the database's. */
async function watched(
  engine: Engine,
  own: { clock?: OrchestratorPorts["clock"]; time?: () => Date; steadyMs?: () => number } = {},
): Promise<Watched> {
  const { clock = engine.clock, time, steadyMs = () => performance.now() } = own;
  const store = time === undefined ? engine.store : { time: async () => await Promise.resolve(time()) };
  const watch = createClockWatch({ store, clock, steadyMs, log: engine.ports.log });
  await watch.look();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const clockWatch: OrchestratorPorts["clockWatch"] = {
    difference: () => watch.difference(),
    agreed: async (signal) => {
      if (watch.difference() !== null) resolve(undefined);
      await watch.agreed(signal);
    },
  };
  return {
    ports: { ...engine.ports, clock, clockWatch },
    waited: promise,
    [Symbol.asyncDispose]: async () => {
      await watch.stop();
    },
  };
}

async function claim({ ports, tenant }: Engine, id: RunId, worker: number): Promise<Claim> {
  const claimed = await claimRun(ports, worker, tenant, id);
  if (claimed === null) throw new Error("the run can be taken");
  return claimed;
}

async function sayYes(engine: Engine, id: RunId): Promise<void> {
  const open = (await engine.run(id)).approvals.find(({ status }) => status === "open");
  if (open === undefined) throw new Error("nothing waits");
  const word = { approval_id: open.id, decision: "approve", action_digest: open.action_digest } as const;
  value(await engine.harness.decide(engine.caller, word));
}

/** A run whose call was agreed to, in the hands of its second worker, who is to make it. */
async function claimAgreed(engine: Engine): Promise<{ readonly id: RunId; readonly claimed: Claim }> {
  const id = await engine.submit();
  await advanceRun(engine.ports, await claim(engine, id, 1), never, never);
  await sayYes(engine, id);
  return { id, claimed: await claim(engine, id, 2) };
}

test.each([120_000, -120_000])(
  "a worker whose clock was set by %i ms takes no run and sweeps none, until it is set back",
  async (offMs) => {
    await using engine = await openEngine();
    const [held, queued] = [await engine.submit(), await engine.submit()];
    await claim(engine, held, 1);
    await using process = await watched(engine);
    engine.clock.advance(offMs);
    const consumer = startWorker(process.ports, { worker: 2, wakeUps: DEAF });
    await process.waited;
    // By the clock that is ahead, its lease is over.
    expect(await sweep(process.ports)).toBe(0);
    expect([(await engine.run(held)).status, (await engine.run(queued)).status]).toEqual([
      "running",
      "queued",
    ]);
    engine.clock.advance(-offMs);
    expect((await engine.reaches(queued, "succeeded", "failed")).status).toBe("succeeded");
    await consumer.stop();
  },
);

test("a call is not made while the clock is astray; it is made, once, when it agrees again", async () => {
  const tool = countingTool("pay", "once");
  await using engine = await openEngine({ models: paying, tools: [tool] });
  const { id, claimed } = await claimAgreed(engine);
  await using process = await watched(engine);
  engine.clock.advance(-8_000);
  const advancing = advanceRun(process.ports, claimed, never, never);
  await process.waited;
  expect(tool.effects).toHaveLength(0);
  engine.clock.advance(8_000);
  await advancing;
  expect(tool.effects).toHaveLength(1);
  expect(await engine.run(id)).toMatchObject({ status: "succeeded" });
});

const DAY_MS = 86_400_000;

test("a run that is given back by a clock a day ahead does not wait for a day, nor is its lease held for one", async () => {
  const asked = Promise.withResolvers<undefined>();
  const refused = Promise.withResolvers<undefined>();
  const gone = { code: "provider_unavailable", detail: "It is gone.", transient: true, retryAfterMs: 60_000 };
  let calls = 0;
  await using engine = await openEngine({
    models: {
      ...paying,
      call: async (call, signal) => {
        calls += 1;
        if (calls > 1) return await answering(() => ({ text: "Done." })).call(call, signal);
        asked.resolve(undefined);
        await refused.promise;
        return err(gone);
      },
    },
  });
  const id = await engine.submit();
  const claimed = await claim(engine, id, 1);
  const clock = shiftableClock();
  await using process = await watched(engine, { clock });
  const advancing = advanceRun(process.ports, claimed, never, never);
  await asked.promise;
  clock.advance(DAY_MS);
  refused.resolve(undefined);
  await process.waited;
  clock.advance(-DAY_MS);
  await advancing;
  const soon = Date.now() + 600_000;
  const { rows } = await engine.database
    .ownerPool()
    .query<{ state: string; wakes: boolean; moved: boolean }>(
      "select state, wake_at < $1 as wakes, updated_at < $1 as moved from assent.runs",
      [new Date(soon)],
    );
  expect(rows).toEqual([{ state: "queued", wakes: true, moved: true }]);
});

test("a worker that is to stop while its clock is astray leaves the call to others", async () => {
  const tool = countingTool("pay", "once");
  await using engine = await openEngine({ models: paying, tools: [tool] });
  const { claimed } = await claimAgreed(engine);
  await using process = await watched(engine);
  engine.clock.advance(8_000);
  const stopping = new AbortController();
  const advancing = advanceRun(process.ports, claimed, never, stopping.signal);
  await process.waited;
  stopping.abort();
  await advancing;
  expect(tool.effects).toHaveLength(0);
});

test("a worker whose clock was set back by as long as it was stopped does not take its lease for proven", async () => {
  const tool = countingTool("pay", "once");
  await using engine = await openEngine({ models: paying, tools: [tool] });
  const { id, claimed: stale } = await claimAgreed(engine);
  const clock = shiftableClock();
  let passedMs = 0;
  await using process = await watched(engine, {
    clock,
    time: () => new Date(Date.now() + passedMs),
    steadyMs: () => performance.now() + passedMs,
  });
  const stopped = Promise.withResolvers<undefined>();
  const intended = Promise.withResolvers<undefined>();
  const { store } = engine.ports;
  const writeHeld: typeof store.writeHeld = async (...written) => {
    const kept = await store.writeHeld(...written);
    intended.resolve(undefined);
    await stopped.promise;
    return kept;
  };
  const advancing = advanceRun({ ...process.ports, store: { ...store, writeHeld } }, stale, never, never);
  await intended.promise;
  passedMs = 60_000;
  engine.clock.advance(60_000);
  await engine.sweep();
  await advanceRun(engine.ports, await claim(engine, id, 3), never, never);
  // Somebody has looked: it has not happened, so it is to be tried again. And so it is, once.
  await sayYes(engine, id);
  await advanceRun(engine.ports, await claim(engine, id, 4), never, never);
  expect(tool.effects).toHaveLength(1);
  stopped.resolve(undefined);
  await process.waited;
  expect(tool.effects).toHaveLength(1);
  clock.advance(60_000);
  await advancing;
  expect(tool.effects).toHaveLength(1);
  expect(await engine.run(id)).toMatchObject({ status: "succeeded" });
});
