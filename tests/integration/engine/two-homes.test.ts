// A run goes to another machine and comes back: two workers with a home of their own each, on one Postgres. What it does
// there is in no copy here, so a copy that was left behind is made anew before anything rests on it.

import { join } from "node:path";
import type { Run, RunId } from "@assent/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openWorkspaces } from "../../../packages/harness/src/adapters/files/workspaces.ts";
import { ok } from "../../../packages/harness/src/base/result.ts";
import type { Tool, Workspace, Workspaces } from "../../../packages/harness/src/ports.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { openWorkspaceOfRun } from "../../../packages/harness/src/services/workspace-of-run.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { newRepository, random, temporaryFolder } from "../files/repository.ts";

const never = new AbortController().signal;
const source = newRepository({ "README.md": "r" });
type Home = "here" | "there";
const homeAt = (name: Home): Workspaces =>
  openWorkspaces({ folder: join(temporaryFolder(), name), sources: { source }, random });
const homes: Record<Home, Workspaces> = { here: homeAt("here"), there: homeAt("there") };

/** What the copy held each time that the run looked. */
let seen: string[][] = [];
/** The next write leaves something half done behind, and its process hangs in it until it is taken for dead. */
let dies = false;
let hangs = 0;

const namesIn = async (workspace: Workspace): Promise<string[]> => {
  const listed = await workspace.list("");
  return listed.ok ? listed.value.map(({ name }) => name).toSorted() : [listed.error.code];
};

const note: Tool = {
  ...countingTool("note", "idempotent"),
  scope: "workspace",
  execute: async ({ name }, _precondition, { workspace }) => {
    if (dies) {
      dies = false;
      await workspace?.write(`half-of-${String(name)}`, Buffer.from("half"));
      hangs += 1;
      await Promise.withResolvers<undefined>().promise;
    }
    await workspace?.write(String(name), Buffer.from("whole"));
    return ok({ output: "noted", label: "untrusted" });
  },
};
const look: Tool = {
  ...countingTool("look", "once"),
  execute: async (_args, _precondition, { workspace }) => {
    seen.push(workspace === null ? ["none"] : await namesIn(workspace));
    return ok({ output: "looked", label: "untrusted" });
  },
};

/** May happen once only, as a command: what it leaves in the copy is not made again by itself. */
const build: Tool = { ...note, manifest: { ...note.manifest, name: "build", effect: "once" } };

const NOTES = [["note", "first"], ["look"], ["note", "second"], ["look"], ["note", "third"], ["look"]];
/** What the model calls, one a turn. */
let turns: readonly (readonly string[])[] = NOTES;

let engine: Engine;
beforeAll(async () => {
  const models = answering((turn) => {
    const [tool, name = ""] = turns[turn] ?? [];
    return tool === undefined
      ? { text: "Done." }
      : { calls: [{ id: `c${turn}`, tool, arguments: { name } }] };
  });
  const policies = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval forbid (principal, action == Action::"call", resource == Tool::"look");`,
    },
  });
  engine = await openEngine({
    models,
    tools: [note, build, look],
    policies,
    workspaces: homes.here,
    agent: { workspace: "required" },
  });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});
beforeEach(() => {
  seen = [];
  dies = false;
  turns = NOTES;
});

let workers = 500;

/** A worker of that home takes the run as far as it goes. */
async function goOn(id: RunId, home: Home): Promise<void> {
  workers += 1;
  const workspaces = homes[home];
  const ports = {
    ...engine.ports,
    workspaces,
    openWorkspace: openWorkspaceOfRun(workspaces, engine.ports.tools),
  };
  const claim = await claimRun(ports, workers, engine.tenant, id);
  if (claim === null) throw new Error("the run cannot be taken");
  await advanceRun(ports, claim, never, never);
}

async function approve(id: RunId, decision: "approve" | "confirm" = "approve"): Promise<void> {
  const open = (await engine.run(id)).approvals.find(({ status }) => status === "open");
  if (open === undefined) throw new Error("nothing waits");
  const { id: approval_id, action_digest } = open;
  value(
    await engine.harness.decide(engine.caller, { approval_id, decision, action_digest, comment: "Seen." }),
  );
}

async function patchOf(run: Run): Promise<string> {
  const changes = run.artifacts.find(({ name }) => name === "changes.patch");
  if (changes === undefined) throw new Error("the run has no patch");
  return Buffer.from((await engine.ports.files.get(changes.sha256)) ?? []).toString("utf8");
}

test("what was done there is in the copy here when the run comes back, and in its patch", async () => {
  const id = await engine.submit();
  await goOn(id, "here");
  await approve(id);
  await goOn(id, "there");
  await approve(id);
  await goOn(id, "here");
  await approve(id);
  await goOn(id, "there");
  const run = await engine.run(id);
  expect(run.status).toBe("succeeded");
  expect(seen).toEqual([
    ["README.md", "first"],
    ["README.md", "first", "second"],
    ["README.md", "first", "second", "third"],
  ]);
  const patch = await patchOf(run);
  for (const name of ["first", "second", "third"]) expect(patch).toContain(`b/${name}`);
});

test("what was half done here when the worker was lost is not there when the run comes back whole", async () => {
  const id = await engine.submit();
  await goOn(id, "here");
  await approve(id);
  dies = true;
  // This worker hangs in the second note; it is taken for dead, and the run goes on elsewhere.
  const before = hangs;
  void goOn(id, "here");
  await until("the worker is inside the call", () => hangs > before);
  expect(await engine.sweep()).toBe(1);
  await goOn(id, "there");
  await approve(id);
  await goOn(id, "here");
  await approve(id);
  await goOn(id, "here");
  expect((await engine.run(id)).status).toBe("succeeded");
  expect(seen).toEqual([
    ["README.md", "first"],
    ["README.md", "first", "second"],
    ["README.md", "first", "second", "third"],
  ]);
});

test("a copy that is current is not made anew", async () => {
  const id = await engine.submit();
  for (let part = 0; part < 3; part += 1) {
    await goOn(id, "here");
    // Nothing of the journal would bring this back.
    const found = await engine.store.transaction(engine.tenant, async (tx) => await tx.runs.find(id));
    if (found?.workspace == null) throw new Error("the run works on a copy");
    const { workspace, fencingToken } = found;
    const opened = await homes.here.open(id, workspace, never, undefined, undefined, fencingToken);
    if (part === 0 && opened.ok) await opened.value.workspace.write("by-hand", Buffer.from("x"));
    await approve(id);
  }
  await goOn(id, "here");
  expect(seen.map((names) => names.includes("by-hand"))).toEqual([true, true, true]);
});

test("a command that was cut off here, and of which a person says that it did happen, is in the copy here", async () => {
  turns = [["build", "built"], ["look"]];
  dies = true;
  const before = hangs;
  const id = await engine.submit();
  void goOn(id, "here");
  await until("the worker is inside the call", () => hangs > before);
  expect(await engine.sweep()).toBe(1);
  await goOn(id, "here");
  await approve(id, "confirm");
  await goOn(id, "here");
  // The next question is the call's own, and not one about a copy that is lost.
  expect((await engine.run(id)).reason?.code).toBe("approval_needed");
  await approve(id);
  await goOn(id, "here");
  expect((await engine.run(id)).status).toBe("succeeded");
  expect(seen).toEqual([["README.md", "half-of-built"]]);
});
