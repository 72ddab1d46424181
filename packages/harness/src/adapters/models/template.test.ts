import fc from "fast-check";
import { expect, test } from "vitest";
import { fillTemplate, parseTemplate } from "./template.ts";

const HISTORY =
  "aaaa 2026-11-01 Fix the {1} thing\nbbbb 2026-10-31 Add {{result:x}} | pipes\ncccc 2026-10-30 \n";

function fill(text: string, result: string = HISTORY): string {
  const template = parseTemplate(text);
  if (!template.ok) return `refused: ${template.error}`;
  const filled = fillTemplate(template.value, new Map([["h", result]]));
  return filled.ok ? filled.value : `missing: ${filled.error}`;
}

test.each([
  ["no insertion", "no insertion"],
  ["{{result:h | lines 2 2}}", "bbbb 2026-10-31 Add {{result:x}} | pipes"],
  ["{{result:h | lines 3 9 | trim}}", "cccc 2026-10-30"],
  ["{{result:h | lines 8 9}}", ""],
  ['{{result:h | match "Fix" | prefix "- "}}', "- aaaa 2026-11-01 Fix the {1} thing"],
  ['{{result:h | match ".*"}}', ""],
  [
    '<{{result:h | lines 1 2 | columns 3 "- {3} ({1})"}}>',
    "<- Fix the {1} thing (aaaa)\n- Add {{result:x}} | pipes (bbbb)>",
  ],
  ['{{result:h | lines 3 3 | columns 3 "{3}|{9}"}}', "|"],
  ['{{result:h | lines 1 1 | columns 1 "{1}"}}', "aaaa 2026-11-01 Fix the {1} thing"],
])("%s", (text, filled) => {
  expect(fill(text)).toBe(filled);
});

test.each([
  ["{{result:h", "an insertion is not closed"],
  ["{{h}}", "an insertion begins with result:<call id>"],
  ["{{result:h |}}", 'there is no filter ""'],
  ["{{result:h | upper}}", 'there is no filter "upper"'],
  ["{{result:h | lines 1}}", 'there is no filter "lines 1"'],
  ["{{result:h | lines 0 1}}", 'there is no filter "lines 0 1"'],
  ["{{result:h | lines 1 2 3}}", 'there is no filter "lines 1 2 3"'],
  ["{{result:h | prefix x}}", 'there is no filter "prefix x"'],
  ["{{result:h | trim 1}}", 'there is no filter "trim 1"'],
  ['{{result:h | prefix "x}}', "an insertion has an open quote"],
  ["{{result:../h}}", "an insertion begins with result:<call id>"],
])("%s is refused", (text, error) => {
  expect(fill(text)).toBe(`refused: ${error}`);
});

test("a result that is not there is an error, never an empty text", () => {
  expect(fill("{{result:other}}")).toBe('missing: there is no result of the call "other"');
});

test("a result that grows without end is refused", () => {
  const prefix = `{{result:h | prefix "${"x".repeat(1_000)}"}}`;
  expect(fill(prefix, "\n".repeat(1_000))).toMatch(/^missing: the text grows past/);
});

// Data is not instruction: what a tool returned is never read as a template, whatever it holds.
test("a result is inserted as it is", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("{", "}", "r", ":", "h", "|", " ", '"', "\n", "1") }),
      (result) => {
        expect(fill("<{{result:h}}>", result)).toBe(`<${result}>`);
      },
    ),
    { seed: 42, numRuns: 500 },
  );
});

test("no text makes the parser throw or hang", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom("{{", "}}", "result:h", "|", " ", '"', "lines", "1", "2", "prefix", "columns"),
      ),
      (words) => {
        expect(typeof fill(words.join(""))).toBe("string");
      },
    ),
    { seed: 42, numRuns: 500 },
  );
});
