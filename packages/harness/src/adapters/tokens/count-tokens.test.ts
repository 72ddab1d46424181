import fc from "fast-check";
import { expect, test } from "vitest";
import { estimateTokens, type Input, sizeOf, tokensMax } from "../../core/budget/estimate.ts";
import { loadTokenCounter } from "./count-tokens.ts";

const countTokens = await loadTokenCounter();

const inputOf = (text: string): Input => ({
  system: "Be brief.",
  messages: [{ role: "user", text, label: "untrusted" }],
  tools: [],
});

const repeat = (unit: string, bytes: number): string =>
  unit.repeat(Math.ceil(bytes / Buffer.byteLength(unit)));

// Made by arithmetic, so that the same bytes come every time and no piece of them is in any vocabulary.
const noise = (bytes: number): Buffer => {
  let state = 42;
  return Buffer.from(
    Array.from({ length: bytes }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    }),
  );
};

const KINDS: Readonly<Record<string, (bytes: number) => string>> = {
  english: (bytes) => repeat("The quick brown fox jumps over the lazy dog. ", bytes),
  chinese: (bytes) => repeat("天地玄黄宇宙洪荒日月盈昃辰宿列张", bytes),
  emoji: (bytes) => repeat("👩‍🚀🧑🏽‍🔬🏴‍☠️🫠", bytes),
  base64: (bytes) => noise(Math.ceil(bytes * 0.75)).toString("base64"),
  code: (bytes) => repeat("export const f = (a: number): string => `${a}`;\n", bytes),
  "one letter": (bytes) => repeat("a", bytes),
  special: (bytes) => repeat("<|endoftext|>", bytes),
};

// Invariant 13, budget before spend: what is set aside is never less than what the text is.
test.each(Object.keys(KINDS))("%s is never estimated below what it is", (kind) => {
  const small = KINDS[kind]?.(8_000) ?? "";
  const large = KINDS[kind]?.(200_000) ?? "";
  const exact = countTokens(small);
  const size = sizeOf(inputOf(small));
  const estimate = estimateTokens(size, "openai/x", countTokens);
  expect(estimate).toBeGreaterThanOrEqual(exact);
  // Of what is counted the estimate is close; the vocabulary does not see over the edge of a piece.
  expect(estimate - size.allowance).toBeLessThanOrEqual(exact * 1.05 + 8);
  expect(estimateTokens(size, "anthropic/x", countTokens) - size.allowance).toBeGreaterThanOrEqual(
    Math.min(exact * 1.5, size.bytes) * 0.99 - 8,
  );
  const big = sizeOf(inputOf(large));
  // In pieces, for in one the vocabulary's own search takes minutes for a long word.
  const pieces = large.match(/[^]{1,4000}/g) ?? [];
  const exactly = pieces.reduce((sum, piece) => sum + countTokens(piece), 0);
  expect(estimateTokens(big, "openai/x", countTokens)).toBeGreaterThanOrEqual(exactly);
  expect(estimateTokens(big, "openai/x", countTokens)).toBeLessThanOrEqual(tokensMax(big));
});

test("no text has more tokens than bytes, and the estimate lies between", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 4_000 }), (text) => {
      const size = sizeOf(inputOf(text));
      for (const model of ["openai/x", "anthropic/x"]) {
        const estimate = estimateTokens(size, model, countTokens);
        expect(estimate).toBeLessThanOrEqual(tokensMax(size));
        expect(estimate).toBeGreaterThanOrEqual(countTokens(text));
      }
    }),
    { seed: 42 },
  );
});
