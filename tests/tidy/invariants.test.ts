// Every invariant of DESIGN.md section 4 has a test that attacks it. A test says which by citing it in its text:
// "invariant 16", or "invariant: fenced".

import { INVARIANTS, SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { listFiles, read } from "./tree.ts";

/** Not attacked yet, and why. A line that is no longer true fails, so that this list can only shrink. */
const NOT_ATTACKED: Readonly<Record<string, string>> = {};

function citedIn(text: string): string[] {
  const cited = text
    .split("\n")
    .flatMap((line) => /\binvariants?\b:?(.*)$/i.exec(line)?.[1] ?? [])
    .join("\n");
  return INVARIANTS.filter(({ number, title }) =>
    new RegExp(`\\b(?:${number}(?![\\d.])|${title})\\b`, "i").test(cited),
  ).map(({ id }) => id);
}

const tests = listFiles(
  "packages/*/src/**/*.test.ts",
  "tests/{integration,e2e,nightly,security}/**/*.test.ts",
);

test("there are the sixteen of the design, numbered in order", () => {
  expect(INVARIANTS.map(({ number }) => number)).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
});

test("every invariant is attacked by a test or a scenario, or it says why not", () => {
  expect(tests.length).toBeGreaterThan(10);
  const attacked = new Set([
    ...tests.flatMap((file) => citedIn(read(file))),
    ...SCENARIOS.flatMap(({ invariants }) => invariants as readonly string[]),
  ]);
  const open = INVARIANTS.map(({ id }) => id as string).filter((id) => !attacked.has(id));
  expect(open.toSorted()).toEqual(Object.keys(NOT_ATTACKED).toSorted());
});

test.each([
  ["// Invariant 12, complete or nothing", ["complete-or-nothing"]],
  ["// invariant: fenced", ["fenced"]],
  ["// Invariants 2 (at-most-once) and 16", ["at-most-once", "fenced"]],
  ["// invariant 1 of them", ["journal-first"]],
  ["// invariantly 1", []],
])("reads %s", (text, ids) => {
  expect(citedIn(text)).toEqual(ids);
});
