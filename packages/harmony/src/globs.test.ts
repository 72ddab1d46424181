import fc from "fast-check";
import { expect, test } from "vitest";
import { matchesGlob } from "./globs.ts";

test.each([
  ["*.md", "README.md", true],
  ["*.md", "docs/a/README.md", true],
  ["docs/*.md", "docs/a.md", true],
  ["docs/*.md", "docs/x/a.md", false],
  ["docs/**", "docs/x/a.md", true],
  ["docs/**", "docs", true],
  ["**/a.ts", "a.ts", true],
  ["src/**/a.ts", "src/a.ts", true],
  ["src/**/a.ts", "src/x/y/a.ts", true],
  ["src/**/a.ts", "lib/a.ts", false],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["a?c", "a😀c", true],
  ["a.c", "abc", false],
  ["[ab]", "a", false],
  ["A.ts", "a.ts", false],
  ["**", "", true],
])("%s against %s is %s", (glob, path, matches) => {
  expect(matchesGlob(glob, path)).toBe(matches);
});

test.each(["", "/abs", "a//b", "../x", "a/./b", "a/", "\ud800", "x".repeat(1_025)])(
  "%j is refused",
  (glob) => {
    expect(() => matchesGlob(glob, "a")).toThrow(expect.objectContaining({ code: "invalid_text" }));
  },
);

test("agrees with a matcher that tries everything", () => {
  const brute = (p: string, s: string): boolean =>
    p === ""
      ? s === ""
      : p[0] === "*"
        ? brute(p.slice(1), s) || (s !== "" && brute(p, s.slice(1)))
        : s !== "" && (p[0] === "?" || p[0] === s[0]) && brute(p.slice(1), s.slice(1));
  const part = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
  const glob = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(glob, part, (p, s) => {
      fc.pre(p !== "**");
      expect(matchesGlob(`x/${p}`, `x/${s}`)).toBe(brute(p, s));
    }),
    { seed: 42, numRuns: 2_000 },
  );
});

test("work grows with pattern times path, never exponentially", () => {
  // Backtracking over each star would need 2^500 steps here; the test ends or it does not.
  const glob = `${"*a".repeat(500)}b`;
  expect(matchesGlob(`x/${glob}`, `x/${"a".repeat(3_000)}`)).toBe(false);
  expect(matchesGlob(`${"**/a/".repeat(200)}b`, `${"a/".repeat(2_000)}c`)).toBe(false);
});
