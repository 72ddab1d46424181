import fc from "fast-check";
import { expect, test } from "vitest";
import { uuidV7 } from "./uuid.ts";

test("a UUID of version 7 sorts by time and keeps its version and variant", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 45 }),
      fc.integer({ min: 1, max: 2 ** 40 }),
      fc.uint8Array({ minLength: 10, maxLength: 10 }),
      fc.uint8Array({ minLength: 10, maxLength: 10 }),
      (ms, later, one, other) => {
        const first = uuidV7(new Date(ms), one);
        const second = uuidV7(new Date(ms + later), other);
        expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(first < second).toBe(true);
        expect(Number.parseInt(first.replaceAll("-", "").slice(0, 12), 16)).toBe(ms);
      },
    ),
    { seed: 42 },
  );
});
