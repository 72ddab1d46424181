// Programs of the repository that pages have people run: npm's scripts, tests and benches are there under these names.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { blocksOf, PAGES, spansOf } from "./pages.ts";
import { read, ROOT } from "./tree.ts";

const manifestSchema = z.object({ scripts: z.record(z.string(), z.string()) });
const SCRIPTS = new Set(Object.keys(manifestSchema.parse(JSON.parse(read("package.json"))).scripts));

/** @returns the script or files of a line that are not there; of a workspace's own script nothing is said */
function missingIn(line: string, isFile: (path: string) => boolean): string[] {
  const words = line
    .replace(/\s#.*$/u, "")
    .trim()
    .split(/\s+/u);
  const [program, verb, name = ""] = words;
  if (program === "npm") {
    if (line.includes("--workspace")) return [];
    const script = verb === "run" ? name : (verb ?? "");
    return verb === "run" || verb === "start" || verb === "test" ? (SCRIPTS.has(script) ? [] : [script]) : [];
  }
  if (!/^(?:(?:npx )?(?:node|vitest)|python3) /u.test(line)) return [];
  return words.filter((word) => /^[a-z]+\/[\w./-]+$/u.test(word) && !word.endsWith("/") && !isFile(word));
}

const lines = PAGES.flatMap(({ file, text }) => [
  ...spansOf(text).map((line) => ({ file, line })),
  ...blocksOf(text)
    .filter(({ language }) => language === "sh")
    .flatMap((block) => block.text.split("\n").map((line) => ({ file, line: line.trim() }))),
]);

test("every script, test and bench that a page has people run is there", () => {
  expect(lines.filter(({ line }) => line.startsWith("npm ")).length).toBeGreaterThan(30);
  const missing = lines.flatMap(({ file, line }) =>
    missingIn(line, (path) => existsSync(join(ROOT, path))).map((what) => `${file}: ${what} (${line})`),
  );
  expect(missing).toEqual([]);
});

test.each([
  ["npm run bench:runs -- --evidence", []],
  ["npm run bench:gone", ["bench:gone"]],
  ["npm test   # all of it", []],
  ["npx vitest run tests/gone.test.ts", ["tests/gone.test.ts"]],
  ["node --conditions=assent-source scripts/night.ts <folder>", ["scripts/night.ts"]],
  ["node --version", []],
])("%s", (line, missing) => {
  expect(missingIn(line, () => false)).toEqual(missing);
});
