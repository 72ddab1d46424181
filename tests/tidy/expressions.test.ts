// V8 13.6 loses modifiers (`(?i:…)`) in expressions that it compiles without optimising, as it does in processes that have run
// for long (tests/security/prompt/unoptimised.test.ts). Flags of a whole expression are kept.

import { expect, test } from "vitest";
import { lineAt, listFiles, read, visit } from "./tree.ts";

const MODIFIERS = /\(\?(?:[ims]+(?:-[ims]*)?|-[ims]+):/;

/** Where a text or an expression of the program holds modifiers; comments may. */
function modifiersIn(file: string, text: string): string[] {
  const found: string[] = [];
  // Most hold none anywhere, and need not be parsed.
  if (!MODIFIERS.test(text)) return found;
  visit(file, text, (node) => {
    if (node.type !== "Literal" && node.type !== "TemplateElement") return;
    if (MODIFIERS.test(text.slice(node.start, node.end))) found.push(`${file}:${lineAt(text, node.start)}`);
  });
  return found;
}

test("no expression of the product or its scripts has modifiers within", () => {
  const files = listFiles("packages/*/src/**/*.{ts,tsx}", "packages/*/bin/*.mjs", "scripts/*.{ts,mjs}");
  expect(files.length).toBeGreaterThan(500);
  expect(files.flatMap((file) => modifiersIn(file, read(file)))).toEqual([]);
});

test.each(["/a(?i:b)/", '"(?i:b)"', "`a(?s-i:${b})`", "`${a}(?-i:b)`", "String.raw`(?ims:b)`"])(
  "finds %s",
  (text) => {
    expect(modifiersIn("x.ts", `const x = ${text};`)).toEqual(["x.ts:1"]);
  },
);

test.each(["/(?:b)/i", '"(?<i>b)"', "/(?=i)(?!s)(?<=m)/", "a; // (?i:b)"])("passes %s", (text) => {
  expect(modifiersIn("x.ts", `const x = ${text};`)).toEqual([]);
});
