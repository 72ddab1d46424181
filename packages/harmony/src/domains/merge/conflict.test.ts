import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, inject, test } from "vitest";
import {
  hasMarker,
  listConflicts,
  markerOf,
  parseConflicts,
  renderConflicts,
  splitLines,
} from "./conflict.ts";
import type { ConflictedText } from "./conflict.ts";

// Only a hang is to fail here; a busy machine may take its time.

const FC = { seed: 42, numRuns: 500 };

function parsed(text: string, size?: number): ConflictedText {
  const result = parseConflicts(text, size);
  if (!result.ok) throw new Error(`refused: ${result.refusal.reason} at ${result.refusal.line}`);
  return result.value;
}

type Sides = { before: string; ours: string; base: string | null; theirs: string; after: string };

function write({ before, ours, base, theirs, after }: Sides, size: number, eol: string): string {
  const marker = (character: string, label: string): string => `${character.repeat(size)}${label}${eol}`;
  const middle = base === null ? "" : `${marker("|", " 1234abc")}${base}`;
  const start = `${before}${marker("<", " HEAD")}${ours}`;
  return `${start}${middle}${marker("=", "")}${theirs}${marker(">", " topic")}${after}`;
}

function conflict(size: number): string {
  return write({ before: "", ours: "a\n", base: "b\n", theirs: "c\n", after: "" }, size, "\n");
}

const PLAIN = [
  "x",
  "=======x",
  "======",
  "<<<<<<",
  "|||||||x",
  "",
  "  <<<<<<< HEAD",
  "é",
  ">>>>>>>>> y",
  "a\rb",
];

function sidesWith(eol: string): fc.Arbitrary<Sides> {
  const text = fc
    .array(fc.constantFrom(...PLAIN), { maxLength: 5 })
    .map((lines) => lines.map((l) => l + eol).join(""));
  return fc.record({ before: text, ours: text, base: fc.option(text), theirs: text, after: text });
}

const files = fc
  .record({ size: fc.constantFrom(7, 11, 40), eol: fc.constantFrom("\n", "\r\n") })
  .chain((style) =>
    fc.record({ style: fc.constant(style), parts: fc.array(sidesWith(style.eol), { maxLength: 4 }) }),
  );

/** Any characters of the first 8,192, control characters among them. */
const anyText: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 0x1_fff }), { maxLength: 40 })
  .map((points) => String.fromCodePoint(...points));

test("what git would write is read back, and written back byte for byte", () => {
  fc.assert(
    fc.property(files, ({ style, parts }) => {
      const text = parts.map((sides) => write(sides, style.size, style.eol)).join("");
      const file = parsed(text, style.size);
      const told = listConflicts(file).map(({ ours, base, theirs }) => ({ ours, base, theirs }));
      expect(told).toEqual(parts.map(({ ours, base, theirs }) => ({ ours, base, theirs })));
      expect(renderConflicts(file, [])).toBe(text);
      const answers = parts.map((_, index) => (index % 2 === 0 ? `answer ${index}\n` : undefined));
      const expected = parts
        .map((sides, index) => {
          const { before, after } = sides;
          return answers[index] === undefined
            ? write(sides, style.size, style.eol)
            : before + answers[index] + after;
        })
        .join("");
      expect(renderConflicts(file, answers)).toBe(expected);
    }),
    FC,
  );
});

test("any damaged file is either refused with one of its lines or keeps every character", () => {
  const noise = fc.oneof(
    fc.constantFrom(
      "<<<<<<< a",
      "||||||| b",
      "=======",
      ">>>>>>> c",
      "<<<<<<<",
      "<<<<<<<<< d",
      "=========",
      ">>>>>>>>> e",
    ),
    anyText,
  );
  const edits = fc.array(
    fc.record({ at: fc.nat({ max: 60 }), cut: fc.nat({ max: 2 }), put: fc.option(noise) }),
    {
      maxLength: 3,
    },
  );
  const damaged = fc
    .tuple(files, edits, fc.constantFrom("\n", "\r\n", ""))
    .map(([{ style, parts }, changes, eol]) => {
      const lines = splitLines(parts.map((sides) => write(sides, style.size, style.eol)).join(""));
      for (const { at, cut, put } of changes) lines.splice(at, cut, ...(put === null ? [] : [put + eol]));
      return lines.join("");
    });
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(damaged, fc.option(fc.constantFrom(7, 9), { nil: undefined }), (input, size) => {
      const result = parseConflicts(input, size);
      if (!result.ok) {
        seen.refused += 1;
        expect(result.refusal.line).toBeGreaterThanOrEqual(1);
        expect(result.refusal.line).toBeLessThanOrEqual(Math.max(1, splitLines(input).length));
        return;
      }
      const found = listConflicts(result.value);
      seen.read += found.length;
      expect(renderConflicts(result.value, [])).toBe(input);
      const answered = renderConflicts(
        result.value,
        found.map(() => ""),
      );
      const again = parseConflicts(answered, result.value.markerSize);
      expect(again.ok ? listConflicts(again.value) : again.refusal).toEqual([]);
    }),
    { seed: 42, numRuns: 3000 },
  );
  expect(seen.read).toBeGreaterThan(500);
  expect(seen.refused).toBeGreaterThan(500);
});

/** Each starts git three times. */
const GIT_RUNS = inject("everyBreak") ? 40 : 12;

describe("against git itself, in each of its styles", () => {
  const content = fc.array(fc.constantFrom("a", "b", "c", "d", "=======", "<<<<<<<"), {
    minLength: 1,
    maxLength: 8,
  });

  test.each([["--diff3"], ["--zdiff3"], []])("%s", (...style) => {
    const folder = mkdtempSync(join(tmpdir(), "harmony-conflict-"));
    const merge = (...options: string[]): string => {
      const names = ["ours", "base", "theirs"].map((name) => join(folder, name));
      // The exit code is the number of conflicts.
      return spawnSync("git", ["merge-file", "-p", "--marker-size=9", ...options, ...names], {
        encoding: "utf8",
      }).stdout;
    };
    let conflicts = 0;
    try {
      fc.assert(
        fc.property(content, content, content, fc.constantFrom("\n", "\r\n"), (ours, base, theirs, eol) => {
          for (const [name, lines] of Object.entries({ ours, base, theirs })) {
            writeFileSync(join(folder, name), lines.map((line) => line + eol).join(""));
          }
          const file = parsed(merge(...style), 9);
          const found = listConflicts(file);
          conflicts += found.length;
          expect(found.every((one) => (one.base === null) === (style.length === 0))).toBe(true);
          // Git's own way to take one side in every conflict says what the sides are.
          const side = (name: "ours" | "theirs"): string =>
            renderConflicts(
              file,
              found.map((one) => one[name]),
            );
          expect(side("ours")).toBe(merge(...style, "--ours"));
          expect(side("theirs")).toBe(merge(...style, "--theirs"));
        }),
        { seed: 42, numRuns: GIT_RUNS },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(conflicts).toBeGreaterThan(GIT_RUNS / 4);
  });
});

describe("refusals name the line", () => {
  const start = "<<<<<<< HEAD\n";
  test.each([
    ["nested_conflict", 3, `a\n${start}${start}=======\n>>>>>>> x\n`],
    ["nested_conflict", 4, `${start}a\n=======\n<<<<<<<\n>>>>>>> x\n`],
    ["misplaced_marker", 4, `${start}a\n=======\n=======\nb\n>>>>>>> x\n`],
    ["misplaced_marker", 3, `${start}=======\n||||||| base\n>>>>>>> x\n`],
    ["misplaced_marker", 3, `${start}||||||| a\n||||||| b\n=======\n>>>>>>> x\n`],
    ["misplaced_marker", 3, `${start}a\n>>>>>>> x\n`],
    ["unfinished_conflict", 2, `a\n${start}a\n=======\nb\n`],
    ["stray_end_marker", 2, "a\n>>>>>>> x\nb\n"],
    ["stray_end_marker", 6, `${start}a\n=======\nb\n>>>>>>> x\n>>>>>>>\n`],
    ["binary", 2, `a\nb\0\n${start}`],
  ])("%s at line %i", (reason, line, text) => {
    expect(parseConflicts(text)).toEqual({ ok: false, refusal: { reason, line } });
  });
});

describe("marker sizes", () => {
  test.each([3, 7, 8, 32])("a size of %i is found without being told", (size) => {
    expect(parsed(`x\n${conflict(size)}y\n`).markerSize).toBe(size);
  });

  test("the longer markers of a virtual base are part of the base", () => {
    const text = write({ before: "", ours: "a\n", base: conflict(9), theirs: "c\n", after: "" }, 7, "\n");
    expect(listConflicts(parsed(text)).map(({ base }) => base)).toEqual([conflict(9)]);
  });

  test("two sizes side by side are refused, and read when the size is told", () => {
    const text = `${conflict(7)}${conflict(9)}`;
    expect(parseConflicts(text)).toEqual({
      ok: false,
      refusal: { reason: "ambiguous_marker_size", line: 8 },
    });
    expect(listConflicts(parsed(text, 9)).map(({ line }) => line)).toEqual([8]);
  });

  test("a damaged conflict of git's own size is not hidden by another size", () => {
    expect(parseConflicts(`<<<<<<< a\n${conflict(12)}`)).toEqual({
      ok: false,
      refusal: { reason: "unfinished_conflict", line: 1 },
    });
  });
});

test("lookalikes are text: headings, quotes, other lengths, other places", () => {
  const text = "Title\n=======\n|||||||\n <<<<<<< a\n<<<<<<<a\n<<<<<<<< \n>>>>>>>>quote\n=======\tx\n";
  expect(parsed(text)).toEqual({ segments: [{ kind: "text", text }], markerSize: 7 });
});

test("an empty file and a file without a last line end", () => {
  expect(parsed("").segments).toEqual([{ kind: "text", text: "" }]);
  const text = "<<<<<<<\na\n=======\n>>>>>>>";
  expect(listConflicts(parsed(text))).toMatchObject([{ ours: "a\n", base: null, theirs: "", raw: text }]);
});

test("a marker in an answer is seen", () => {
  expect(hasMarker("a\r\n=======\r\nb", 7)).toBe(true);
  expect(hasMarker("a\n========\n", 7)).toBe(false);
  expect(markerOf(">>>>>>> x\r\n", 7)).toBe("end");
});

test("a file of more conflicts than anybody decides is refused", () => {
  const many = "<<<<<<< a\n=======\n>>>>>>> b\n".repeat(1_001);
  expect(parseConflicts(many)).toEqual({
    ok: false,
    refusal: { reason: "too_many_conflicts", line: 3_001 },
  });
});
