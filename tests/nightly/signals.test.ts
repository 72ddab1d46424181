// What operators and service managers do to processes: SIGTERM once, twice and while they start, and a cancellation whose
// worker is another process. Nothing is lost, nothing happens twice, and each ends when it is told to (invariants 1
// journal-first, 2 at-most-once, 16 fenced).

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { runSchema, runSummarySchema } from "@assent/contract";
import { expect, test } from "vitest";
import { listening } from "../support/listening.ts";
import { ask, type Fleet, playRun } from "../support/target/fleet-client.ts";
import { readEvidence } from "../support/target/fleet-evidence.ts";
import { endMember, hasEnded, spawnMember } from "../support/target/fleet-member.ts";
import { openFleetWith, openSmallFleet } from "../support/target/small-fleet.ts";
import { until } from "../support/until.ts";

/** Shorter than the time after which a worker looks by itself whether a run is still its own. */
const AT_ONCE_MS = 5_000;

/** Takes calls, and never answers. */
async function silentTool(
  stack: AsyncDisposableStack,
): Promise<{ readonly server: Server; readonly url: string; calls(): number; cutOff(): number }> {
  let [calls, cutOff] = [0, 0];
  const server = createServer((request) => {
    calls += 1;
    request.resume();
    request.on("close", () => {
      cutOff += 1;
    });
  });
  return { server, url: await listening(server, stack), calls: () => calls, cutOff: () => cutOff };
}

async function submitAndApprove(fleet: Fleet, key: string): Promise<string> {
  const body = { agent: "notary", task: "Put it on record." };
  const submitted = await ask(fleet, "/api/harness/run", { method: "POST", key, body });
  const { id } = runSummarySchema.parse(await submitted.json());
  const open = await until("somebody is asked", async () => {
    const run = runSchema.parse(await (await ask(fleet, `/api/harness/runs/${id}`)).json());
    return run.approvals.find(({ status }) => status === "open");
  });
  const yes = { approval_id: open.id, decision: "approve", action_digest: open.action_digest };
  await ask(fleet, "/api/harness/approve", { method: "POST", body: yes });
  return id;
}

test("a cancellation at one process cuts off the call that is under way in another, at once", async () => {
  await using stack = new AsyncDisposableStack();
  const tool = await silentTool(stack);
  const address = { url: tool.url, checkUrl: tool.url };
  const fleet = await openFleetWith(stack, async () => await Promise.resolve(address), [
    ["server"],
    ["worker"],
  ]);
  const id = await submitAndApprove(fleet, "cancelled");
  await until("the call is under way", () => tool.calls() === 1);
  const began = performance.now();
  const answer = await ask(fleet, `/api/harness/runs/${id}/cancel`, { method: "POST", key: "off", body: {} });
  expect(answer.status).toBe(200);
  await until("it is cut off", () => tool.cutOff() === 1);
  expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
});

test("a worker that is told twice to end, over a call, ends at once; another finds out what became of it", async () => {
  await using stack = new AsyncDisposableStack();
  const fleet = await openSmallFleet(stack, ["server"], ["worker"]);
  const { sink } = fleet;
  const doomed = fleet.members[1] ?? expect.unreachable("it was started");
  sink.cue({
    do: "apply_then",
    hook: async () => {
      const ended = once(doomed.child, "exit");
      doomed.child.kill("SIGTERM");
      await until("it has heard", () => doomed.isStopping);
      // The call is waited for.
      expect(hasEnded(doomed)).toBe(false);
      doomed.child.kill("SIGTERM");
      await ended;
    },
  });
  const playing = playRun(fleet, 1);
  await until("it has ended", () => hasEnded(doomed), 60_000);
  await fleet.start("worker");
  const { run } = await playing;
  expect(run?.status).toBe("succeeded");
  await fleet.endAll();
  const { contradictions, auditFindings, stored } = await readEvidence(fleet.installation);
  expect({ contradictions, auditFindings, stored }).toEqual({
    contradictions: [],
    auditFindings: [],
    stored: { succeeded: 1 },
  });
  expect([...sink.effects().values()]).toEqual([1]);
});

test("processes that are told to end while they start do so, at whatever moment, and leave a home that works", async () => {
  await using stack = new AsyncDisposableStack();
  const fleet = await openSmallFleet(stack, ["server"]);
  const { installation } = fleet;
  const exits: (number | null)[] = [];
  for (const role of ["worker", "server"] as const)
    for (let afterMs = 0; afterMs <= 2_400; afterMs += 300) {
      const member = spawnMember(installation, role);
      const spawned = performance.now();
      await until("it is that far", () => performance.now() - spawned >= afterMs || member.isReady);
      const began = performance.now();
      await endMember(member, "SIGTERM");
      // One that has not begun to listen for signals is ended by them.
      exits.push(member.child.exitCode);
      expect([role, afterMs, performance.now() - began < 30_000]).toEqual([role, afterMs, true]);
      expect([null, 0, 130]).toContain(member.child.exitCode);
    }
  expect(exits.filter((code) => code === 0).length).toBeGreaterThan(0);
  await fleet.start("worker");
  expect((await playRun(fleet, 1)).run?.status).toBe("succeeded");
});
