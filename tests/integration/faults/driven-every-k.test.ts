// A sample of the k-th-fault loop over the whole life of a run that a loop outside drives; every k of it is tried at night.

import { afterAll, beforeAll, expect, test } from "vitest";
import { openDrivenPath } from "../../support/faults/driven-path.ts";
import { countPoints, tryPoint, type Way } from "../../support/faults/every-k.ts";
import type { HappyPath } from "../../support/faults/happy-path.ts";

/** How many of that name are left when it is met. */
const SAMPLE: readonly (readonly [point: string, left: number, way: Way])[] = [
  // Of the end, the report of the call, the permit, a person's word, and the question.
  ["db.commit", 0, "lost"],
  ["db.commit", 1, "killed after"],
  ["db.commit", 2, "lost"],
  ["db.commit", 3, "killed before"],
  ["db.commit", 5, "killed after"],
  ["db.update", 1, "failed"],
  ["fs.rename", 0, "killed before"],
];

let path: HappyPath;
beforeAll(async () => {
  path = await openDrivenPath();
});
afterAll(async () => {
  await path[Symbol.asyncDispose]();
});

test("a fault at any point of a driven run's life, in any way: each call permitted once, reported once, nothing left open", async () => {
  const points = await countPoints(path);
  expect([...new Set(points)]).toEqual(
    expect.arrayContaining([
      "db.connect",
      "db.begin",
      "db.commit",
      "db.insert",
      "db.update",
      "fs.create",
      "fs.rename",
    ]),
  );
  for (const [name, left, way] of SAMPLE) {
    const n = points.filter((point) => point === name).length - left;
    expect([name, left, way, await tryPoint(path, name, n, way)]).toEqual([
      name,
      left,
      way,
      { contradictions: [], met: true },
    ]);
  }
});
