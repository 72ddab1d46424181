// The workspace tools on a real copy: what a model gets, what an approver sees, and that a write happens once.

import { chmodSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import {
  PREVIEW_CHARS_MAX,
  TOOL_FILE_BYTES_MAX,
  TOOL_OUTPUT_CHARS_MAX,
} from "../../../packages/harness/src/base/limits.ts";
import type { Plan, ToolContext, Workspace } from "../../../packages/harness/src/ports.ts";
import { type Copy, copyOf, git, newRepository, put, sha256, tool, use } from "./repository.ts";

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

test("every line of the difference is in the preview, also where the shortest one takes too long to find", async () => {
  const lines = (from: number, step: number): string =>
    Array.from({ length: 2_500 }, (_, at) => `${from + at * step}\n`).join("");
  put(copy.tree, { "numbers.txt": lines(0, 2) });
  const plan = await planOf("write_file", { path: "numbers.txt", content: lines(1, 2) });
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

test.each(CHANGES)(
  "%s of %s: repeated after it was done, it writes no more",
  async (name, path, args, before, after) => {
    const { context, writes } = counted(copy.context);
    if (before !== null) put(copy.tree, { [path]: before });
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
    if (before === null) unlinkSync(place(path));
    else put(copy.tree, { [path]: before });
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

// --- what a model gets -----------------------------------------------------------------------------------------

const read = async (args: Readonly<Record<string, unknown>>): Promise<string> =>
  await use("read_file", args, copy.context);

test("a file is read as it is; parts and cuts say where to go on", async () => {
  put(copy.tree, {
    "lines.txt": "one\ntwo\nthree\nfour",
    "none.txt": "",
    "mark.txt": "\ufeffx",
    "crlf2.txt": "a\r\nb\r\n",
  });
  expect(await read({ path: "lines.txt" })).toBe("one\ntwo\nthree\nfour");
  expect(await read({ path: "lines.txt", from_line: 2, lines: 2 })).toBe(
    "two\nthree\n[Lines 2 to 3 of 4. Continue with from_line 4.]",
  );
  expect(await read({ path: "lines.txt", from_line: 4 })).toBe("four\n[Lines 4 to 4 of 4.]");
  expect(await read({ path: "lines.txt", from_line: 5 })).toBe("line_not_found");
  expect(await read({ path: "none.txt" })).toBe("[The file is empty.]");
  expect(await read({ path: "mark.txt" })).toBe("x");
  expect(await read({ path: "crlf2.txt" })).toBe("a\r\nb\r\n[Lines end in CRLF.]");
});

test("a long file is cut at a line, and following the remarks gives all of it", async () => {
  const lines = Array.from({ length: 9_000 }, (_, at) => `line ${at} ${"é".repeat(at % 40)}`);
  put(copy.tree, { "long.txt": `${lines.join("\n")}\n` });
  const collected: string[] = [];
  for (let from: number | null = 1; from !== null;) {
    const output: string = await read({ path: "long.txt", from_line: from });
    expect(output.length).toBeLessThanOrEqual(TOOL_OUTPUT_CHARS_MAX);
    const shown = output.split("\n");
    const remark = shown.pop() ?? "";
    collected.push(...shown);
    from = Number(/from_line (\d+)/u.exec(remark)?.[1] ?? 0) || null;
  }
  expect(collected).toEqual(lines);
});

test("one endless line is cut, never inside a character", async () => {
  put(copy.tree, { "endless.txt": `x${"👍".repeat(100_000)}` });
  const output = await read({ path: "endless.txt" });
  expect([output.length <= TOOL_OUTPUT_CHARS_MAX, output.isWellFormed()]).toEqual([true, true]);
  expect(output).toMatch(/👍\n\[Line 1 of 1 is cut: it has 200001 characters\.\]$/u);
});

test.each([
  ["NUL", Uint8Array.from([97, 0, 98])],
  ["UTF-16", Uint8Array.from([255, 254, 97, 0])],
  ["Latin-1", Uint8Array.from([97, 233, 98])],
  ["overlong UTF-8", Uint8Array.from([192, 175])],
  ["a surrogate", Uint8Array.from([237, 160, 128])],
])("a file with %s is binary", async (_, bytes) => {
  put(copy.tree, { "strange.bin": bytes });
  expect(await read({ path: "strange.bin" })).toBe("binary_file");
});

test("files of exactly the limit are read, one byte more is refused", async () => {
  put(copy.tree, { "limit.txt": "x".repeat(TOOL_FILE_BYTES_MAX) });
  expect(await read({ path: "limit.txt" })).toContain("[Line 1 of 1 is cut");
  writeFileSync(place("limit.txt"), "y", { flag: "a" });
  expect(await read({ path: "limit.txt" })).toBe("file_too_large");
});

test("search: literal, by case or not, one line per match, what was left out is said", async () => {
  const other = await copyOf(
    newRepository({
      "a.md": "alpha.*\nAlpha\r\n  ALPHA tail\n",
      "b/c.txt": "no\nalpha\u202e\n",
      "b/d.bin": new Uint8Array([0, 97]),
      "e.min.js": `${"x".repeat(5_000)}alpha${"y".repeat(5_000)}`,
    }),
  );
  const search = async (args: Readonly<Record<string, unknown>>): Promise<string[]> =>
    (await use("search_files", args, other.context)).split("\n");
  expect(await search({ query: "alpha.*" })).toEqual([
    "a.md:1: alpha.*",
    "[1 matching lines; 3 files searched, 1 skipped (binary, too large or not readable).]",
  ]);
  expect((await search({ query: "ALPHA", ignore_case: true, path: "a.md" })).slice(0, -1)).toEqual([
    "a.md:1: alpha.*",
    "a.md:2: Alpha",
    "a.md:3:   ALPHA tail",
  ]);
  expect((await search({ query: "alpha", path: "b" })).slice(0, -1)).toEqual(["b/c.txt:2: alpha\\u202e"]);
  const [minified = ""] = await search({ query: "alpha", path: "e.min.js" });
  expect(minified).toMatch(/^e\.min\.js:1: …x{100}alphay{195}…$/u);
  const limited = await search({ query: "a", limit: 2 });
  expect([limited.length, limited.at(-1)]).toEqual([3, expect.stringContaining("ended at its limit")]);
  expect(await search({ query: "a\nb" })).toEqual(["arguments_invalid"]);
  expect(await search({ query: "x", path: "nowhere" })).toEqual(["not_found"]);
});

test("a search that is called off stops", async () => {
  const controller = new AbortController();
  controller.abort(new Error("called off"));
  const context = { ...copy.context, signal: controller.signal };
  await expect(tool("search_files").execute({ query: "a" }, null, context)).rejects.toThrow("called off");
});

test("a folder is listed by name, and one that is too long says so", async () => {
  const other = await copyOf(newRepository({ b: "12", "a/x": "", "c d": "" }));
  const list = async (args: Readonly<Record<string, unknown>>): Promise<string> =>
    await use("list_files", args, other.context);
  expect(await list({})).toBe("a/\nb (2 bytes)\nc d (0 bytes)");
  expect(await list({ path: "." })).toBe(await list({}));
  expect(await list({ path: "a" })).toBe("x (0 bytes)");
  expect([await list({ path: "b" }), await list({ path: "none" })]).toEqual(["not_a_folder", "not_found"]);
  put(
    other.tree,
    Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`a/${at}-${"n".repeat(200)}`, ""])),
  );
  const long = await list({ path: "a" });
  expect(long.length).toBeLessThanOrEqual(TOOL_OUTPUT_CHARS_MAX);
  expect(long).toMatch(/\n\[\d+ of 601 entries; list a subfolder, or search\.\]$/u);
});

test("history is one line a commit, whatever a subject holds", async () => {
  const source = newRepository({ a: "1" });
  git(source, "commit", "--quiet", "--allow-empty", "-m", `Fix\u202e \u001b[31m${"s".repeat(2_000)}`);
  const { context } = await copyOf(source);
  const lines = (await use("read_history", {}, context)).split("\n");
  expect(lines).toEqual([
    expect.stringMatching(/^[0-9a-f]{12} 2026-11-01 Fix\\u202e \\u001b\[31ms{400,500}$/u),
    expect.stringMatching(/^[0-9a-f]{12} 2026-11-01 First commit$/u),
  ]);
  expect(await use("read_history", { limit: 1 }, context)).toBe(lines[0]);
  expect(await use("read_history", { limit: 0 }, context)).toBe("arguments_invalid");
});
