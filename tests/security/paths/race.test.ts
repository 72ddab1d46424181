// Spec security 6, rows paths; a hundred times as many tries are in tests/nightly.

import { test } from "vitest";
import { raceForLinks } from "../../support/race-for-links.ts";

test("a folder and a file that are swapped for links never lead outside", async () => {
  await raceForLinks(5_000);
});
