// A file that nothing leads to is dead: nobody runs it, and it goes on being read and mended.

import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type Edge, edgesOf, listFiles, read } from "./tree.ts";

/** Where running begins: what packages export, and what the programs in bin load by a computed name. */
const ENTRIES: readonly string[] = [
  "packages/console/src/main.tsx",
  "packages/tlog/src/index.ts",
  "packages/contract/src/index.ts",
  "packages/harmony/src/index.ts",
  "packages/harmony/src/cli.ts",
  "packages/harness/src/index.ts",
  "packages/harness/src/cli/process.ts",
  "packages/harness/src/assemble.ts",
  "packages/harness/src/client/gate.ts",
  "packages/harness/src/start.ts",
  "packages/suite/src/index.ts",
  "packages/suite/src/cli.ts",
];

/** Test material: reached by tests alone, and no part of what is published. */
const FROM_TESTS: readonly string[] = [
  "packages/harmony/src/phase4/",
  "packages/harmony/src/store.contract.ts",
  "packages/harmony/src/testing/",
  "packages/harness/src/core/audit/testing/",
  "packages/harness/src/core/run/testing/",
  "packages/tlog/src/testing/",
  "packages/suite/src/toy/",
  "packages/suite/src/worlds/exchanges.ts",
  "packages/suite/src/faults/",
  "packages/suite/src/fixtures/",
];

function reachable(entries: readonly string[], edges: readonly Edge[]): ReadonlySet<string> {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const seen = new Set<string>();
  const open = [...entries];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    open.push(...(next.get(file) ?? []));
  }
  return seen;
}

const sources = listFiles("packages/*/src/**/*.{ts,tsx}");
const isTest = (file: string): boolean => file.endsWith(".test.ts");
const everything = [...sources, ...listFiles("tests/**/*.ts", "scripts/*.ts")];
// A worker that a test starts by its file's name is reached by that name.
const started = (file: string, text: string): Edge[] =>
  [...text.matchAll(/new URL\("([^"]+\.ts)", import\.meta\.url\)/g)].map(([, path = ""]) => ({
    from: file,
    to: join(dirname(file), path),
  }));
const edges = everything.flatMap((file) => [...edgesOf(file, read(file)), ...started(file, read(file))]);

test("every source file is reached from an entry of its package", () => {
  expect(sources.length).toBeGreaterThan(100);
  const fromEntries = reachable(ENTRIES, edges);
  const fromTests = reachable(
    everything.filter((file) => !file.startsWith("packages/") || isTest(file)),
    edges,
  );
  const dead = sources.filter((file) => {
    if (isTest(file) || fromEntries.has(file)) return false;
    return !(FROM_TESTS.some((folder) => file.startsWith(folder)) && fromTests.has(file));
  });
  expect(dead).toEqual([]);
});

test("an island is found", () => {
  const seen = reachable(
    ["a.ts"],
    [
      { from: "a.ts", to: "b.ts" },
      { from: "island.ts", to: "b.ts" },
    ],
  );
  expect([...seen].toSorted()).toEqual(["a.ts", "b.ts"]);
});

test("every entry exists", () => {
  expect(ENTRIES.filter((entry) => !sources.includes(entry))).toEqual([]);
});
