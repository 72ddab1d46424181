// A run waits, and its private copy is lost: the disk, the machine, or an upgrade took it. What the journal holds is done
// again on a fresh copy; what may happen once only is a person's to decide, and until then there is no copy at all.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Approval, ApproveRequest, Run, RunId } from "@assent/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openWorkspaces } from "../../../packages/harness/src/adapters/files/workspaces.ts";
import { ok } from "../../../packages/harness/src/base/result.ts";
import { answerLines } from "../../../packages/harness/src/cli/output/approval.ts";
import type { Tool, Workspace } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { newRepository, random, temporaryFolder } from "../files/repository.ts";

const folder = join(temporaryFolder(), "copies");
const workspaces = openWorkspaces({
  folder,
  sources: { source: newRepository({ "README.md": "r" }) },
  random,
});

/** What the run's copy holds when the last tool is called; empty before. */
let seen: string[] = [];
/** Throws once where it is set, as a process dies: what it wrote stands, and nobody hears of it. */
let dies = false;
let commands = 0;

const namesOf = async (workspace: Workspace): Promise<string[]> => {
  const listed = await workspace.list("");
  return listed.ok ? listed.value.map(({ name }) => name).toSorted() : [listed.error.code];
};

function inCopy(
  name: string,
  effect: "idempotent" | "once",
  run: (workspace: Workspace) => Promise<void>,
): Tool {
  return {
    ...countingTool(name, effect),
    scope: "workspace",
    execute: async (_args, _precondition, { workspace }) => {
      if (workspace === null) throw new Error("no workspace");
      await run(workspace);
      return ok({ output: "done", label: "untrusted" });
    },
  };
}

const note = inCopy("note", "idempotent", async (workspace) => {
  await workspace.write("note.txt", Buffer.from("noted"));
  if (!dies) return;
  dies = false;
  throw new Error("the process dies here");
});
const command = inCopy("command_line", "once", async (workspace) => {
  commands += 1;
  await workspace.write(`built-${commands}.txt`, Buffer.from("built"));
});
const hold: Tool & { readonly effects: string[] } = {
  ...countingTool("hold", "once"),
  execute: async (_args, _precondition, { workspace, effectId }) => {
    hold.effects.push(effectId);
    seen = workspace === null ? ["none"] : await namesOf(workspace);
    return ok({ output: "held", label: "untrusted" });
  },
};

const tools: Tool[] = [note, command, hold];
let engine: Engine;

beforeAll(async () => {
  const models = answering((turn) => {
    const tool = ["note", "command_line", "hold"][turn];
    return tool === undefined ? { text: "Done." } : { calls: [{ id: `c${turn}`, tool, arguments: {} }] };
  });
  const policies = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval forbid (principal, action == Action::"call", resource == Tool::"hold");`,
    },
  });
  engine = await openEngine({ models, tools, policies, workspaces, agent: { workspace: "required" } });
  await engine.startWorker();
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

beforeEach(() => {
  tools.splice(0, tools.length, note, command, hold);
  seen = [];
  commands = 0;
  dies = false;
  hold.effects.length = 0;
});

const open = ({ approvals }: Run): Approval => {
  const approval = approvals.find(({ status }) => status === "open");
  if (approval === undefined) throw new Error("nothing waits");
  return approval;
};

async function say(approval: Approval, decision: "approve" | "confirm" | "deny"): Promise<void> {
  const { id: approval_id, action_digest } = approval;
  const request: ApproveRequest =
    decision === "approve"
      ? { approval_id, decision, action_digest }
      : decision === "confirm"
        ? { approval_id, decision, action_digest, comment: "Go on without." }
        : { approval_id, decision, comment: "It is of no use." };
  value(await engine.harness.decide(engine.caller, request));
}

/** A run that was told yes, and whose copy is gone by the time it goes on. */
async function loseCopy(): Promise<RunId> {
  const id = await engine.submit();
  const waiting = await engine.reaches(id, "awaiting_approval");
  expect(await workspaces.list()).toContain(id);
  await workspaces.remove(id);
  await say(open(waiting), "approve");
  return id;
}

/** Asked about the loss: by a question that was not there before. */
async function askedAbout(id: RunId, approvals: number): Promise<Approval> {
  const run = await engine.reaches(id, "awaiting_approval", "failed", "succeeded");
  expect([run.status, run.approvals.length]).toEqual(["awaiting_approval", approvals]);
  expect(run.reason?.code).toBe("workspace_not_restored");
  const asked = open(run);
  expect(asked.decision.reasons.map(({ code }) => code)).toEqual(["workspace_not_restored"]);
  expect(asked.subject).toBe("in_doubt");
  // No part of a copy, and nothing half made beside it.
  expect(readdirSync(folder).filter((name) => name !== ".git-home" && name.includes(id.slice(4)))).toEqual(
    [],
  );
  expect(hold.effects).toEqual([]);
  return asked;
}

test("a person has it done again: the run goes on, on a copy that is whole, and each call is made once", async () => {
  const id = await loseCopy();
  const asked = await askedAbout(id, 2);
  expect(asked.action.tool).toBe("command_line");
  expect(commands).toBe(1);
  await say(asked, "approve");
  const done = await engine.reaches(id, "succeeded");
  expect(seen).toEqual(["README.md", "built-2.txt", "note.txt"]);
  expect(commands).toBe(2);
  expect(hold.effects).toHaveLength(1);
  expect(done.approvals.map(({ status }) => status)).toEqual(["spent", "spent"]);
  expect(done.steps.filter(({ kind }) => kind === "tool").map(({ state }) => state)).toEqual([
    "succeeded",
    "succeeded",
    "succeeded",
  ]);
});

test("a person has the run go on without it: the rest is there, and nothing is run again", async () => {
  const id = await loseCopy();
  const asked = await askedAbout(id, 2);
  expect(answerLines(asked, "assent")).toContain(
    `  go on without what it did        assent confirm ${asked.id} --comment "why"`,
  );
  await say(asked, "confirm");
  await engine.reaches(id, "succeeded");
  expect(seen).toEqual(["README.md", "note.txt"]);
  expect(commands).toBe(1);
});

test("a person ends it: failed for that reason, with every step that was made", async () => {
  const id = await loseCopy();
  await say(await askedAbout(id, 2), "deny");
  const run = await engine.reaches(id, "failed");
  expect(run.reason).toMatchObject({ code: "workspace_not_restored" });
  expect(run.steps.filter(({ kind, state }) => kind === "tool" && state === "succeeded")).toHaveLength(2);
  expect([commands, hold.effects.length]).toEqual([1, 0]);
  // The yes to what was not done is nobody's to use any more.
  expect(run.approvals.map(({ status }) => status)).toEqual(["cancelled", "denied"]);
});

test("a tool that an upgrade took away is asked about, not passed over", async () => {
  tools.splice(0, tools.length, note, command, hold);
  const id = await engine.submit();
  const waiting = await engine.reaches(id, "awaiting_approval");
  await workspaces.remove(id);
  tools.splice(0, 1);
  await say(open(waiting), "approve");
  const asked = await askedAbout(id, 2);
  expect(asked.action.tool).toBe("note");
  expect(asked.decision.reasons[0]?.detail).toContain("there is no such tool any more");
  // A yes cannot bring the tool back: it is used up, and asked again.
  await say(asked, "approve");
  const again = await askedAbout(id, 3);
  expect(again.action.tool).toBe("note");
  tools.splice(0, tools.length, note, command, hold);
  await say(again, "approve");
  const next = await askedAbout(id, 4);
  expect(next.action.tool).toBe("command_line");
  await say(next, "confirm");
  const done = await engine.reaches(id, "succeeded");
  expect(done.approvals.map(({ status }) => status)).toEqual(["spent", "spent", "spent", "spent"]);
  expect(seen).toEqual(["README.md", "note.txt"]);
});

test("a process that dies while it restores leaves no part of a copy that the next one would go on with", async () => {
  const id = await engine.submit();
  const waiting = await engine.reaches(id, "awaiting_approval");
  await workspaces.remove(id);
  dies = true;
  await say(open(waiting), "approve");
  // It breaks off, is set aside, and is taken up again after a pause.
  await until("it is set aside", async () => (await engine.run(id)).reason?.code === "worker_failed");
  engine.clock.advance(60_000);
  expect(dies).toBe(false);
  await say(await askedAbout(id, 2), "confirm");
  await engine.reaches(id, "succeeded");
  expect(seen).toEqual(["README.md", "note.txt"]);
});
