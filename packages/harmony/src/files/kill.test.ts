// The real thing: processes killed by SIGKILL at a file operation. (crash.test.ts dies at every operation of every call,
// in one process; this shows that dying for real is no different. tests/nightly kills at each.)

import { test } from "vitest";
import { drillKills } from "../testing/drills.ts";

test.each([
  { act: "record", name: "recordEscalation", every: 9 },
  { act: "resolve", name: "resolveEscalation", every: 23 },
] as const)(
  "$name killed at a file operation leaves the old or the new record",
  async ({ act, name, every }) => {
    await drillKills(act, name, every);
  },
);
