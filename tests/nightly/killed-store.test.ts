// kill -9 at every file operation of storing an artifact, before it and after it.

import { expect, test } from "vitest";
import { killWhileStoring } from "../support/faults/killed-store.ts";

test("whatever operation a process is killed at, a reader sees nothing or the whole, and the next store mends it", async () => {
  const whole = await killWhileStoring(1_000, "before");
  const operations = Number(/after (\d+)$/.exec(whole.said)?.[1]);
  expect(operations).toBeGreaterThan(8);
  for (let k = 1; k <= operations; k += 1)
    for (const when of ["before", "after"] as const) {
      const killed = await killWhileStoring(k, when);
      expect(killed.said).toMatch(/^killed /);
      expect([k, when, killed.seen === "damaged", killed.mended]).toEqual([k, when, false, true]);
    }
});
