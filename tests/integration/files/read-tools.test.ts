// The reading tools on a real copy: what a model gets, within its limits, and what is said of the rest.

import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { TOOL_FILE_BYTES_MAX, TOOL_OUTPUT_CHARS_MAX } from "../../../packages/harness/src/base/limits.ts";
import { type Copy, copyOf, git, newRepository, put, tool, use } from "./repository.ts";

let copy: Copy;
beforeAll(async () => {
  copy = await copyOf(newRepository({ "a.txt": "1" }));
});

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
  writeFileSync(join(copy.tree, "limit.txt"), "y", { flag: "a" });
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

test("files that no tool reads do not use up a search", async () => {
  const other = await copyOf(newRepository({ "z.txt": "needle" }));
  put(other.tree, { "a.log": "" });
  truncateSync(join(other.tree, "a.log"), 1024 ** 3);
  expect(await use("search_files", { query: "needle" }, other.context)).toBe(
    "z.txt:1: needle\n[1 matching lines; 1 files searched, 1 skipped (binary, too large or not readable).]",
  );
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
