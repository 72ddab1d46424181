// Two workers share a home, as they do on one machine. One is stopped inside a tool that works on the run's copy, for longer
// than its lease; when it wakes, what it writes lands nowhere (invariant 16, fenced).

import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { RunId } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkspaces } from "../../../packages/harness/src/adapters/files/workspaces.ts";
import { err, ok } from "../../../packages/harness/src/base/result.ts";
import type { Tool } from "../../../packages/harness/src/ports.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { openWorkspaceOfRun } from "../../../packages/harness/src/services/workspace-of-run.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf } from "../../support/engine.ts";
import { newRepository, random, temporaryFolder } from "../files/repository.ts";

const never = new AbortController().signal;
const folder = join(temporaryFolder(), "copies");
const source = newRepository({ "README.md": "r" });
/** As two processes open it: they share the folder and nothing in memory. */
const open = (): ReturnType<typeof openWorkspaces> => openWorkspaces({ folder, sources: { source }, random });

/** The next call, where a test has it stop inside. */
let next: { readonly inside: () => void; readonly goesOn: Promise<void> } | null = null;
let said: string[] = [];
const put: Tool = {
  ...countingTool("put", "idempotent"),
  scope: "workspace",
  execute: async ({ text }, _precondition, { workspace }) => {
    const stop = next;
    next = null;
    stop?.inside();
    await stop?.goesOn;
    const written = await workspace?.write("note", Buffer.from(String(text)));
    said.push(written?.ok === true ? "written" : "not written");
    return written?.ok === true
      ? ok({ output: "put", label: "untrusted" })
      : err({ code: "failed", detail: "failed" });
  },
};

let engine: Engine;
beforeAll(async () => {
  const turns = ["first", "second"];
  engine = await openEngine({
    models: answering((turn) => {
      const text = turns[turn];
      return text === undefined
        ? { text: "Done." }
        : { calls: [{ id: `c${turn}`, tool: "put", arguments: { text } }] };
    }),
    tools: [put],
    policies: policiesOf({ texts: { "all.cedar": `@id("all") permit (principal, action, resource);` } }),
    workspaces: open(),
    agent: { workspace: "required" },
  });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

async function goOn(id: RunId, worker: number): Promise<void> {
  const claim = await claimRun(engine.ports, worker, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  const workspaces = open();
  const openWorkspace = openWorkspaceOfRun(workspaces, engine.ports.tools);
  await advanceRun({ ...engine.ports, workspaces, openWorkspace }, claim, never, never);
}

test("what a worker writes that was stopped in a tool beyond its lease is in no copy and no patch", async () => {
  const [inside, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  next = { inside: inside.resolve, goesOn: goesOn.promise };
  said = [];
  const id = await engine.submit();
  const first = goOn(id, 1);
  await inside.promise;
  engine.clock.advance(60_000);
  expect(await engine.sweep()).toBe(1);
  // The other worker is as far as the second note, in the very copy, when the first wakes.
  const model = engine.ports.models;
  const wakes: typeof model.call = async (...given) => {
    if (given[0].messages.filter(({ role }) => role === "assistant").length === 2) {
      goesOn.resolve();
      await first;
    }
    return await model.call(...given);
  };
  const claim = await claimRun(engine.ports, 2, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  const workspaces = open();
  const openWorkspace = openWorkspaceOfRun(workspaces, engine.ports.tools);
  const models = { check: () => model.check("scripted/test"), call: wakes };
  await advanceRun({ ...engine.ports, models, workspaces, openWorkspace }, claim, never, never);
  const run = await engine.run(id);
  expect(run.status).toBe("succeeded");
  expect(said).toEqual(["written", "written", "not written"]);
  const patch = run.artifacts.find(({ name }) => name === "changes.patch");
  const text = Buffer.from((await engine.ports.files.get(patch?.sha256 ?? "")) ?? []).toString("utf8");
  expect(text).toContain("+second");
  expect(text).not.toContain("+first");
  expect(readdirSync(folder)).toEqual(expect.arrayContaining([".git-home", ".histories"]));
  expect(readdirSync(folder).filter((name) => name.includes(id))).toEqual([]);
});

test("a copy is not opened under an older token than it was opened under", async () => {
  const id = await engine.submit();
  await goOn(id, 3);
  const at = { name: "source", commit: await head() };
  const newer = await open().open(id, at, never, undefined, undefined, 7);
  expect(newer.ok).toBe(true);
  expect(await open().open(id, at, never, undefined, undefined, 6)).toMatchObject({
    ok: false,
    error: { code: "workspace_not_ours" },
  });
  const same = await open().open(id, at, never, undefined, undefined, 7);
  expect(same).toMatchObject({ ok: true, value: { made: false } });
});

test("of copies that were left beside the newest none is there any more once the run is opened again", async () => {
  const id = await engine.submit();
  const at = { name: "source", commit: await head() };
  expect((await open().open(id, at, never, undefined, undefined, 5)).ok).toBe(true);
  // What a worker left that was stopped while it made its own.
  cpSync(join(folder, `${id}.5`), join(folder, `${id}.3`), { recursive: true });
  expect((await open().open(id, at, never, undefined, undefined, 7)).ok).toBe(true);
  expect(readdirSync(folder).filter((name) => name.startsWith(id))).toEqual([`${id}.7`]);
});

async function head(): Promise<string> {
  const found = await open().resolve("source");
  if (!found.ok) throw new Error(found.error.detail);
  return found.value.commit;
}
