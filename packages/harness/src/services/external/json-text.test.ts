import fc from "fast-check";
import { expect, test } from "vitest";
import { readableText } from "./json-text.ts";

test("text stands as it is; in anything else each leaf has its line, without escapes", () => {
  expect(readableText('say "hi"\n')).toBe('say "hi"\n');
  expect(readableText({ from: 'a "b"', list: [1, true, null, { x: "y" }], empty: {} })).toBe(
    ['from: a "b"', "list:", " 1", " true", " null", " x: y", "empty:"].join("\n"),
  );
});

test("whatever stands in a value, stands in its text: names and strings whole", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = readableText(value);
      const visit = (inner: unknown): void => {
        if (typeof inner === "string") expect(text).toContain(inner);
        if (typeof inner !== "object" || inner === null) return;
        if (!Array.isArray(inner)) for (const name of Object.keys(inner)) expect(text).toContain(name);
        for (const item of Object.values(inner)) visit(item);
      };
      visit(value);
    }),
    { seed: 42 },
  );
});
