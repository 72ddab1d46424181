// The k-th-fault loop over a message's way to its receiver: every k, in every way.

import { expect, test } from "vitest";
import { countPoints, tryEvery, WAYS } from "../../support/faults/every-k.ts";
import { openToldPath } from "../../support/faults/told-path.ts";

test("a fault at every point of a message's way, in every way: it comes, once but for the fault, and is known to have come", async () => {
  await using path = await openToldPath();
  const points = await countPoints(path);
  expect(points).toEqual(expect.arrayContaining(["db.select", "post.send", "db.begin", "db.commit"]));
  const { contradictions, tried } = await tryEvery(
    path,
    points.map((_, at) => at + 1),
    WAYS,
  );
  expect(contradictions).toEqual([]);
  expect(tried.filter(({ at }) => at === null)).toEqual([]);
});
