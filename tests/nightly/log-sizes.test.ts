// Logs of sizes at which a tile, or a level of them, is just full, before both verifiers: whole they are accepted, and with what their
// last tiles hold taken away, exchanged or left from a larger one they are not.

import { expect, test } from "vitest";
import {
  at,
  entries,
  exportOf,
  type Files,
  noteOf,
} from "../../packages/harness/src/core/audit/testing/made-export.ts";
import { judge } from "../support/both-verifiers.ts";
import { expectAccepted } from "../support/odd-copies.ts";
import { isPythonHere } from "../support/second-verifier.ts";

const [FULL, OVER] = [65_536, 65_537];
const ALL = entries(OVER);
const OVER_FILES = exportOf(ALL);
const FULL_FILES = exportOf(ALL.slice(0, FULL));

test.each([0, 1, 2, 255, 256, 257, 511, 512, 513, FULL - 1])(
  "a log of %i entries is accepted",
  async (size) => {
    await expectAccepted({ files: exportOf(ALL.slice(0, size)) });
  },
);

test.each([
  [FULL, FULL_FILES],
  [OVER, OVER_FILES],
])("so is one of %i, as what was kept of a smaller one goes on in it", async (_, files) => {
  for (const kept of [0, 256, FULL]) await expectAccepted({ files, remembered: noteOf(ALL.slice(0, kept)) });
});

const less = (files: Files, ...paths: readonly string[]): Files => {
  const some = new Map(files);
  for (const path of paths) expect(some.delete(path)).toBe(true);
  return some;
};
const from = (files: Files, path: string): Buffer => at(files, path);

test.each<[string, () => Files]>([
  [
    "the checkpoint of one entry more",
    () => new Map(FULL_FILES).set("checkpoint", from(OVER_FILES, "checkpoint")),
  ],
  [
    "the checkpoint of one entry less, over the files of one more",
    () => new Map(OVER_FILES).set("checkpoint", from(FULL_FILES, "checkpoint")),
  ],
  ["no tile of the highest level", () => less(FULL_FILES, "tile/2/000.p/1")],
  ["no full tile of the level below", () => less(FULL_FILES, "tile/1/000")],
  [
    "the last entry alone gone",
    () => less(OVER_FILES, "tile/0/256.p/1", "tile/entries/256.p/1", "payloads/256"),
  ],
  ["the last full bundle gone", () => less(FULL_FILES, "tile/entries/255", "payloads/255")],
  [
    "two full bundles exchanged",
    () => new Map(FULL_FILES).set("tile/entries/255", from(FULL_FILES, "tile/entries/254")),
  ],
  ["two full tiles exchanged", () => new Map(FULL_FILES).set("tile/0/255", from(FULL_FILES, "tile/0/254"))],
  [
    "a root of the level below in the place of the highest one's",
    () => new Map(FULL_FILES).set("tile/2/000.p/1", from(FULL_FILES, "tile/1/000").subarray(0, 32)),
  ],
  [
    "the last entry once more",
    () => exportOf([...ALL.slice(0, FULL), ALL[FULL - 1] ?? expect.unreachable()]),
  ],
])("is found by both, at 65,536 entries: %s", async (_, files) => {
  const { ours, second } = await judge({ files: files() });
  expect(ours).not.toEqual([]);
  expect(second).toMatch(isPythonHere ? /^(?!verified)/u : /^not run$/u);
  expect(second).not.toContain("Traceback");
});
