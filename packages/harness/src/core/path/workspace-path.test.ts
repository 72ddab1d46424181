import fc from "fast-check";
import { expect, test } from "vitest";
import { visibleText } from "./visible-text.ts";
import {
  executedNames,
  parsePath,
  PATH_BYTES_MAX,
  PATH_NAME_BYTES_MAX,
  PATH_NAMES_MAX,
  type PathUse,
} from "./workspace-path.ts";

const codeOf = (path: string, use: PathUse = "read"): string => {
  const parsed = parsePath(path, use);
  return parsed.ok ? "ok" : parsed.error.code;
};

test.each([
  ["a"],
  ["src/index.ts"],
  ["%2e%2e/etc/passwd"],
  ["..."],
  ["..a"],
  ["a b/c d.txt"],
  ["~/x"],
  ["-rf"],
  ["Ünïcode/日本語.md"],
  ["👩‍👩‍👧.txt"],
  ["git"],
  [".gitignore"],
  [".github/workflows/ci.yml"],
  ["$HOME"],
  ["c:x"],
  ["node_modules/.bin/x"],
])("%j is a legal path", (path) => {
  expect(parsePath(path, "write")).toEqual({ ok: true, value: path.split("/") });
});

test.each([
  [""],
  ["/"],
  ["/etc/passwd"],
  ["//x"],
  ["."],
  [".."],
  ["a/.."],
  ["a/./b"],
  ["a//b"],
  ["a/"],
  ["a\\b"],
  ["..\\x"],
  ["a\0b"],
  ["a\nb"],
  ["a\u0085b"],
  ["a\u2028b"],
  ["a\ud800"],
  ["．．/x"],
  ["․․/x"],
  ["‥"],
  ["a／b"],
  ["a＼b"],
  ["℀"],
  ["\u200b"],
  [".\u200b."],
  [".\u2060./x"],
  ["a".repeat(PATH_NAME_BYTES_MAX + 1)],
  ["é".repeat(128)],
  ["a/".repeat(PATH_NAMES_MAX) + "a"],
  [`${"a".repeat(200)}/`.repeat(5) + "a".repeat(PATH_BYTES_MAX)],
])("%j is no path", (path) => {
  expect(codeOf(path)).toBe("path_invalid");
});

test.each([
  [".git"],
  [".GIT/config"],
  ["sub/.Git/hooks/pre-commit"],
  [".git\u200c/config"],
  [".g\u00adit"],
  ["．git"],
  [".ｇｉｔ/x"],
  [".git."],
  [".git "],
  [".git::$INDEX_ALLOCATION/config"],
  [".gıt"],
  ["GIT~1/config"],
  [".git\ufe0f"],
])("%j is git's own, for reading and writing", (path) => {
  expect([codeOf(path, "read"), codeOf(path, "write")]).toEqual(["path_protected", "path_protected"]);
});

test.each(
  executedNames.flatMap((name) => [[name], [`${name}/x`], [`sub/${name.toUpperCase()}`], [`${name}.`]]),
)("%j may be read but not written", (path) => {
  expect([codeOf(path, "read"), codeOf(path, "write")]).toEqual(["ok", "path_protected"]);
});

test("limits are inclusive", () => {
  expect(codeOf("a".repeat(PATH_NAME_BYTES_MAX))).toBe("ok");
  expect(codeOf(Array.from({ length: PATH_NAMES_MAX }, () => "a").join("/"))).toBe("ok");
});

const NASTY = fc.oneof(
  fc.constantFrom(
    "..",
    ".",
    "/",
    "\\",
    ".git",
    "．",
    "‥",
    "／",
    "\0",
    "\n",
    "\u200c",
    "\u202e",
    "a",
    " ",
    "%2e",
  ),
  fc.string({ unit: "binary", maxLength: 4 }),
);

test("whatever is accepted has only names that stay below the root on any reading", () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(NASTY, { maxLength: 12 }), (parts) => {
      const parsed = parsePath(parts.join(""), "read");
      if (!parsed.ok) return;
      accepted += 1;
      expect(parsed.value.join("/")).toBe(parts.join(""));
      for (const name of parsed.value) {
        for (const form of ["NFC", "NFD", "NFKC", "NFKD"]) {
          expect(name.normalize(form)).not.toMatch(/^\.{0,2}$|[/\\\0\n]/u);
          expect(name.normalize(form).toLowerCase()).not.toBe(".git");
        }
      }
    }),
    { seed: 42, numRuns: 20_000 },
  );
  expect(accepted).toBeGreaterThan(500);
});

test("a refusal shows the path on one line with nothing invisible", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (tail) => {
      const parsed = parsePath(`/\u202e\n${tail}`, "read");
      expect(parsed.ok ? "" : parsed.error.detail).toMatch(/^The path "[^\n]*" is refused: [^\n]*\.$/u);
      expect(parsed.ok ? "" : parsed.error.detail).not.toMatch(/[\p{Cf}\p{Cc}\u2028]/u);
    }),
    { seed: 42 },
  );
});

test("visible text shows what hides and leaves the rest", () => {
  expect(visibleText("a\u202eb\u200b\r\n\tü\u{e0041}\u0000\u001b[2J 👍")).toBe(
    "a\\u202eb\\u200b\\r\n\tü\\u{e0041}\\u0000\\u001b[2J 👍",
  );
});
