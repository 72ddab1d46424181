// Both verifiers before logs that were made at random: runs whose events were left out, doubled, moved or say something else,
// properly signed; and copies whose bytes were changed. They share no code, so where they name other places one of them is wrong.

import { expect, inject, test } from "vitest";
import {
  entries,
  type Entry,
  entry,
  exportOf,
  type Files,
  noteOf,
  ORIGIN,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { judge, LATER, LATER_KEY } from "../../support/both-verifiers.ts";
import { isPythonHere } from "../../support/second-verifier.ts";
import { type Random, randomOf, type RunEvent, stories, tamperedStory } from "../../support/told-runs.ts";
import { tamperedFiles } from "../../support/tampered-files.ts";

const SEEDS = inject("everyBreak") ? [1, 2, 3] : [1];
const RUNS = 90;

const entryOf = (place: number, run: number, version: number, { kind, data, actor }: RunEvent): Entry =>
  entry(place, {
    subject: `run_${run.toString(16).padStart(32, "0")}`,
    version,
    kind,
    payload: typeof data === "string" ? data : JSON.stringify(data),
    actor,
  });

function logOf(random: Random): Entry[] {
  const list: Entry[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const events = tamperedStory(random, random.of(stories));
    for (const [i, event] of events.entries()) list.push(entryOf(list.length, run, i + 1, event));
  }
  return list;
}

/** Entries that are named, in their order. */
const placesOf = (lines: readonly string[], pattern: RegExp): number[] =>
  [
    ...new Set(lines.flatMap((line) => (pattern.exec(line)?.[1] ?? "").match(/\d+/gu) ?? []).map(Number)),
  ].toSorted((a, b) => a - b);

test.each(SEEDS)("of runs that are told at random both name the same entries (seed %i)", async (seed) => {
  const list = logOf(randomOf(seed));
  const { ours, second } = await judge({ files: exportOf(list) });
  expect(ours.length).toBeGreaterThan(30);
  if (!isPythonHere) return;
  expect(second).not.toContain("Traceback");
  const [first, other] = [
    placesOf(ours, / at entry (\d+)$/u),
    placesOf(second.split("\n"), /^entry (\d+): /u),
  ];
  const differing = [
    ...first.filter((at) => !other.includes(at)),
    ...other.filter((at) => !first.includes(at)),
  ];
  const told = differing.map((at) => ({
    entry: Buffer.from(list[at]?.leaf ?? []).toString(),
    payload: list[at]?.payload,
    ours: ours.filter((line) => line.endsWith(` at entry ${at}`)),
    second: second.split("\n").filter((line) => line.startsWith(`entry ${at}: `)),
    before: runBefore(list, at),
  }));
  expect({ seed, told }).toEqual({ seed, told: [] });
});

test.each(SEEDS)(
  "of the same without payloads both say the same in the same words (seed %i)",
  async (seed) => {
    const files = exportOf(logOf(randomOf(seed)));
    for (const path of files.keys()) if (path.startsWith("payloads/")) files.delete(path);
    const { words, second } = await judge({ files });
    const counted = words.filter((line) => / has (?:no|a) /u.test(line));
    expect(counted.length).toBeGreaterThan(20);
    if (!isPythonHere) return;
    expect({ seed, words: second.split("\n").toSorted() }).toEqual({ seed, words: words.toSorted() });
  },
);

/** What the run of this entry has told so far. */
function runBefore(list: readonly Entry[], at: number): string[] {
  const partOf = (i: number, field: string): string =>
    new RegExp(`"${field}":"?([^",}]*)`, "u").exec(Buffer.from(list[i]?.leaf ?? []).toString())?.[1] ?? "";
  return list.flatMap(({ payload }, i) =>
    i <= at && partOf(i, "subj") === partOf(at, "subj") ? [`${i} ${partOf(i, "kind")} ${payload}`] : [],
  );
}

const WHOLE: Files = exportOf(logOf({ ...randomOf(0), below: () => 0 }).slice(0, 600));

test.each(SEEDS)(
  "of copies whose files were changed at random both say yes, or both no (seed %i)",
  async (seed) => {
    const random = randomOf(seed);
    for (let i = 0; i < 12; i += 1) {
      const { files, what } = tamperedFiles(random, WHOLE);
      const { ours, second } = await judge({ files });
      if (!isPythonHere) continue;
      const [isYes, isSecondYes] = [ours.length === 0, second.startsWith("verified")];
      const said = { seed, what, isYes: isSecondYes, ours: ours[0], second: second.slice(0, 200) };
      expect({ ...said, isYes }).toEqual(said);
      expect(second).not.toContain("Traceback");
    }
  },
);

/** What the next log's first entry says of this one, of any kind that is signed as readily. */
const BEGINNINGS: readonly ((said: Readonly<Record<string, unknown>>) => unknown)[] = [
  (said) => said,
  (said) => ({ ...said, before: undefined }),
  (said) => ({ ...said, last_checkpoint: undefined }),
  (said) => ({ ...said, database_size: undefined }),
  (said) => [said],
  () => null,
  () => 7,
  (said) => ({ ...said, before: null }),
  (said) => ({ ...said, before: `${LATER}/e7` }),
  (said) => ({ ...said, last_checkpoint: null }),
  (said) => ({ ...said, last_checkpoint: 5 }),
  (said) => ({ ...said, last_checkpoint: "" }),
  (said) => ({ ...said, last_checkpoint: `${ORIGIN}\n3\nno root\n\n\u2014 x y\n` }),
  (said) => ({ ...said, last_checkpoint: noteOf(TOLD.slice(0, 20)) }),
  (said) => ({ ...said, last_checkpoint: noteOf(TOLD.slice(1)) }),
  (said) => ({
    ...said,
    last_checkpoint: noteOf(TOLD).replace(`\n${TOLD.length}\n`, `\n${TOLD.length + 5}\n`),
  }),
  (said) => ({ ...said, last_checkpoint: noteOf(TOLD).replace(ORIGIN, LATER) }),
  (said) => ({ ...said, database_size: -1 }),
  (said) => ({ ...said, database_size: 0 }),
  (said) => ({ ...said, database_size: 1.5 }),
  (said) => ({ ...said, database_size: "30" }),
  (said) => ({ ...said, database_size: true }),
  (said) => ({ ...said, database_size: 2 ** 60 }),
  (said) => ({ ...said, database_size: TOLD.length + 9 }),
];
const TOLD: readonly Entry[] = entries(30);
const FIRST_LOGS: readonly (readonly Entry[])[] = [TOLD, TOLD.slice(0, 20), [...TOLD, entry(30)]];

test.each(BEGINNINGS.keys().toArray())(
  "of a log and the next one, whose first entry says one thing or another, both say yes, or both no (%i)",
  async (which) => {
    const said = { reason: "x", before: ORIGIN, last_checkpoint: noteOf(TOLD), database_size: TOLD.length };
    const payload = JSON.stringify(BEGINNINGS[which]?.(said));
    const begun = entry(0, { log: LATER, kind: "log.epoch_begun", subject: "epoch:2", version: 1, payload });
    const later = exportOf([begun], noteOf([begun], LATER_KEY, LATER));
    // In the gate one log with each beginning, in turns; at night each with each.
    const lists = inject("everyBreak") ? FIRST_LOGS : FIRST_LOGS.slice(which % 3, (which % 3) + 1);
    for (const list of lists) {
      const { ours, second } = await judge({ files: exportOf(list), later });
      if (!isPythonHere) continue;
      const isYes = ours.length === 0;
      expect({ which, size: list.length, isYes, ours, second }).toEqual({
        which,
        size: list.length,
        isYes: second.startsWith("verified"),
        ours,
        second,
      });
    }
  },
);
