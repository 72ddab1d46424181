// What `npm run mutate` is told to mutate is there: of a place where nothing is, no mutant is made and none survives.

import { globSync } from "node:fs";
import { expect, test } from "vitest";
import { listFiles, read, ROOT } from "./tree.ts";

const CONFIG = "stryker.config.mjs";
const mutated = (text: string): string[] =>
  [...text.matchAll(/"(packages\/[^"]+)"/gu)].map(([, path = ""]) => path);

/** The places that hold no code of ours. */
const empty = (patterns: readonly string[]): string[] =>
  patterns.filter((pattern) => {
    const files = globSync(pattern, { cwd: ROOT });
    return files.length === 0 || files.some((file) => !/^packages\/\w+\/src\/.+(?<!\.test)\.ts$/u.test(file));
  });

test("every place that is mutated has code", () => {
  const places = mutated(read(CONFIG));
  expect(places.length).toBeGreaterThan(2);
  expect(empty(places)).toEqual([]);
});

test("mutants are put to tests that there are, and survivors fail it", () => {
  const [, tests = ""] = /include: \["(?<include>[^"]+)"\]/u.exec(read("vitest.mutation.config.ts")) ?? [];
  expect(listFiles(tests).length).toBeGreaterThan(20);
  const [, least = "0"] = /break: (?<least>\d+)/u.exec(read(CONFIG)) ?? [];
  expect(Number(least)).toBeGreaterThanOrEqual(80);
});

test.each(["packages/harness/src/run/run.ts", "packages/tlog/src/*.test.ts", "packages/tlog/verify.py"])(
  "finds that %s is none",
  (pattern) => {
    expect(empty(mutated(`mutate: ["${pattern}"]`))).toEqual([pattern]);
  },
);
