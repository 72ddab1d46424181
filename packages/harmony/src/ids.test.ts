import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { blobFingerprint } from "./fingerprint.ts";
import {
  computeEscalationId,
  computeId,
  computeOccurrenceId,
  computePatternId,
  computeResolutionId,
  digestId,
  fakeId,
  isId,
  longId,
  parseId,
  splitId,
} from "./ids.ts";

const SEED = 42;
const text = fc.string({ unit: "grapheme", maxLength: 12 });
const by = (bytes: string): string => `sha256:${createHash("sha256").update(bytes, "utf8").digest("hex")}`;
const field = fc.option(fc.oneof(text, fc.constantFrom("", "-,", "1:a,", ":", ",")), { nil: null });

test("two lists of fields share an id only when they are the same list, of the same kind", () => {
  const list = fc.tuple(fc.constantFrom("a", "b"), fc.array(field, { maxLength: 4 }));
  fc.assert(
    fc.property(list, list, ([kind, fields], [otherKind, others]) => {
      const same = JSON.stringify([kind, fields]) === JSON.stringify([otherKind, others]);
      expect(computeId(kind, fields) === computeId(otherKind, others)).toBe(same);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

test("a field boundary cannot be moved: joining and splitting fields changes the id", () => {
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      fc.pre(b !== "");
      expect(computeId("k", [a + b, c])).not.toBe(computeId("k", [a, b + c]));
      expect(computeId("k", [a, b])).not.toBe(computeId("k", [a + b]));
    }),
    { seed: SEED },
  );
});

test("the recipe is the one written down: netstrings after a netstring that names the kind", () => {
  const pattern = fakeId("p");
  expect(computeEscalationId(pattern, "né")).toBe(by(`28:assent.harmony/escalation/v1,71:${pattern},3:né,`));
  expect(computeId("k", [null, ""])).toBe(by("19:assent.harmony/k/v1,-,0:,"));
  expect(fakeId("abc")).toBe(by("abc"));
});

test("ids of different kinds over the same fields differ", () => {
  const pattern = fakeId("p");
  const ids = [
    computeEscalationId(pattern, "x"),
    computeResolutionId(pattern, "x", null),
    computeOccurrenceId(pattern, 2),
    computePatternId({ domain: pattern, scope: "x", conflictType: "", blobFingerprint: pattern }),
    blobFingerprint(pattern, pattern),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test("an escalation's id is deterministic and follows from pattern and reason alone", () => {
  fc.assert(
    fc.property(text, text, text, text, (p, reason, q, other) => {
      const same = p === q && reason === other;
      expect(computeEscalationId(fakeId(p), reason) === computeEscalationId(fakeId(q), other)).toBe(same);
    }),
    { seed: SEED },
  );
});

test("the sides of a conflict are unordered; the base is not a side", () => {
  const [a, b, base] = [fakeId("a"), fakeId("b"), fakeId("base")];
  expect(blobFingerprint(a, b, base)).toBe(blobFingerprint(b, a, base));
  expect(blobFingerprint(a, b, base)).not.toBe(blobFingerprint(a, base, b));
  expect(blobFingerprint(a, b)).not.toBe(blobFingerprint(a, b, base));
});

test("the first occurrence is the escalation itself; later ones have ids of their own", () => {
  const first = fakeId("e");
  expect(computeOccurrenceId(first, 1)).toBe(first);
  expect(new Set([1, 2, 3, 11].map((n) => computeOccurrenceId(first, n))).size).toBe(4);
});

test("text with a lone surrogate is refused: two texts would share one id", () => {
  expect(() => digestId("\ud800")).toThrow(expect.objectContaining({ code: "invalid_text" }));
  expect(() => computeEscalationId(fakeId("p"), "\udfff")).toThrow(
    expect.objectContaining({ code: "invalid_text" }),
  );
});

test("one id has one spelling: everything else is refused, and not echoed", () => {
  const hex = "0123456789abcdef".repeat(4);
  expect(parseId(`sha256:${hex}`)).toBe(`sha256:${hex}`);
  expect(splitId(`sha256:${hex}`)).toEqual(["sha256", hex]);
  expect(longId(`sha256:${hex}`, { strip: true })).toBe(hex);
  const wrong = [
    hex,
    `SHA256:${hex}`,
    `sha256:${hex.toUpperCase()}`,
    `sha256:${hex}0`,
    `sha256:${hex.slice(1)}`,
    ` sha256:${hex}`,
    `sha256:${hex}\n`,
    `sha512:${hex}`,
    `sha256:${"../".repeat(21)}a`,
    "",
    null,
    undefined,
    7,
    [`sha256:${hex}`],
  ];
  for (const value of wrong) {
    expect(isId(value)).toBe(false);
    expect(() => parseId(value)).toThrow(expect.objectContaining({ code: "invalid_id" }));
  }
  const secret = "sha256:secret-token";
  expect(() => parseId(secret)).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining(secret) }),
  );
});

test("whatever text is tried as an id, either it is 71 characters of the one form or it is refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^sha256:[0-9a-fA-F]{62,66}$/)), (value) => {
      expect(isId(value)).toBe(/^sha256:[0-9a-f]{64}$/.test(value) && value.length === 71);
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});
