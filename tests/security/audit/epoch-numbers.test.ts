// The numbers of a log's subjects go on in the log that follows it, from what the database had of it when that one began: before
// both verifiers.

import { expect, test } from "vitest";
import {
  type Entry,
  entry,
  exportOf,
  type Files,
  noteOf,
  pruned,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { judge, LATER, LATER_KEY } from "../../support/both-verifiers.ts";
import { expectAccepted } from "../../support/odd-copies.ts";
import { isPythonHere } from "../../support/second-verifier.ts";

type Told = readonly [subject: string, version: number, kind?: string];
const RUN = `run_${"a".repeat(32)}`;
const OTHER = `run_${"b".repeat(32)}`;
const KEY = `key_${"c".repeat(32)}`;

const told = (events: readonly Told[], log?: string, from = 0): Entry[] =>
  events.map(([subject, version, kind = "artifact_committed"], i) =>
    entry(from + i, { subject, version, kind, payload: "{}", ...(log === undefined ? {} : { log }) }),
  );

const FIRST: readonly Told[] = [
  [RUN, 1, "run_queued"],
  [KEY, 1],
  [RUN, 2, "run_leased"],
  [RUN, 3],
  // From here on a restored backup has lost it.
  [RUN, 4, "run_succeeded"],
  [OTHER, 1, "run_queued"],
];
const KEPT = 4;

/** @param kept of the first log, by what the second one says of it */
function later(events: readonly Told[], kept = KEPT, first = told(FIRST)): Files {
  const said = {
    before: first[0] === undefined ? "" : ORIGIN_OF(first),
    last_checkpoint: noteOf(first),
    database_size: kept,
  };
  const begun = entry(0, {
    log: LATER,
    kind: "log.epoch_begun",
    subject: "epoch:2",
    version: 1,
    payload: JSON.stringify(said),
  });
  const list = [begun, ...told(events, LATER, 1)];
  return exportOf(list, noteOf(list, LATER_KEY, LATER));
}
const ORIGIN_OF = (list: readonly Entry[]): string => noteOf(list).split("\n")[0] ?? "";

const WRONG: readonly (readonly [string, readonly Told[], string, string])[] = [
  [
    "a number that was given before",
    [[RUN, 3]],
    "version_repeated at entry 1 of log 2",
    "goes on with number 3, and had 3",
  ],
  [
    "a subject that begins once more",
    [[KEY, 1]],
    `version_repeated at ${KEY}`,
    "goes on with number 1, and had 1",
  ],
  [
    "a number that was left out",
    [[RUN, 5, "run_succeeded"]],
    "version_missing at entry 1 of log 2",
    "goes on with number 5, and had 3",
  ],
  [
    "a number of what nobody had",
    [[`doc_${"d".repeat(32)}`, 2]],
    "version_missing at entry 1 of log 2",
    "and no log before has it",
  ],
  [
    "a number of what only those have that were lost",
    [[OTHER, 2, "run_leased"]],
    "version_missing at entry 1 of log 2",
    "and no log before has it",
  ],
  [
    "what the run's state does not allow",
    [[RUN, 4, "run_leased"]],
    "illegal_transition at entry 1 of log 2",
    "goes on with run_leased",
  ],
];

test.each(WRONG)(
  "is found by whoever has both logs: in the later one, %s",
  async (_, events, finding, line) => {
    const { ours, second } = await judge({ files: exportOf(told(FIRST)), later: later(events) });
    expect(ours).toEqual([finding]);
    if (isPythonHere) expect(second).toContain(line);
  },
);

test("what a restored backup took away goes on with the numbers that it has, whatever the first log had behind them", async () => {
  const goesOn: readonly Told[] = [
    [RUN, 4, "run_failed"],
    [KEY, 2],
    [OTHER, 1, "run_queued"],
    [OTHER, 2, "run_leased"],
    ["doc_e", 1],
  ];
  await expectAccepted({ files: exportOf(told(FIRST)), later: later(goesOn) });
  // Its copy has not all that the database had: some of what is not in it may have come between.
  const short = told(FIRST).slice(0, 3);
  await expectAccepted({
    files: exportOf(short),
    later: later(
      [
        [RUN, 6],
        [OTHER, 2, "run_leased"],
      ],
      5,
      short,
    ),
  });
});

test("of what was pruned nothing is held against the next log but what came behind it", async () => {
  const filler = Array.from({ length: 256 - FIRST.length }, (_, i): Told => [`doc_${String(i)}`, 1]);
  const rest: readonly Told[] = [
    [KEY, 2],
    ["pruned:1:256", 1, "log.pruned"],
  ];
  const list = told([...FIRST, ...filler, ...rest]);
  const files = (): Files => pruned(exportOf(list), 0);
  const goesOn: readonly Told[] = [
    [KEY, 3],
    [RUN, 9],
    ["doc_0", 2],
  ];
  await expectAccepted({ files: files(), later: later(goesOn, list.length, list) });
  // Where the database had lost a part of what is pruned, too.
  await expectAccepted({
    files: files(),
    later: later(
      [
        [KEY, 2],
        [RUN, 4],
      ],
      5,
      list,
    ),
  });
  const { ours } = await judge({ files: files(), later: later([[KEY, 2]], list.length, list) });
  expect(ours).toEqual(["version_repeated at entry 1 of log 2"]);
});
