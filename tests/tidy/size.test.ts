// One idea a file: one that has grown past this holds several (TigerBeetle's tidy.zig does the same by line length).

import { expect, test } from "vitest";
import { listFiles, read } from "./tree.ts";

const FILE_LINES_MAX = 400;
/** A list of cases may be longer than an idea. */
const TEST_LINES_MAX = 700;

/** What is one file by decision, with its own limit. */
const EXEMPT: Readonly<Record<string, number>> = {};

function tooLong(file: string, text: string): boolean {
  const lines = text.replace(/\n$/, "").split("\n").length;
  return lines > (EXEMPT[file] ?? (file.endsWith(".test.ts") ? TEST_LINES_MAX : FILE_LINES_MAX));
}

const files = listFiles(
  "packages/*/{src,bin}/**/*.{ts,tsx,mjs}",
  "tests/**/*.ts",
  "scripts/*",
  "*.config.{ts,mjs}",
);

test(`no file is longer than ${FILE_LINES_MAX} lines`, () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => tooLong(file, read(file)))).toEqual([]);
});

test("a file that is one line too long is found", () => {
  expect(tooLong("x.ts", "\n".repeat(FILE_LINES_MAX))).toBe(false);
  expect(tooLong("x.ts", `${"\n".repeat(FILE_LINES_MAX)}a`)).toBe(true);
  expect(tooLong("x.test.ts", `${"\n".repeat(TEST_LINES_MAX)}a`)).toBe(true);
});

test("every exemption is of a file that there is and that needs it", () => {
  for (const file of Object.keys(EXEMPT)) expect(files).toContain(file);
});
