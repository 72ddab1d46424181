// Spec security 6, row paths: no payload touches a canary outside the workspace by any tool, and all legal names work.

import { createServer } from "node:net";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { confine } from "../../../packages/harness/src/adapters/files/confined.ts";
import type { Tool, ToolContext, Workspace } from "../../../packages/harness/src/ports.ts";
import {
  copyOf,
  newRepository,
  random,
  sha256,
  system,
  temporaryFolder,
  tool,
} from "../../integration/files/repository.ts";

const CANARY = "canary-5f1c: must never be read or changed";
const WRITTEN = "written by a tool";

type Trap = { readonly context: ToolContext; readonly outside: string; readonly tree: string };

/** A copy with every kind of way out lying in its tree, and canaries at the end of each. */
async function trap(): Promise<Trap> {
  const { context, tree } = await copyOf(newRepository({ "a.txt": "plain\n", "sub/b.txt": "plain\n" }));
  const outside = join(dirname(dirname(tree)), "outside");
  mkdirSync(outside);
  for (const name of ["canary.txt", "b.txt"]) writeFileSync(join(outside, name), CANARY);
  // Beside the tree, where `..` leads.
  writeFileSync(join(dirname(tree), "canary.txt"), CANARY);
  symlinkSync(join(outside, "canary.txt"), join(tree, "link.txt"));
  symlinkSync("../../outside/canary.txt", join(tree, "relative-link.txt"));
  symlinkSync(outside, join(tree, "link-folder"));
  symlinkSync("..", join(tree, "up"));
  symlinkSync("/", join(tree, "root"));
  symlinkSync("sub", join(tree, "inner-link"));
  symlinkSync("loop", join(tree, "loop"));
  symlinkSync(join(outside, "made-by-write.txt"), join(tree, "dangling"));
  symlinkSync(`/proc/self/fd`, join(tree, "descriptors"));
  linkSync(join(outside, "canary.txt"), join(tree, "hard.txt"));
  system("mkfifo", join(tree, "pipe"));
  return { context, outside, tree };
}

const HOSTILE: readonly string[] = [
  "",
  "/",
  "..",
  "../",
  "./",
  "./a.txt",
  "../canary.txt",
  "../../outside/canary.txt",
  "sub/../../canary.txt",
  "sub/..",
  "sub/./b.txt",
  "a.txt/../../canary.txt",
  "a.txt/",
  "sub//b.txt",
  "//etc/passwd",
  "/etc/passwd",
  "/proc/self/environ",
  "/proc/self/cwd/package.json",
  "/dev/stdin",
  "/dev/zero",
  "~root\\..\\x",
  "..\\canary.txt",
  "sub\\b.txt",
  "C:\\Windows\\win.ini",
  "\\\\server\\share",
  "a.txt\0",
  "a.txt\0.png",
  "../canary.txt\0.md",
  "a\nb",
  "a\rb",
  "a\tb",
  "a\u001b[2Jb",
  "a\u007fb",
  "a\u0085b",
  "a\u2028b",
  "\ud800",
  "a/\udfff",
  "．．",
  "．．/canary.txt",
  "．．／canary.txt",
  "‥/canary.txt",
  "․․/canary.txt",
  ".\u200b./canary.txt",
  ".\u2060./canary.txt",
  "\u200b",
  "sub／..／..",
  "℀",
  "x".repeat(256),
  "é".repeat(128),
  "x/".repeat(40) + "x",
  "x".repeat(100_000),
  `${"d/".repeat(600)}x`,
  ".git",
  ".git/config",
  ".git/hooks/pre-commit",
  ".GIT/config",
  ".Git/HEAD",
  "sub/.git/config",
  ".git\u200c/config",
  ".g\u200dit/config",
  ".git\u00ad",
  "．git/config",
  ".ｇｉｔ/config",
  ".git./config",
  ".git /config",
  ".git::$INDEX_ALLOCATION/config",
  "git~1/config",
  ".gıt/config",
  "link.txt",
  "relative-link.txt",
  "link-folder/canary.txt",
  "link-folder/b.txt",
  "up/canary.txt",
  "up/git/config",
  "up/links.json",
  "root/etc/passwd",
  "inner-link/b.txt",
  "loop",
  "loop/x",
  "dangling",
  "descriptors/0",
  "hard.txt",
  "pipe",
  "pipe/x",
  "socket",
  "a.txt/x",
];

/** Names that editors, agents and git execute: legal to read, refused to every write. */
const EXECUTED: readonly string[] = [
  ".vscode/tasks.json",
  ".VSCODE/settings.json",
  "sub/.vscode/settings.json",
  ".cursor/mcp.json",
  ".claude/settings.json",
  ".husky/pre-commit",
  ".githooks/post-checkout",
  ".gitmodules",
  ".gitattributes",
  ".GitAttributes",
  ".npmrc",
  ".envrc",
  ".mcp.json",
  ".idea/workspace.xml",
  ".devcontainer/devcontainer.json",
  ".vscode\u200d/tasks.json",
  "．ｖscode/tasks.json",
];

const LEGAL: readonly string[] = [
  "%2e%2e/canary.txt",
  "..%2fcanary.txt",
  "%00",
  "...",
  "..a/b..",
  ".hidden/.x",
  "-rf",
  "--help",
  ":(top)x",
  "*?[x]",
  "$HOME/`id`;&|",
  "a b/ c .txt",
  "~/x",
  "c:x",
  "CON",
  "Ünïcode/日本語.md",
  "n\u0303/ñ",
  "👩‍👩‍👧.txt",
  "x".repeat(255),
  "d/".repeat(31) + "x",
  ".github/workflows/ci.yml",
  "node_modules/x/index.js",
  "con\u202etxt",
  "'\"",
];

let traps: Trap;
beforeAll(async () => {
  traps = await trap();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(traps.tree, "socket"), resolve));
  // Where we may make one: a device that would never end. Elsewhere the socket and the FIFO stand for it.
  if (process.getuid?.() === 0) system("mknod", join(traps.tree, "device"), "c", "1", "5");
  return () => {
    server.close();
  };
});

function expectCanariesUntouched(): void {
  const { outside, tree } = traps;
  expect(readdirSync(outside).toSorted()).toEqual(["b.txt", "canary.txt"]);
  for (const path of [join(outside, "canary.txt"), join(outside, "b.txt"), join(tree, "..", "canary.txt")])
    expect(readFileSync(path, "utf8")).toBe(CANARY);
  expect(statSync(join(outside, "canary.txt")).mode & 0o777).toBe(0o644);
}

const argumentsFor = (name: string, path: string): Readonly<Record<string, string>> => {
  switch (name) {
    case "write_file":
      return { path, content: WRITTEN };
    case "edit_file":
      return { path, old_text: "canary-5f1c", new_text: WRITTEN };
    case "search_files":
      return { path, query: "canary-5f1c" };
    default:
      return { path };
  }
};

// What a hijacked caller would give for a precondition: one that holds if the path led to the canary, or nowhere.
const FORGED = [`absent->${sha256(WRITTEN)}`, `${sha256(CANARY)}->${sha256(WRITTEN)}`, sha256(CANARY), null];

async function everyAnswer(of: Tool, path: string): Promise<readonly string[]> {
  const args = argumentsFor(of.manifest.name, path);
  const plan = await of.plan(args, traps.context);
  const answers = [plan.ok ? "planned" : plan.error.code];
  for (const precondition of FORGED) {
    const done = await of.execute(args, precondition, traps.context);
    answers.push(done.ok ? "done" : done.error.code);
    const shown = JSON.stringify(done);
    expect(shown).not.toContain("canary-5f1c:");
    expect(shown).not.toContain(dirname(traps.tree));
  }
  return answers;
}

const MUST_REFUSE = ["read_file", "write_file", "edit_file", "delete_file", "list_files", "search_files"];

test.each(HOSTILE.map((path) => [path.length > 60 ? `${path.slice(0, 60)}… (${path.length})` : path, path]))(
  "%j leads nowhere by any tool",
  async (_, path) => {
    for (const name of MUST_REFUSE) {
      const answers = await everyAnswer(tool(name), path);
      expect([name, ...answers.slice(1)]).not.toContain("done");
      if (["write_file", "edit_file", "delete_file"].includes(name))
        expect([name, answers[0]]).not.toContain("planned");
    }
    expectCanariesUntouched();
  },
);

test.each(EXECUTED)("%j is never written, and nobody is asked to agree to it", async (path) => {
  for (const name of ["write_file", "edit_file", "delete_file"])
    for (const answer of await everyAnswer(tool(name), path))
      expect(["path_protected", "not_found", "file_changed", "precondition_invalid"]).toContain(answer);
  const plan = await tool("write_file").plan({ path, content: WRITTEN }, traps.context);
  expect(plan).toMatchObject({ ok: false, error: { code: "path_protected" } });
  const workspace = traps.context.workspace;
  expect(await workspace?.write(path, Buffer.from(WRITTEN))).toMatchObject({
    error: { code: "path_protected" },
  });
  expect(await workspace?.remove(path)).toMatchObject({ error: { code: "path_protected" } });
});

test("a search and a walk of everything follow no link and wait for no pipe", async () => {
  const done = await tool("search_files").execute({ query: "canary-5f1c" }, null, traps.context);
  expect(done.ok ? done.value.output : "").toMatch(/^\[0 matching lines; \d+ files searched/u);
  const walked: string[] = [];
  for await (const { path } of traps.context.workspace?.walk("", traps.context.signal) ?? [])
    walked.push(path);
  expect(walked).toEqual(["a.txt", "hard.txt", "sub/b.txt"]);
  const listed = await tool("list_files").execute({}, null, traps.context);
  const output = listed.ok ? listed.value.output : "";
  for (const line of ["link.txt@", "link-folder@", "root@", "sub/", "pipe (neither file nor folder)"])
    expect(output.split("\n")).toContain(line);
});

const openDescriptors = (): number => readdirSync("/dev/fd").length;

test("no descriptor stays open, whatever was refused and wherever a walk was left", async () => {
  const before = openDescriptors();
  for (const path of HOSTILE) for (const name of MUST_REFUSE) await everyAnswer(tool(name), path);
  for (let at = 0; at < 50; at += 1)
    for await (const _ of traps.context.workspace?.walk("", traps.context.signal) ?? []) break;
  // Hundreds of calls: a leak in any of them is far more than what the test runner itself opens meanwhile.
  expect(openDescriptors()).toBeLessThan(before + 20);
});

test("a device is no file", async () => {
  const present = readdirSync(traps.tree).includes("device");
  const done = await tool("read_file").execute({ path: present ? "device" : "socket" }, null, traps.context);
  expect(done).toMatchObject({ ok: false, error: { code: "not_a_file" } });
});

/** Each works on a copy of its own; of one source, since what is copied is the same. */
let source = "";
beforeAll(() => {
  source = newRepository({ "a.txt": "1" });
});

test.each(LEGAL.map((path) => [path.length > 60 ? `${path.slice(0, 60)}… (${path.length})` : path, path]))(
  "%j is a legal name: written, read, listed, searched, in the patch",
  async (_, path) => {
    const { context, workspace, tree } = await copyOf(source);
    const planned = await tool("write_file").plan({ path, content: WRITTEN }, context);
    const precondition = planned.ok ? planned.value.precondition : planned.error.code;
    const done = await tool("write_file").execute({ path, content: WRITTEN }, precondition, context);
    expect(done).toMatchObject({ ok: true });
    expect(readFileSync(join(tree, path), "utf8")).toBe(WRITTEN);
    expect(await tool("read_file").execute({ path }, null, context)).toMatchObject({
      value: { output: WRITTEN },
    });
    const found = await tool("search_files").execute({ query: WRITTEN }, null, context);
    expect(found.ok ? found.value.output : "").toContain(`:1: ${WRITTEN}`);
    expect(Buffer.from(await workspace.patch()).toString()).toContain(`+${WRITTEN}`);
  },
);

test("without descriptors to hold, as on other systems, the same traps hold", async () => {
  const staging = temporaryFolder();
  const files: Pick<Workspace, "read" | "write" | "list" | "remove"> = confine({
    root: traps.tree,
    staging,
    random,
    holding: "path",
  });
  for (const path of HOSTILE) {
    for (const done of [
      await files.read(path),
      await files.write(path, Buffer.from(WRITTEN)),
      await files.remove(path),
    ])
      expect([path, done.ok]).toEqual([path, false]);
  }
  expect((await files.list("link-folder")).ok).toBe(false);
  expect(await files.read("sub/b.txt")).toMatchObject({ ok: true });
  expect(await files.write("made/new.txt", Buffer.from("x"))).toEqual({ ok: true, value: null });
  expect(readFileSync(join(traps.tree, "made", "new.txt"), "utf8")).toBe("x");
  // The others count what is there.
  rmSync(join(traps.tree, "made"), { recursive: true });
  expect(readdirSync(staging)).toEqual([]);
  expectCanariesUntouched();
});
