// docs/peers.md says which public failure is put to Assent where. Each row has to name a scenario; each name there has to
// be a test or a scenario that there is.

import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { read } from "./tree.ts";

const NUMBERS = 30;

type Row = { readonly number: number; readonly where: string };

// Number, what happened, where, what it shows.
const rowsOf = (page: string): readonly Row[] =>
  page.split("\n").flatMap((line) => {
    const [number = "", , where = ""] = line.split("|").slice(1);
    return /^\s*\d+\s*$/u.test(number) ? [{ number: Number(number), where }] : [];
  });

/** What a row names and the repository does not have. */
function missingIn({ where }: Row, readFile: (path: string) => string): readonly string[] {
  const tests = [...where.matchAll(/\[(?<title>[^\]]+)\]\(\.\.\/(?<file>[^)]+\.test\.ts)\)/gu)];
  const titles = tests.flatMap(({ groups }) => {
    const { title = "", file = "" } = groups ?? {};
    const text = readFile(file);
    const quoted = ['"', "`", "'"].some((quote) => text.includes(`${quote}${title}${quote}`));
    return quoted ? [] : [`${file}: ${title}`];
  });
  const plain = where.replaceAll(/\[[^\]]+\]\([^)]+\)/gu, "");
  const ids = [...plain.matchAll(/`(harness_[a-z0-9_]+\/[a-z0-9_]+)`/gu)].map(([, id = ""]) => id);
  const unknown = ids.filter((id) => !SCENARIOS.some((scenario) => scenario.id === id));
  if (ids.length === 0) return [...titles, "names no scenario"];
  return [...titles, ...unknown];
}

const page = read("docs/peers.md");

test("every failure of the study has its row, once and in order", () => {
  expect(rowsOf(page).map(({ number }) => number)).toEqual(
    Array.from({ length: NUMBERS }, (_, at) => at + 1),
  );
});

test("every test and scenario that a row names is there", () => {
  const missing = rowsOf(page).flatMap((row) => missingIn(row, read).map((what) => `${row.number}: ${what}`));
  expect(missing).toEqual([]);
});

const KNOWN = "`harness_policy/approval_binding`";

test.each([
  [`| 1 | x | ${KNOWN}, [gone](../a.test.ts) | y |`, ["a.test.ts: gone"]],
  [`| 1 | x | ${KNOWN}, [there](../a.test.ts) | y |`, []],
  ["| 1 | x | `harness_x/none` | y |", ["harness_x/none"]],
  ["| 1 | x | [there](../a.test.ts) | y |", ["names no scenario"]],
  ["| 1 | x | nothing | y |", ["names no scenario"]],
])("%s", (line, missing) => {
  expect(rowsOf(line).flatMap((row) => missingIn(row, () => 'test("there", f);'))).toEqual(missing);
});
