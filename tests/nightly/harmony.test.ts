// The drills of the decision memory at full size: as issue 3 is judged.

import { test } from "vitest";
import { drillKills, drillRace } from "../../packages/harmony/src/testing/drills.ts";

test("100 processes record one escalation a hundred times each: one is told that it opened it, nothing is torn or left over", async () => {
  await drillRace(["e"], { processes: 100, calls: 100 });
});

test("100 processes record five escalations in turn: each is opened once", async () => {
  await drillRace(["a", "b", "c", "d", "e"], { processes: 100, calls: 100 });
});

test.each([
  { act: "record", name: "recordEscalation" },
  { act: "resolve", name: "resolveEscalation" },
] as const)(
  "$name killed by SIGKILL at each file operation leaves the old or the new record",
  async (victim) => {
    await drillKills(victim.act, victim.name, 1);
  },
);
