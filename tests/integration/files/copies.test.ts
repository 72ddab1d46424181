// How a run's copy comes to be and goes: refusals, races, workers that are killed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, inject, test } from "vitest";
import { openWorkspaces } from "../../../packages/harness/src/adapters/files/workspaces.ts";
import type { Workspaces } from "../../../packages/harness/src/ports.ts";
import { copyOf, git, newRepository, newRunId, random, REPOSITORY, temporaryFolder } from "./repository.ts";

// What lies beside the copies for as long as the folder does: git's own home, and what copies begin with.
const isOfRun = (name: string): boolean => name !== ".git-home" && name !== ".histories";

const { signal } = new AbortController();

test("each reason why there can be no copy has its code, and no error names a path", async () => {
  const folder = temporaryFolder();
  const empty = join(folder, "empty");
  mkdirSync(empty);
  git(empty, "init", "--quiet");
  const file = join(folder, "file");
  writeFileSync(file, "");
  mkdirSync(join(folder, "plain"));
  const good = newRepository({ "sub/a": "1" });
  const sources = {
    empty,
    file,
    plain: join(folder, "plain"),
    gone: join(folder, "gone"),
    inside: join(good, "sub"),
    good,
  };
  const workspaces = openWorkspaces({ folder: join(folder, "copies"), sources, random });
  const withoutGit = openWorkspaces({
    folder: join(folder, "other"),
    sources,
    random,
    gitProgram: join(folder, "git"),
  });
  const details: string[] = [];
  const codeOf = async (where: Workspaces, name: string): Promise<string> => {
    const resolved = await where.resolve(name);
    if (!resolved.ok) details.push(resolved.error.detail);
    return resolved.ok ? "ok" : resolved.error.code;
  };
  expect(await codeOf(workspaces, "empty")).toBe("workspace_empty");
  expect(await codeOf(workspaces, "file")).toBe("workspace_missing");
  expect(await codeOf(workspaces, "gone")).toBe("workspace_missing");
  expect(await codeOf(workspaces, "plain")).toBe("workspace_not_git");
  expect(await codeOf(workspaces, "inside")).toBe("workspace_not_git");
  expect(await codeOf(workspaces, "other")).toBe("workspace_unknown");
  expect(await codeOf(workspaces, "__proto__")).toBe("workspace_unknown");
  expect(await codeOf(workspaces, "good")).toBe("ok");
  expect(await codeOf(withoutGit, "good")).toBe("git_not_installed");
  const missing = await workspaces.open(newRunId(), { name: "good", commit: "0".repeat(40) }, signal);
  expect(missing).toMatchObject({ ok: false, error: { code: "workspace_copy_failed" } });
  if (!missing.ok) details.push(missing.error.detail);
  expect(details.filter((detail) => detail.includes(folder) || detail.includes("/"))).toEqual([]);
  expect(readdirSync(join(folder, "copies")).filter(isOfRun)).toEqual([]);
});

test.each(["", "x", "/../..", "A".repeat(32), `${"0".repeat(32)}/..`, `${"0".repeat(32)}\n`])(
  "run_%j never becomes a folder",
  async (rest) => {
    const folder = join(temporaryFolder(), "copies");
    const workspaces = openWorkspaces({ folder, sources: {}, random });
    const run = `run_${rest}` as const;
    await expect(workspaces.remove(run)).rejects.toThrow("a run id has its form");
    await expect(workspaces.open(run, { name: "x", commit: "0".repeat(40) }, signal)).rejects.toThrow("form");
  },
);

test("a copy that is called off leaves nothing", async () => {
  const source = newRepository(REPOSITORY);
  const folder = join(temporaryFolder(), "copies");
  const workspaces = openWorkspaces({ folder, sources: { source }, random });
  const resolved = await workspaces.resolve("source");
  const commit = resolved.ok ? resolved.value.commit : "";
  const controller = new AbortController();
  const opening = workspaces.open(newRunId(), { name: "source", commit }, controller.signal);
  controller.abort();
  expect(await opening).toMatchObject({ ok: false, error: { code: "aborted" } });
  expect(readdirSync(folder).filter(isOfRun)).toEqual([]);
});

// --- making, racing, dying -------------------------------------------------------------------------------------

test("of eight workers that open at once one makes the copy, and all get it", async () => {
  const source = newRepository(REPOSITORY);
  const folder = join(temporaryFolder(), "copies");
  const all = Array.from({ length: 8 }, () => openWorkspaces({ folder, sources: { source }, random }));
  const resolved = await all[0]?.resolve("source");
  const commit = resolved?.ok === true ? resolved.value.commit : "";
  const run = newRunId();
  const opened = await Promise.all(
    all.map(async (workspaces) => await workspaces.open(run, { name: "source", commit }, signal)),
  );
  expect(opened.map((one) => (one.ok ? one.value.made : one.error)).filter(Boolean)).toEqual([true]);
  for (const one of opened) expect(one.ok && (await one.value.workspace.read("README.md")).ok).toBe(true);
  expect(readdirSync(folder).filter(isOfRun)).toEqual([run]);
});

test("a copy that is there is opened as it is, also when its source is gone; removing it is final", async () => {
  const source = newRepository(REPOSITORY);
  const { workspaces, workspace, run, commit, folder } = await copyOf(source);
  await workspace.write("README.md", Buffer.from("mine"));
  rmSync(source, { recursive: true });
  const again = await workspaces.open(run, { name: "source", commit }, signal);
  expect(again).toMatchObject({ ok: true, value: { made: false } });
  const read = again.ok ? await again.value.workspace.read("README.md") : null;
  expect(Buffer.from(read?.ok === true ? read.value : []).toString()).toBe("mine");
  await workspaces.remove(run);
  await workspaces.remove(run);
  expect(readdirSync(folder).filter(isOfRun)).toEqual([]);
  expect(await workspace.read("README.md")).toMatchObject({ ok: false });
});

const made = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate();
}

test("killed at any moment while it opens or writes: old or new content, no leftover after the next start", async () => {
  const source = newRepository(REPOSITORY);
  const folder = join(temporaryFolder(), "copies");
  const run = newRunId();
  const commit = git(source, "rev-parse", "HEAD").trim();
  const script = fileURLToPath(new URL("./writer.ts", import.meta.url));
  let leftovers = 0;
  for (let killAt = 0; killAt < (inject("everyBreak") ? 16 : 4); killAt += 1) {
    const child = spawn(
      process.execPath,
      ["--conditions=assent-source", script, folder, source, run, commit],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    // Every second one dies while it makes the copy, the others between or in the middle of their writes.
    const lines = killAt % 2 === 0 ? 1 : 2 + killAt;
    let seen = 0;
    for await (const chunk of child.stdout) {
      seen += String(chunk).split("\n").length - 1;
      if (seen >= lines) break;
    }
    if (killAt % 2 === 0) await until(() => made(folder).some(isOfRun));
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    leftovers += made(folder).filter((name) => name.startsWith(".making-")).length;
    // Also with nothing kept of those before, so that some die while they ask the source.
    if (killAt % 4 === 3) rmSync(join(folder, ".histories"), { recursive: true, force: true });

    const workspaces = openWorkspaces({ folder, sources: { source }, random });
    const opened = await workspaces.open(run, { name: "source", commit }, signal);
    if (!opened.ok) throw new Error(opened.error.detail);
    expect(readdirSync(folder).filter(isOfRun)).toEqual([run]);
    expect(made(join(folder, ".histories")).filter((name) => name.startsWith("."))).toEqual([]);
    const read = await opened.value.workspace.read("README.md");
    const text = Buffer.from(read.ok ? read.value : []).toString();
    expect(text === REPOSITORY["README.md"] || /^(?<line>\d+\n)\k<line>{9999}$/u.test(text)).toBe(true);
    const listed = await opened.value.workspace.list("");
    expect(listed.ok ? listed.value.length : 0).toBe(Object.keys(REPOSITORY).length);
    if (killAt % 2 === 1) await workspaces.remove(run);
  }
  expect(leftovers).toBeGreaterThan(0);
});
