// Taking spans out of a text: what marks replace, what they must not break, and in how many rounds. What is found is given
// here, so that each rule is looked at by itself.

import { expect, test } from "vitest";
import type { Detector } from "./detectors.ts";
import { createKnownSecrets } from "./known.ts";
import { createTextRedactor, replaceSpans, type TextRedactor } from "./redact.ts";
import type { Span } from "./span.ts";

/** Finds each place of these parts; the longest first where several begin. */
const finding =
  (...parts: readonly string[]): Detector =>
  (text) =>
    parts.flatMap((part) => {
      const spans: Span[] = [];
      for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1))
        spans.push({ start: at, end: at + part.length, kind: "found" });
      return spans;
    });

const redactorOf = (detect: Detector): TextRedactor => createTextRedactor(createKnownSecrets(), detect);
const clean = (text: string, ...parts: readonly string[]): string =>
  redactorOf(finding(...parts)).redactText(text).text;

/** One span of a text, given by what stands in it. */
const replaced = (text: string, part: string): string =>
  replaceSpans(text, [{ start: text.indexOf(part), end: text.indexOf(part) + part.length, kind: "k" }]);
const M = "[redacted:k]";

test.each([
  ["alone", "12345678", M],
  ["the value of a member", '{"a":12345678}', `{"a":"${M}"}`],
  ["with blanks around it", '{"a" : 12345678 }', `{"a" : "${M}" }`],
  [
    "with as many blanks as are looked at",
    `{"a"${" ".repeat(8)}:${" ".repeat(8)}12345678${" ".repeat(8)}}`,
    `{"a"${" ".repeat(8)}:${" ".repeat(8)}"${M}"${" ".repeat(8)}}`,
  ],
  [
    "with more blanks before it than are looked at",
    `{"a":${" ".repeat(9)}12345678}`,
    `{"a":${" ".repeat(9)}${M}}`,
  ],
  [
    "with more blanks behind it than are looked at",
    `{"a":12345678${" ".repeat(9)}}`,
    `{"a":${M}${" ".repeat(9)}}`,
  ],
  ["first of a list", "[12345678,1]", `["${M}",1]`],
  ["within a list", "[1, 12345678, 2]", `[1, "${M}", 2]`],
  ["last of a list", "[1,12345678]", `[1,"${M}"]`],
  ["with more members behind it", '{"a":12345678,"b":1}', `{"a":"${M}","b":1}`],
  ["in lines", '{\n  "a": 12345678\n}', `{\n  "a": "${M}"\n}`],
  ["with nothing behind it", '{"a":12345678', `{"a":${M}`],
  ["behind a name without quotes", "{a:12345678}", `{a:${M}}`],
  ["in a sentence", "It is 12345678, no less", `It is ${M}, no less`],
  ["in a string", '["x 12345678"]', `["x ${M}"]`],
  ["with a word behind it", "[12345678 x]", `[${M} x]`],
])("a number %s", (_, text, expected) => {
  expect(replaced(text, "12345678")).toBe(expected);
});

test.each([
  ["a whole number", "12345678", true],
  ["below zero", "-12345678", true],
  ["with a point", "1234.5678", true],
  ["with an exponent", "1.5e+308", true],
  ["with a small exponent", "15E-30", true],
  ["of one digit", "7", true],
  ["a word", "abcdefgh", false],
  ["a word that begins with digits", "1234abcd", false],
  ["a word that ends with digits", "abcd1234", false],
  ["a sign alone", "-", false],
  ["with two signs", "--1", false],
])("%s takes quotes along in JSON: %s", (_, part, isNumber) => {
  expect(replaced(`[${part}]`, part)).toBe(isNumber ? `["${M}"]` : `[${M}]`);
});

test("a very long number is one by its first digits, and a word with more letters than those is none", () => {
  const digits = "1".repeat(200);
  expect(replaced(`[${digits}]`, digits)).toBe(`["${M}"]`);
  const word = `${"1".repeat(64)}abc`;
  expect(replaced(`[${word}]`, word)).toBe(`["${M}"]`);
  const short = `${"1".repeat(63)}abc`;
  expect(replaced(`[${short}]`, short)).toBe(`[${M}]`);
});

test.each([
  ["no backslash", "xnabc", "nabc", `x${M}`],
  ["one", String.raw`x\nabc`, "nabc", `x${M}`],
  ["two: the escape is a backslash", String.raw`x\\nabc`, "nabc", String.raw`x\\` + M],
  ["three", String.raw`x\\\nabc`, "nabc", String.raw`x\\` + M],
  ["one at the beginning", String.raw`\nabc`, "nabc", M],
  ["one before no escape", String.raw`x\qabc`, "qabc", String.raw`x\ `.trimEnd() + M],
  ["one before a quote", String.raw`x\"abc`, '"abc', `x${M}`],
  ["one before a code unit", String.raw`x\u0041bc`, "u0041bc", `x${M}`],
  ["sixteen", `${"\\".repeat(16)}nabc`, "nabc", `${"\\".repeat(16)}${M}`],
  ["fifteen", `${"\\".repeat(15)}nabc`, "nabc", `${"\\".repeat(14)}${M}`],
  // More than anybody writes: sixteen are looked at, so that hostile text costs no more.
  ["seventeen", `${"\\".repeat(17)}nabc`, "nabc", `${"\\".repeat(17)}${M}`],
])("what begins within an escape takes it along: %s", (_, text, part, expected) => {
  expect(replaced(text, part)).toBe(expected);
});

test("several spans are replaced in order, each once, with what is between them", () => {
  expect(
    replaceSpans("a11b22c", [
      { start: 1, end: 3, kind: "one" },
      { start: 4, end: 6, kind: "two" },
    ]),
  ).toBe("a[redacted:one]b[redacted:two]c");
  // A backslash that went with the one before is not taken twice.
  expect(
    replaceSpans(String.raw`a\n`, [
      { start: 0, end: 2, kind: "one" },
      { start: 2, end: 3, kind: "two" },
    ]),
  ).toBe("[redacted:one][redacted:two]");
  expect(replaceSpans("abc", [])).toBe("abc");
});

const MARK = "[redacted:old]";

test.each([
  ["a mark", MARK, [MARK], MARK],
  ["a secret before a mark", `abcd${MARK}`, [`abcd${MARK}`], `[redacted:found]${MARK}`],
  ["a secret behind a mark", `${MARK}abcd`, [`${MARK}abcd`], `${MARK}[redacted:found]`],
  [
    "secrets on both sides",
    `abcd${MARK}efgh`,
    [`abcd${MARK}efgh`],
    `[redacted:found]${MARK}[redacted:found]`,
  ],
  [
    "and between two marks",
    `${MARK}abcd${MARK}efgh`,
    [`${MARK}abcd${MARK}efgh`],
    `${MARK}[redacted:found]${MARK}[redacted:found]`,
  ],
  ["one character beside a mark", `a${MARK}b`, [`a${MARK}b`], `a${MARK}b`],
  ["blanks and brackets beside a mark", `"- ${MARK} )]`, [`"- ${MARK} )]`], `"- ${MARK} )]`],
  ["two characters apart beside a mark", `a-b${MARK}`, [`a-b${MARK}`], `a-b${MARK}`],
  ["what ends in a mark", `abcd${MARK}`, ["abcd[redacted:o"], `[redacted:found]${MARK}`],
  ["what begins in a mark", `${MARK}abcd`, ["d:old]abcd"], `${MARK}[redacted:found]`],
  ["what lies within a mark", MARK, ["redacted"], MARK],
  ["marks elsewhere", `${MARK} abcd ${MARK}`, ["abcd"], `${MARK} [redacted:found] ${MARK}`],
  ["a secret after several marks", `${MARK}${MARK} abcd`, ["abcd"], `${MARK}${MARK} [redacted:found]`],
  [
    "several secrets among marks",
    `abcd ${MARK} efgh ${MARK} abcd`,
    ["abcd", "efgh"],
    `[redacted:found] ${MARK} [redacted:found] ${MARK} [redacted:found]`,
  ],
])("%s: marks are no secrets", (_, text, parts, expected) => {
  expect(clean(text, ...parts)).toBe(expected);
});

test.each([
  ["in capitals", "[redacted:OLD]"],
  ["without a kind", "[redacted:]"],
  ["that does not end", "[redacted:old"],
  ["with another word", "[removed:old]"],
  ["with a kind too long", `[redacted:${"k".repeat(65)}]`],
])("what only looks like a mark is taken out: %s", (_, text) => {
  expect(clean(text, text)).toBe("[redacted:found]");
});

test.each(["a", "key_2", "k".repeat(64)])("[redacted:%s] is a mark", (kind) => {
  expect(clean(`[redacted:${kind}]`, `[redacted:${kind}]`)).toBe(`[redacted:${kind}]`);
});

test("what was in a secret's shade is taken out next, in three rounds and no more", () => {
  // Each time it is looked at, one more is there: text that lays bare ever more.
  let looks = 0;
  const detect: Detector = (text) => {
    looks += 1;
    const at = text.indexOf("ab");
    return at === -1 ? [] : [{ start: at, end: at + 2, kind: `round${looks}` }];
  };
  const { text, counts } = redactorOf(detect).redactText("ab ab ab ab");
  expect(text).toBe("[redacted:round1] [redacted:round2] [redacted:round3] ab");
  expect(counts).toEqual({ round1: 1, round2: 1, round3: 1 });
  expect(looks).toBe(3);
});

test("it looks once more after it took something out, and not again when nothing was found", () => {
  let looks = 0;
  const detect: Detector = (text) => {
    looks += 1;
    return finding("secret")(text);
  };
  const redactor = redactorOf(detect);
  expect(redactor.redactText(`secret and ${"x".repeat(80)} secret`).counts).toEqual({ found: 2 });
  expect(looks).toBe(2);
  redactor.redactText("y".repeat(80));
  expect(looks).toBe(3);
});

/** How often such a text is looked at, when it comes again. */
function looksAt(
  texts: readonly string[],
  between: (known: ReturnType<typeof createKnownSecrets>) => void,
): number[] {
  let looks = 0;
  const known = createKnownSecrets();
  const redactor = createTextRedactor(known, () => {
    looks += 1;
    return [];
  });
  const counted = texts.map((text) => {
    looks = 0;
    const redacted = redactor.redactText(text);
    expect(redacted).toEqual({ text, counts: {} });
    return looks;
  });
  between(known);
  return [
    ...counted,
    ...texts.map((text) => {
      looks = 0;
      redactor.redactText(text);
      return looks;
    }),
  ];
}

test("a short text that was clean is not looked at again, until another secret is known; a longer one always is", () => {
  const short = "x".repeat(64);
  const long = "x".repeat(65);
  expect(looksAt([short, long], () => undefined)).toEqual([1, 1, 0, 1]);
  expect(looksAt([short, long], (known) => known.register("another-secret-99", "k"))).toEqual([1, 1, 1, 1]);
});

test("what is remembered is bounded: the oldest goes for the newest", () => {
  const many = Array.from({ length: 2_048 }, (_, at) => `label ${at}`);
  let looks = 0;
  const redactor = redactorOf(() => {
    looks += 1;
    return [];
  });
  for (const text of many) redactor.redactText(text);
  looks = 0;
  for (const text of many) redactor.redactText(text);
  expect(looks).toBe(0);
  redactor.redactText("one more");
  looks = 0;
  for (const text of many.slice(1)) redactor.redactText(text);
  expect(looks).toBe(0);
  redactor.redactText(many[0] ?? "");
  expect(looks).toBe(1);
});

test("a short text that held a secret is looked at each time, and each time cleaned", () => {
  const redactor = redactorOf(finding("secret"));
  for (let n = 0; n < 3; n += 1)
    expect(redactor.redactText("a secret")).toEqual({ text: "a [redacted:found]", counts: { found: 1 } });
});

test("secrets that are known come before rules, and both are told in order", () => {
  const known = createKnownSecrets();
  known.register("s3!cr#T9x", "given");
  const redactor = createTextRedactor(known, finding("other", "s3!cr#T9x and"));
  expect(redactor.findSpans("other s3!cr#T9x and other")).toEqual([
    { start: 0, end: 5, kind: "found" },
    { start: 6, end: 19, kind: "found" },
    { start: 20, end: 25, kind: "found" },
  ]);
  expect(redactor.findSpans("s3!cr#T9x")).toEqual([{ start: 0, end: 9, kind: "given" }]);
});
