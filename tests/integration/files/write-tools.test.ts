// The writing tools on a real copy: what an approver sees, and that a write happens once.

import { chmodSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { PREVIEW_CHARS_MAX, TOOL_FILE_BYTES_MAX } from "../../../packages/harness/src/base/limits.ts";
import type { Plan, ToolContext, Workspace } from "../../../packages/harness/src/ports.ts";
import { type Copy, copyOf, newRepository, put, sha256, tool, use } from "./repository.ts";

const CHANGELOG = "# Changes\n\n## 1.0\n\n- First.\n- Second.\n";

let copy: Copy;
beforeAll(async () => {
  copy = await copyOf(
    newRepository({
      "CHANGELOG.md": CHANGELOG,
      "src/a.ts": "const a = 1;\n",
      "image.png": new Uint8Array([137, 80, 0]),
    }),
  );
});

async function planOf(
  name: string,
  args: Readonly<Record<string, unknown>>,
  context = copy.context,
): Promise<Plan> {
  const plan = await tool(name).plan(args, context);
  if (!plan.ok) throw new Error(`${plan.error.code}: ${plan.error.detail}`);
  return plan.value;
}
const errorOf = async (name: string, args: Readonly<Record<string, unknown>>): Promise<string> => {
  const plan = await tool(name).plan(args, copy.context);
  return plan.ok ? "planned" : `${plan.error.code}: ${plan.error.detail}`;
};
const place = (path: string): string => join(copy.tree, path);

// --- what an approver sees -------------------------------------------------------------------------------------

test("the plan of an edit: one sentence, a unified diff, both digests; nothing is changed", async () => {
  const args = { path: "CHANGELOG.md", old_text: "- First.\n", new_text: "- First, better.\n- New.\n" };
  expect(await planOf("edit_file", args)).toEqual({
    summary: "Edit CHANGELOG.md (+2 −1 lines)",
    preview: [
      "--- a/CHANGELOG.md",
      "+++ b/CHANGELOG.md",
      "@@ -2,5 +2,6 @@",
      " ",
      " ## 1.0",
      " ",
      "-- First.",
      "+- First, better.",
      "+- New.",
      " - Second.",
      "",
    ].join("\n"),
    precondition: `${sha256(CHANGELOG)}->${sha256(CHANGELOG.replace(args.old_text, args.new_text))}`,
  });
  expect(readFileSync(place("CHANGELOG.md"), "utf8")).toBe(CHANGELOG);
});

test("the plan of a new file, and of one that is replaced", async () => {
  expect(await planOf("write_file", { path: "new/x.md", content: "a\nb" })).toEqual({
    summary: "Create new/x.md (+2 lines)",
    preview: "--- /dev/null\n+++ b/new/x.md\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n",
    precondition: `absent->${sha256("a\nb")}`,
  });
  expect(await planOf("write_file", { path: "src/a.ts", content: "" })).toMatchObject({
    summary: "Replace src/a.ts (−1 lines)",
  });
  expect(await planOf("write_file", { path: "empty", content: "" })).toMatchObject({
    summary: "Create empty (+0 lines)",
    preview: "--- /dev/null\n+++ b/empty\n",
  });
});

test("what hides or reorders is written out, in name and content; so are changed line ends", async () => {
  const { preview } = await planOf("write_file", {
    path: "x\u202etxt.md",
    content: "if (admin\u202e) {\r\n\u200b\u{e0041}\u001b[2K\ufeff\tü\n",
  });
  expect(preview?.split("\n").slice(1)).toEqual([
    "+++ b/x\\u202etxt.md",
    "@@ -0,0 +1,2 @@",
    "+if (admin\\u202e) {\\r",
    "+\\u200b\\u{e0041}\\u001b[2K\\ufeff\tü",
    "",
  ]);
});

test("a path cannot pose as the rest of the sentence", async () => {
  const { summary } = await planOf("write_file", { path: 'README.md (+0 lines) "', content: "x" });
  expect(summary).toBe('Create "README.md (+0 lines) \\"" (+1 lines)');
});

const everySecond = (from: number): string =>
  Array.from({ length: 2_500 }, (_, at) => `${from + at * 2}\n`).join("");

test("every line of the difference is in the preview, also where the shortest one takes too long to find", async () => {
  put(copy.tree, { "numbers.txt": everySecond(0) });
  const plan = await planOf("write_file", { path: "numbers.txt", content: everySecond(1) });
  expect(plan.summary).toBe("Replace numbers.txt (+2500 −2500 lines)");
  expect(
    plan.preview?.startsWith("--- a/numbers.txt\n+++ b/numbers.txt\n@@ -1,2500 +1,2500 @@\n-0\n-2\n"),
  ).toBe(true);
  expect(plan.preview?.endsWith("+4997\n+4999\n")).toBe(true);
});

test.each([
  [
    "a preview nobody could read",
    "write_file",
    { path: "big", content: "x\n".repeat(PREVIEW_CHARS_MAX / 2) },
    "preview_too_large",
  ],
  [
    "a file that is too large",
    "write_file",
    { path: "big", content: "é".repeat(TOOL_FILE_BYTES_MAX / 2 + 1) },
    "file_too_large",
  ],
  [
    "more characters than any file may have",
    "write_file",
    { path: "big", content: "x".repeat(TOOL_FILE_BYTES_MAX + 1) },
    "arguments_invalid",
  ],
  ["a binary file to replace", "write_file", { path: "image.png", content: "x" }, "binary_file"],
  ["a binary file to edit", "edit_file", { path: "image.png", old_text: "P", new_text: "x" }, "binary_file"],
  ["text with NUL", "write_file", { path: "x", content: "a\0b" }, "arguments_invalid"],
  ["text with half a character", "write_file", { path: "x", content: "a\ud800" }, "arguments_invalid"],
  ["the same content again", "write_file", { path: "src/a.ts", content: "const a = 1;\n" }, "no_change"],
  ["an edit of nothing", "edit_file", { path: "src/a.ts", old_text: "", new_text: "x" }, "arguments_invalid"],
  [
    "an edit that changes nothing",
    "edit_file",
    { path: "src/a.ts", old_text: "a", new_text: "a" },
    "no_change",
  ],
  ["an edit of a missing file", "edit_file", { path: "no", old_text: "a", new_text: "b" }, "not_found"],
  ["a folder", "write_file", { path: "src", content: "x" }, "not_a_file"],
  ["a file below a file", "write_file", { path: "src/a.ts/b", content: "x" }, "not_a_folder"],
])("nobody is asked about %s", async (_, name, args, code) => {
  expect(await errorOf(name, args)).toMatch(new RegExp(`^${code}: `, "u"));
});

test.each([
  ["gone", "text_not_found", "occurs 0 times"],
  ["aa", "text_not_unique", "occurs 2 times"],
  ["b", "text_not_unique", "occurs at least 100 times"],
])("old_text %j must occur exactly once, overlaps counted", async (old_text, code, words) => {
  put(copy.tree, { "times.txt": `aaa\r\n${"b\r\n".repeat(120)}` });
  const error = await errorOf("edit_file", { path: "times.txt", old_text, new_text: "x" });
  expect(error).toContain(`${code}: `);
  expect(error).toContain(words);
});

test("an edit that misses because of line ends says so", async () => {
  put(copy.tree, { "crlf.txt": "one\r\ntwo\r\n" });
  const args = { path: "crlf.txt", old_text: "one\ntwo", new_text: "x" };
  expect(await errorOf("edit_file", args)).toContain("Its lines end in CRLF");
});

// --- once and no more ------------------------------------------------------------------------------------------

/** Counts what reaches the workspace. */
function counted(context: ToolContext): { context: ToolContext; writes: () => number } {
  let writes = 0;
  const inner = context.workspace;
  if (inner === null) throw new Error("the copy has a workspace");
  const workspace: Workspace = {
    ...inner,
    write: async (path, content) => {
      writes += 1;
      return await inner.write(path, content);
    },
  };
  return { context: { ...context, workspace }, writes: () => writes };
}

const CHANGES = [
  ["write_file", "w.txt", { path: "w.txt", content: "new\n" }, "old\n", "new\n"],
  ["write_file", "created/w.txt", { path: "created/w.txt", content: "new" }, null, "new"],
  // The new text holds the old one: applied to its own result it would apply again.
  ["edit_file", "e.txt", { path: "e.txt", old_text: "x", new_text: "axa" }, "<x>", "<axa>"],
  [
    "edit_file",
    "bom.txt",
    { path: "bom.txt", old_text: "one", new_text: "1" },
    "\ufeffone\r\n",
    "\ufeff1\r\n",
  ],
] as const;

/** The copy is that of all tests: what another left of the file is gone. */
function begin(path: string, before: string | null): void {
  if (before === null) rmSync(place(path), { force: true });
  else put(copy.tree, { [path]: before });
}

test.each(CHANGES)(
  "%s of %s: repeated after it was done, it writes no more",
  async (name, path, args, before, after) => {
    const { context, writes } = counted(copy.context);
    begin(path, before);
    const { precondition } = await planOf(name, args, context);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect(await tool(name).execute(args, precondition, context)).toMatchObject({
        ok: true,
        value: { label: "trusted" },
      });
      expect(readFileSync(place(path), "utf8")).toBe(after);
    }
    expect(writes()).toBe(1);
  },
);

test.each(CHANGES)(
  "%s of %s: a file that became something else is not touched",
  async (name, path, args, before) => {
    const { context, writes } = counted(copy.context);
    begin(path, before);
    const { precondition } = await planOf(name, args, context);
    put(copy.tree, { [path]: "someone else's x one" });
    expect(await tool(name).execute(args, precondition, context)).toMatchObject({
      error: { code: "file_changed" },
    });
    expect(readFileSync(place(path), "utf8")).toBe("someone else's x one");
    expect(writes()).toBe(0);
  },
);

test("arguments that were never planned, and forged preconditions, write nothing", async () => {
  const { context, writes } = counted(copy.context);
  put(copy.tree, { "p.txt": "a" });
  const planned = await planOf("write_file", { path: "p.txt", content: "b" });
  const other = { path: "p.txt", content: "c" };
  expect(await tool("write_file").execute(other, planned.precondition, context)).toMatchObject({
    error: { code: "file_changed" },
  });
  for (const forged of [
    null,
    "",
    "absent",
    sha256("a"),
    `${sha256("a")}->`,
    `${planned.precondition}\n`,
    ` ${planned.precondition}`,
  ])
    expect(await tool("write_file").execute(other, forged, context)).toMatchObject({
      error: { code: "precondition_invalid" },
    });
  expect([writes(), readFileSync(place("p.txt"), "utf8")]).toEqual([0, "a"]);
});

test("any edit, carried out one to three times, gives what was planned, once", async () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "\n", "\r\n", "é", "👍", "$&", "\\"),
    maxLength: 12,
  });
  let done = 0;
  await fc.assert(
    fc.asyncProperty(
      text,
      text,
      text,
      text,
      fc.integer({ min: 1, max: 3 }),
      async (head, old_text, tail, new_text, times) => {
        put(copy.tree, { "any.txt": head + old_text + tail });
        const args = { path: "any.txt", old_text, new_text };
        const plan = await tool("edit_file").plan(args, copy.context);
        if (!plan.ok) return;
        const { context, writes } = counted(copy.context);
        for (let at = 0; at < times; at += 1)
          expect(await tool("edit_file").execute(args, plan.value.precondition, context)).toMatchObject({
            ok: true,
          });
        expect(readFileSync(place("any.txt"), "utf8")).toBe(head + new_text + tail);
        expect(writes()).toBe(1);
        done += 1;
      },
    ),
    { seed: 42, numRuns: 150 },
  );
  expect(done).toBeGreaterThan(40);
});

test("a write keeps the mode of the file and gives a new one none to execute", async () => {
  put(copy.tree, { "tool.sh": "echo 1\n" });
  chmodSync(place("tool.sh"), 0o755);
  expect(await use("write_file", { path: "tool.sh", content: "echo 2\n" }, copy.context)).toMatch(/^Done/u);
  expect(await use("write_file", { path: "fresh.sh", content: "echo 2\n" }, copy.context)).toMatch(/^Done/u);
  expect([statSync(place("tool.sh")).mode & 0o777, statSync(place("fresh.sh")).mode & 0o777]).toEqual([
    0o755, 0o644,
  ]);
});

// --- deleting --------------------------------------------------------------------------------------------------

test("deleting shows what would be lost, happens once, and takes the empty folders along", async () => {
  const own = await copyOf(
    newRepository({ "a/b/one.txt": "1\n2\n", "a/two.txt": "x", "image.png": new Uint8Array([0, 1]) }),
  );
  const args = { path: "a/b/one.txt" };
  const plan = await planOf("delete_file", args, own.context);
  expect(plan).toEqual({
    summary: 'Delete "a/b/one.txt" (4 bytes)',
    preview: "--- a/a/b/one.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-1\n-2\n",
    precondition: sha256("1\n2\n"),
  });
  const del = async (precondition: string | null): Promise<unknown> =>
    await tool("delete_file").execute(args, precondition, own.context);
  expect(await del(sha256("other"))).toMatchObject({ error: { code: "file_changed" } });
  expect(await del(null)).toMatchObject({ error: { code: "precondition_invalid" } });
  expect(await del(plan.precondition)).toMatchObject({ value: { label: "trusted" } });
  // Again, as after a crash.
  expect(await del(plan.precondition)).toMatchObject({ ok: true });
  expect(await own.workspace.list("a")).toEqual({
    ok: true,
    value: [{ name: "two.txt", kind: "file", sizeBytes: 1 }],
  });
  expect(Buffer.from(await own.workspace.patch()).toString()).toContain("deleted file mode 100644");
  const binary = await planOf("delete_file", { path: "image.png" }, own.context);
  expect(binary.preview).toContain("Not text: 2 bytes, sha256:");
});

test("what is not there, a folder, and what may not be written are not deleted", async () => {
  expect(await errorOf("delete_file", { path: "none.txt" })).toMatch(/^not_found/u);
  expect(await errorOf("delete_file", { path: "src" })).toMatch(/^not_a_file/u);
  expect(await errorOf("delete_file", { path: ".npmrc" })).toMatch(/^path_protected/u);
  expect(await copy.workspace.remove("src")).toMatchObject({ ok: false, error: { code: "not_a_file" } });
});
