import fc from "fast-check";
import { expect, test } from "vitest";
import { rising } from "./command.ts";

test("the clock of a command never stands, and never runs ahead of what a thousand events a millisecond need", () => {
  // The times that the system's clock says: it stands, goes on, and is set back.
  const said = fc.array(fc.integer({ min: 1_767_225_600_000, max: 1_767_225_600_003 }), { minLength: 1 });
  fc.assert(
    fc.property(said, (times) => {
      let call = 0;
      const clock = rising(() => new Date(times[call] ?? 0));
      let before = "";
      for (; call < times.length; call += 1) {
        const now = clock();
        expect(now > before).toBe(true);
        before = now;
      }
      // Fewer than a thousand events: the latest moment said is not left.
      expect(Date.parse(before)).toBeLessThanOrEqual(Math.max(...times));
    }),
    { seed: 42 },
  );
});

test("what a command does within one millisecond is told in its order", () => {
  const clock = rising(() => new Date("2026-01-01T00:00:00.005Z"));
  expect([clock(), clock()]).toEqual([
    "2026-01-01T00:00:00.005000+00:00",
    "2026-01-01T00:00:00.005001+00:00",
  ]);
});
