import fc from "fast-check";
import { expect, test } from "vitest";
import { meaningOf, SIGNATURE_BITS } from "./meaning.ts";

const DIMENSIONS = 64;
const vectors = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: DIMENSIONS, maxLength: DIMENSIONS })
  .filter((vector) => Math.hypot(...vector) > 0.01);

const differing = (a: string, b: string): number => a.split("").filter((bit, at) => bit !== b[at]).length;

test("a vector is kept at length one, and its signature does not depend on its length", () => {
  fc.assert(
    fc.property(vectors, fc.constantFrom(0.5, 2, 1_024), (vector, factor) => {
      const meaning = meaningOf(vector);
      expect(Math.hypot(...meaning.vector)).toBeCloseTo(1, 9);
      expect(meaning.signature).toMatch(new RegExp(`^[01]{${SIGNATURE_BITS}}$`));
      // Powers of two scale without rounding.
      expect(meaningOf(vector.map((part) => part * factor)).signature).toBe(meaning.signature);
    }),
    { seed: 20_261_120, numRuns: 50 },
  );
});

test("the share of bits that differ is about the angle between two vectors", () => {
  fc.assert(
    fc.property(vectors, vectors, (first, second) => {
      const [a, b] = [meaningOf(first), meaningOf(second)];
      const cosine = a.vector.reduce((sum, part, at) => sum + part * (b.vector[at] ?? 0), 0);
      const expected = (Math.acos(Math.max(-1, Math.min(1, cosine))) / Math.PI) * SIGNATURE_BITS;
      // Five standard deviations of 256 throws.
      expect(Math.abs(differing(a.signature, b.signature) - expected)).toBeLessThan(5 * 8 + 8);
    }),
    { seed: 20_261_120, numRuns: 200 },
  );
});
