// Private copies of workspaces that nobody works on any more are removed, also from a home that the run has left.

import { join } from "node:path";
import { type RunId, runIdSchema } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkspaces } from "../../../packages/harness/src/adapters/files/workspaces.ts";
import { startCopySweeper, sweepCopies } from "../../../packages/harness/src/services/copy-sweeper.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { openWorkspaceOfRun } from "../../../packages/harness/src/services/workspace-of-run.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { newRepository, random, temporaryFolder } from "../files/repository.ts";

const never = new AbortController().signal;
const HOURS = 3_600_000;
const source = newRepository({ "README.md": "r" });
const folders = { here: join(temporaryFolder(), "here"), there: join(temporaryFolder(), "there") };
type Home = keyof typeof folders;
const homes = {
  here: openWorkspaces({ folder: folders.here, sources: { source }, random }),
  there: openWorkspaces({ folder: folders.there, sources: { source }, random }),
};

let engine: Engine;
beforeAll(async () => {
  const call = { id: "c1", tool: "pay", arguments: { id: "1" } };
  engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Paid." })),
    tools: [countingTool("pay", "once")],
    workspaces: homes.here,
    agent: { workspace: "required" },
  });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

const isIn = async (home: Home, id: RunId): Promise<boolean> => (await homes[home].list()).includes(id);
const portsOf = (home: Home): Parameters<typeof sweepCopies>[0] => ({
  ...engine.ports,
  workspaces: homes[home],
});

let workers = 700;

/** A worker of that home takes the run as far as it goes. */
async function goOn(id: RunId, home: Home): Promise<void> {
  workers += 1;
  const claim = await claimRun(engine.ports, workers, engine.tenant, id);
  if (claim === null) throw new Error("the run cannot be taken");
  const workspaces = homes[home];
  const openWorkspace = openWorkspaceOfRun(workspaces, engine.ports.tools);
  await advanceRun({ ...engine.ports, workspaces, openWorkspace }, claim, never, never);
}

/** Waits for a person, with its copy in that home. */
async function waits(home: Home): Promise<RunId> {
  const id = await engine.submit();
  await goOn(id, home);
  expect(await isIn(home, id)).toBe(true);
  return id;
}

async function finish(id: RunId, home: Home): Promise<void> {
  const [open] = (await engine.run(id)).approvals;
  if (open === undefined) throw new Error("nothing waits");
  const word = { approval_id: open.id, decision: "approve", action_digest: open.action_digest } as const;
  value(await engine.harness.decide(engine.caller, word));
  await goOn(id, home);
  expect((await engine.run(id)).status).toBe("succeeded");
}

test("what a run left in a home that it went away from is removed a day after its end, and nothing of others", async () => {
  const moved = await waits("here");
  await finish(moved, "there");
  const cancelled = await waits("here");
  value(await engine.harness.cancelRun(engine.caller, cancelled));
  expect([await isIn("here", moved), await isIn("there", moved), await isIn("here", cancelled)]).toEqual([
    true,
    false,
    true,
  ]);
  engine.clock.advance(23 * HOURS);
  const waiting = await waits("here");
  expect(await sweepCopies(portsOf("here"))).toBe(0);
  // A database that knows nothing of a run says nothing about its copy.
  const unknown = runIdSchema.parse(`run_${"0".repeat(32)}`);
  const opened = await homes.here.open(unknown, { name: "source", commit: await head() }, never);
  expect(opened.ok).toBe(true);
  engine.clock.advance(2 * HOURS);
  const clockWatch = { difference: () => "The clock here is 90000 s ahead of that of the database." };
  expect(await sweepCopies({ ...portsOf("here"), clockWatch })).toBe(0);
  expect(await sweepCopies(portsOf("here"))).toBe(2);
  expect(new Set(await homes.here.list())).toEqual(new Set([waiting, unknown]));
  await finish(waiting, "here");
});

const head = async (): Promise<string> => value(await homes.here.resolve("source")).commit;

test("the sweeper of a process sweeps at once, and stops when it is told to", async () => {
  const id = await waits("there");
  value(await engine.harness.cancelRun(engine.caller, id));
  engine.clock.advance(25 * HOURS);
  const sweeper = startCopySweeper(portsOf("there"));
  await until("it was swept", async () => !(await isIn("there", id)));
  await sweeper.stop();
  expect(await sweepCopies(portsOf("there"))).toBe(0);
});

test("a home in which no copy was ever made has none to sweep", async () => {
  const workspaces = openWorkspaces({ folder: join(temporaryFolder(), "none"), sources: { source }, random });
  expect(await sweepCopies({ ...portsOf("here"), workspaces })).toBe(0);
});
