// The same as tests/integration/access/fuzz.test.ts, at full size.

import { expect, test } from "vitest";
import { fuzz, openFuzzed } from "../integration/access/api-fuzz.ts";

test("10,000 requests from the served document: no 5xx, no undocumented status, no effect without permission", async () => {
  await using edge = await openFuzzed();
  const statuses = await fuzz(edge, 10_000, 7);
  expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(9_000);
});
