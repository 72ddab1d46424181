// docs/guards.md says what turns red where a guard is switched off. Each row has to be a break of the tests that it names, and
// each break of those tests has to have its row.

import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { listFiles, read } from "./tree.ts";

const FILES = [
  ...listFiles("tests/security/*/scenario-kills.test.ts"),
  "tests/security/worlds/guards.test.ts",
  ...listFiles("tests/nightly/guards*.test.ts"),
];

type Row = { readonly broken: string; readonly red: string; readonly files: readonly string[] };

const rowsOf = (page: string): readonly Row[] =>
  page.split("\n").flatMap((line) => {
    const [, broken = "", red = "", where = ""] = line.split("|").slice(1);
    const quoted = /^\s*"(.+)"\s*$/u.exec(broken)?.[1];
    const files = [...where.matchAll(/\(\.\.\/([^)]+)\)/gu)].map(([, file = ""]) => file);
    return quoted === undefined ? [] : [{ broken: quoted, red, files }];
  });

/** The members of a test's `Break`. */
function breaksOf(file: string): readonly string[] {
  const union = /type Break =([^;]+);/u.exec(read(file))?.[1] ?? "";
  const found = [...union.matchAll(/"([^"]+)"/gu)].map(([, name = ""]) => name);
  return found.filter((name) => name !== "none");
}

const ROWS = rowsOf(read("docs/guards.md"));

test("every row is a break of each test that it names, and every scenario that it names is there", () => {
  expect(ROWS.length).toBeGreaterThan(70);
  const wrong = ROWS.flatMap(({ broken, red, files }) => {
    const ids = [...red.matchAll(/`(harness_[a-z0-9_]+\/[a-z0-9_]+)`/gu)].map(([, id = ""]) => id);
    return [
      ...(files.length === 0 ? [`${broken}: no test`] : []),
      ...files.filter((file) => !breaksOf(file).includes(broken)).map((file) => `${broken}: not in ${file}`),
      ...ids.filter((id) => !SCENARIOS.some((scenario) => scenario.id === id)),
    ];
  });
  expect(wrong).toEqual([]);
});

test("every break of those tests has its row", () => {
  const told = new Set(ROWS.flatMap(({ broken, files }) => files.map((file) => `${file}: ${broken}`)));
  const untold = FILES.flatMap((file) =>
    breaksOf(file)
      .map((name) => `${file}: ${name}`)
      .filter((line) => !told.has(line)),
  );
  expect(FILES.length).toBeGreaterThan(8);
  expect(untold).toEqual([]);
});
