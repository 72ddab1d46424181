// Every row of the table: a drawn token of its least length is found whole and under its name, and a shorter one is not
// taken for it.

import { expect, test } from "vitest";
import { isOf } from "./characters.ts";
import { findPrefixedTokens } from "./prefixed-tokens.ts";
import { PREFIX_RULES } from "./prefixes.ts";

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join("");

/** A number generator of 32 bits (xorshift), the same for each row. */
function drawer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Letters and digits of the rule's alphabet alone: what else it allows is for its ends. */
function drawn(alphabet: number, chars: number, seed: number): string {
  const draw = drawer(seed);
  const all = ASCII.split("").filter(
    (_, at) => isOf(ASCII, at, alphabet) && /[A-Za-z0-9]/.test(ASCII.charAt(at)),
  );
  // Hex of one case, as its makers write it.
  const letters = all.some((one) => /[g-z]/.test(one)) ? all : all.filter((one) => !/[A-F]/.test(one));
  return Array.from({ length: chars }, () => letters[draw(letters.length)]).join("");
}

test("the table has a row for each of more than a hundred kinds", () => {
  expect(PREFIX_RULES.length).toBeGreaterThan(150);
  expect(new Set(PREFIX_RULES.map(({ kind }) => kind)).size).toBeGreaterThan(100);
  for (const { kind, prefix, alphabet, charsMin } of PREFIX_RULES) {
    expect(kind).toMatch(/^[a-z0-9_]{3,40}$/);
    expect(prefix.length).toBeGreaterThan(1);
    expect(alphabet).toBeGreaterThan(0);
    expect(charsMin).toBeGreaterThan(5);
  }
});

test.each(PREFIX_RULES.map((rule) => [rule.prefix, rule] as const))("what begins with %s", (prefix, rule) => {
  const { alphabet, charsMin } = rule;
  // Of several draws most look drawn; what stands for a token must not depend on luck.
  const seeds = Array.from({ length: 20 }, (_, at) => 1_000 + at * 7_919);
  const spansOf = (text: string): readonly { start: number; end: number }[] =>
    findPrefixedTokens(text).map(({ start, end }) => ({ start, end }));
  const whole = seeds.filter((seed) => {
    const token = prefix + drawn(alphabet, Math.max(charsMin, 24), seed);
    const spans = spansOf(`key "${token}" end`);
    return spans.length === 1 && spans[0]?.start === 5 && spans[0].end === 5 + token.length;
  });
  expect(whole.length).toBeGreaterThanOrEqual(18);
});
