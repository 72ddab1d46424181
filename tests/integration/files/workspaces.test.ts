// A run works on a private copy, made by the real git from real repositories.

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, inject, test } from "vitest";
import {
  copyOf,
  git,
  gitWith,
  newRepository,
  put,
  REPOSITORY,
  temporaryFolder,
  use,
  system,
} from "./repository.ts";

function treeOf(folder: string, at = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, at), { withFileTypes: true })) {
    const path = join(at, entry.name);
    if (entry.name === ".git") continue;
    if (entry.isDirectory()) Object.assign(found, treeOf(folder, path));
    else {
      const executable = (lstatSync(join(folder, path)).mode & 0o111) === 0 ? "" : "x";
      found[path] = `${executable}:${readFileSync(join(folder, path)).toString("hex")}`;
    }
  }
  return found;
}

// The original at the copied commit, with attributes and links as plain as in the copy, so that bytes compare.
function plainCheckout(source: string): string {
  const folder = join(temporaryFolder(), "plain");
  git(source, "clone", "--quiet", "-c", "core.symlinks=false", "--no-checkout", source, folder);
  writeFileSync(join(folder, ".git", "info", "attributes"), "* -text -ident\n");
  git(folder, "checkout", "--quiet");
  return folder;
}

async function expectPatchApplies(source: string, patch: Uint8Array, tree: string): Promise<void> {
  const plain = plainCheckout(source);
  const file = join(temporaryFolder(), "changes.patch");
  writeFileSync(file, patch);
  git(source, "apply", "--check", file);
  git(plain, "apply", "--whitespace=nowarn", file);
  expect(treeOf(plain)).toEqual(treeOf(tree));
}

test("the copy holds exactly the bytes of the commit, links as plain files, and nothing of git", async () => {
  const source = newRepository(REPOSITORY);
  put(source, { "README.md": "not committed", "untracked.txt": "x" });
  const { tree, workspace } = await copyOf(source);
  const found = treeOf(tree);
  for (const [path, content] of Object.entries(REPOSITORY)) {
    const expected =
      typeof content === "string" || content instanceof Uint8Array
        ? `:${Buffer.from(content).toString("hex")}`
        : "link" in content
          ? `:${Buffer.from(content.link).toString("hex")}`
          : `x:${Buffer.from(content.script).toString("hex")}`;
    expect([path, found[path]]).toEqual([path, expected]);
  }
  expect(Object.keys(found)).toHaveLength(Object.keys(REPOSITORY).length);
  expect(readdirSync(tree)).not.toContain(".git");
  expect(Buffer.from(await workspace.patch()).toString()).toBe("");
});

test("links of the commit are listed as links, and neither read nor written", async () => {
  const { workspace, context } = await copyOf(newRepository(REPOSITORY));
  const listed = await workspace.list("");
  const kinds = Object.fromEntries(listed.ok ? listed.value.map(({ name, kind }) => [name, kind]) : []);
  expect([kinds["link-out"], kinds["link-in"], kinds["README.md"], kinds["Ünïcode"]]).toEqual([
    "link",
    "link",
    "file",
    "folder",
  ]);
  expect(await use("read_file", { path: "link-in" }, context)).toBe("is_link");
  expect(await use("write_file", { path: "link-out", content: "/etc/shadow" }, context)).toBe("is_link");
  expect(await use("edit_file", { path: "link-out", old_text: "passwd", new_text: "shadow" }, context)).toBe(
    "is_link",
  );
  expect(await workspace.write("link-out", Buffer.from("x"))).toMatchObject({ error: { code: "is_link" } });
});

test("a patch of every kind of change applies to the original and gives the same tree", async () => {
  const source = newRepository(REPOSITORY);
  const { tree, workspace, context } = await copyOf(source);
  const edit = async (path: string, old_text: string, new_text: string): Promise<void> =>
    expect(await use("edit_file", { path, old_text, new_text }, context)).toMatch(/^Done/u);
  await edit("README.md", "Text.", "Other text.");
  await edit("crlf.dat", "two\r\n", "2\r\nand a half\n");
  await edit("no-end.txt", "at the end", "at the end, still");
  await edit("Ünïcode/日本語 name.md", "héllo", "grüße 👍");
  await edit("run.sh", "hi", "ho");
  await edit("build.bat", "echo 2\n", "echo 3\r\n");
  await edit("hidden.md", "$Id$ hidden", "$Id: forged $ seen");
  for (const [path, content] of [
    ["new/folder/file.txt", "new\n"],
    ["new/empty.txt", ""],
    ["ignored.txt", "ignored by .gitignore, but the run made it\n"],
    ["empty.txt", "no longer\r\nempty"],
    ["Ünïcode/ñ\u0301 .md", "combining\n"],
  ])
    expect(await use("write_file", { path, content }, context)).toMatch(/^Done/u);
  writeFileSync(join(tree, "logo.bin"), new Uint8Array([0, 9, 8, 7, 255]));
  writeFileSync(join(tree, "new.bin"), new Uint8Array([0, 0, 0]));
  unlinkSync(join(tree, 'odd "name"\twith tab.txt'));
  chmodSync(join(tree, "README.md"), 0o755);

  const patch = await workspace.patch();
  expect(Buffer.from(patch).toString()).toContain("+$Id: forged $ seen");
  await expectPatchApplies(source, patch, tree);
  expect(await workspace.patch()).toEqual(patch);
});

test("random changes: the patch always applies and gives the same tree", async () => {
  const source = newRepository(REPOSITORY);
  const content = fc.oneof(
    fc.string({
      unit: fc.constantFrom("a", "b", "\n", "\r\n", "é", " ", "\t", "-", "+", "@@"),
      maxLength: 40,
    }),
    fc.constantFrom("", "\n", "\r", "--- a/x\n+++ b/x\n", "diff --git a/x b/x\n"),
  );
  const path = fc.constantFrom(
    "README.md",
    "crlf.dat",
    "empty.txt",
    "new/a b.txt",
    "x/y/ü",
    "run.sh",
    "-n",
    ":(top)x",
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(path, content, { minKeys: 1 }), async (changes) => {
      const { tree, workspace } = await copyOf(source);
      for (const [name, text] of Object.entries(changes))
        expect(await workspace.write(name, Buffer.from(text))).toEqual({ ok: true, value: null });
      const patch = await workspace.patch();
      if (patch.byteLength > 0) await expectPatchApplies(source, patch, tree);
      else expect(treeOf(tree)).toEqual(treeOf(plainCheckout(source)));
    }),
    { seed: 42, numRuns: inject("everyBreak") ? 15 : 6 },
  );
});

test("a change that keeps size and time is in the patch all the same", async () => {
  const { tree, workspace } = await copyOf(newRepository(REPOSITORY));
  const file = join(tree, "README.md");
  const { atime, mtime } = lstatSync(file);
  writeFileSync(file, "# Titlf\n\nText.\n");
  utimesSync(file, atime, mtime);
  expect(Buffer.from(await workspace.patch()).toString()).toContain("+# Titlf");
});

test("what is no file does not stop the patch", async () => {
  const { tree, workspace } = await copyOf(newRepository(REPOSITORY));
  system("mkfifo", join(tree, "pipe"));
  mkdirSync(join(tree, "empty-folder"));
  expect(Buffer.from(await workspace.patch()).toString()).toBe("");
});

test("history: newest first, no text of a commit forges a field", async () => {
  const source = newRepository({ a: "1" });
  git(source, "commit", "--quiet", "--allow-empty", "-m", "Subject\u001b[2J\n\nBody line\nBody 2\n");
  gitWith(
    source,
    { GIT_AUTHOR_NAME: "Ünï %H" },
    "commit",
    "--quiet",
    "--allow-empty",
    "-m",
    "Third %x00 | x",
  );
  const { workspace, context, commit } = await copyOf(source);
  const history = await workspace.history(10);
  expect(
    history.ok ? history.value.map(({ author, subject, body, at }) => ({ author, subject, body, at })) : [],
  ).toEqual([
    { author: "Ünï %H", subject: "Third %x00 | x", body: "", at: "2026-11-01T12:00:00+02:00" },
    {
      author: "A. Tester",
      subject: "Subject\u001b[2J",
      body: "Body line\nBody 2",
      at: "2026-11-01T12:00:00+02:00",
    },
    { author: "A. Tester", subject: "First commit", body: "", at: "2026-11-01T12:00:00+02:00" },
  ]);
  const output = await use("read_history", { limit: 2 }, context);
  expect(output.split("\n")).toEqual([
    `${commit.slice(0, 12)} 2026-11-01 Third %x00 | x`,
    expect.stringMatching(/^[0-9a-f]{12} 2026-11-01 Subject\\u001b\[2J$/u),
  ]);
});

test("only what the commit can reach is copied: no other branch, no shared object file", async () => {
  const base = newRepository({ a: "1" });
  git(base, "checkout", "--quiet", "-b", "secret");
  put(base, { b: "secret" });
  git(base, "add", "b");
  git(base, "commit", "--quiet", "-m", "Secret");
  const secret = git(base, "rev-parse", "HEAD").trim();
  git(base, "checkout", "--quiet", "main");
  // A clone that borrows its objects: the copy must not borrow in turn.
  const source = join(temporaryFolder(), "borrowing");
  git(base, "clone", "--quiet", "--shared", base, source);
  const { folder, run } = await copyOf(source);
  const bare = join(folder, run, "git");
  expect(() => git(bare, "cat-file", "-e", secret)).toThrow(/Command failed/u);
  expect(existsSync(join(bare, "objects", "info", "alternates"))).toBe(false);
  const objects = readdirSync(join(bare, "objects"), { recursive: true, withFileTypes: true });
  const links = objects
    .filter((entry) => entry.isFile())
    .map((entry) => lstatSync(join(entry.parentPath, entry.name)).nlink);
  expect(new Set(links)).toEqual(new Set([1]));
});

test("shallow clones, bare repositories and linked work trees can be sources", async () => {
  const base = newRepository(REPOSITORY);
  git(base, "commit", "--quiet", "--allow-empty", "-m", "Second");
  const folder = temporaryFolder();
  git(base, "clone", "--quiet", "--depth=1", `file://${base}`, join(folder, "shallow"));
  git(base, "clone", "--quiet", "--bare", base, join(folder, "bare.git"));
  git(base, "worktree", "add", "--quiet", "--detach", join(folder, "linked"));
  for (const name of ["shallow", "bare.git", "linked"]) {
    const { workspace } = await copyOf(join(folder, name));
    const history = await workspace.history(10);
    expect(history.ok && history.value.length).toBe(name === "shallow" ? 1 : 2);
    expect(await workspace.read("README.md")).toMatchObject({ ok: true });
  }
});

test("submodules are not fetched and do not disturb the patch", async () => {
  const inner = newRepository({ a: "1" });
  const source = newRepository({ b: "2" });
  git(source, "submodule", "--quiet", "add", inner, "sub");
  git(source, "commit", "--quiet", "-m", "Add a submodule");
  const { tree, workspace, context } = await copyOf(source);
  expect(existsSync(join(tree, "sub", "a"))).toBe(false);
  expect(Buffer.from(await workspace.patch()).toString()).toBe("");
  expect(await use("write_file", { path: "b", content: "3" }, context)).toMatch(/^Done/u);
  expect(Buffer.from(await workspace.patch()).toString()).not.toContain("Subproject");
});

test("nothing that the source or the environment configures is run", async () => {
  const marker = join(temporaryFolder(), "ran");
  const evil = join(temporaryFolder(), "evil");
  writeFileSync(evil, `#!/bin/sh\necho "$0 $*" >> ${marker}\ncat\n`);
  chmodSync(evil, 0o755);
  const source = newRepository({ "a.txt": "1", ".gitattributes": "* filter=evil diff=evil\n" });
  for (const [name, value] of [
    ["core.fsmonitor", evil],
    ["core.hooksPath", join(evil, "..")],
    ["filter.evil.smudge", evil],
    ["filter.evil.clean", evil],
    ["diff.evil.command", evil],
    ["diff.evil.textconv", evil],
    ["core.pager", evil],
    ["core.sshCommand", evil],
    ["uploadpack.packObjectsHook", evil],
    ["log.showSignature", "true"],
    ["gpg.program", evil],
  ] as const)
    git(source, "config", name, value);
  for (const hook of ["post-checkout", "pre-commit", "reference-transaction", "post-index-change"]) {
    put(source, { [`.git/hooks/${hook}`]: { script: readFileSync(evil, "utf8") } });
  }
  const before = { ...process.env };
  Object.assign(process.env, {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "core.fsmonitor",
    GIT_CONFIG_VALUE_0: evil,
    GIT_EXTERNAL_DIFF: evil,
    GIT_DIR: "/nonexistent",
    GIT_INDEX_FILE: "/nonexistent",
    GIT_PAGER: evil,
  });
  try {
    const { workspace, context } = await copyOf(source);
    expect(await use("write_file", { path: "a.txt", content: "2" }, context)).toMatch(/^Done/u);
    expect(Buffer.from(await workspace.patch()).toString()).toContain("+2");
    expect(await workspace.history(5)).toMatchObject({ ok: true });
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  }
  expect(existsSync(marker)).toBe(false);
});

test("a link that appeared in the tree is not followed by the patch", async () => {
  const { tree, workspace } = await copyOf(newRepository(REPOSITORY));
  const outside = join(temporaryFolder(), "canary");
  writeFileSync(outside, "canary content");
  symlinkSync(outside, join(tree, "sneaky"));
  expect(Buffer.from(await workspace.patch()).toString()).not.toContain("canary content");
});
