// Pruning where anything can go wrong: each statement and each file operation between the request and its end fails, is not
// heard of, or is where the process is killed; and so while the sealing key is changed and payloads are erased, before,
// after and in the middle of it. What is left verifies, in both verifiers and in the database, and whoever comes next brings
// it to the end.

import { expect, test } from "vitest";
import { FAULTS, WAYS } from "../support/faults/every-k.ts";
import type { ActName } from "../support/faults/log-acts.ts";
import { openPrunedLives } from "../support/faults/pruned-life.ts";

test.each(WAYS)("a pruning that is %s at any statement or file operation", async (way) => {
  await using lives = await openPrunedLives();
  const points = await lives.points(["prune"]);
  // Both kinds, to the end of both.
  for (const name of ["db.connect", "db.commit", "db.select", "fs.create", "fs.rename", "fs.remove"])
    expect(points).toContain(name);
  let met = 0;
  for (let k = 1; k <= points.length; k += 1) {
    const { found, at } = await lives.live(["prune"], k, FAULTS[way]);
    expect([k, at, found]).toEqual([k, at, []]);
    if (at !== null) met += 1;
  }
  expect(met).toBeGreaterThan(points.length - 5);
});

/** Of what is tried at any point already, each third is tried once more among others. */
const STRIDE = 3;

const ORDERS: readonly (readonly ActName[])[] = [
  ["prune", "rekey"],
  ["rekey", "prune"],
  ["eraseBelow", "prune", "eraseAbove", "rekey"],
  ["eraseAbove", "rekey", "eraseBelow", "prune"],
];

test.each(ORDERS.map((acts) => [acts.join(", "), acts] as const))(
  "one after the other, killed at any point: %s",
  async (_, acts) => {
    await using lives = await openPrunedLives();
    const points = await lives.points(acts);
    for (let k = 1; k <= points.length; k += STRIDE) {
      const { found, at } = await lives.live(acts, k, FAULTS["killed after"]);
      expect([k, at, found]).toEqual([k, at, []]);
    }
  },
);

const BESIDE: readonly (readonly [ActName, readonly ActName[]])[] = [
  ["prune", ["rekey"]],
  ["prune", ["eraseBelow", "eraseAbove"]],
  ["prune", ["prune"]],
  ["rekey", ["prune"]],
  ["rekey", ["eraseAbove", "prune", "eraseBelow"]],
];

test.each(BESIDE.map(([act, beside]) => [act, beside.join(", "), beside] as const))(
  "%s, and another process does %s in the middle, at any point",
  async (act, _, beside) => {
    await using lives = await openPrunedLives();
    const points = await lives.points([act]);
    for (let k = 1; k <= points.length; k += beside.length === 1 ? 1 : STRIDE) {
      const { found, at } = await lives.meet(act, k, beside);
      expect([k, at, found]).toEqual([k, at, []]);
    }
  },
);
