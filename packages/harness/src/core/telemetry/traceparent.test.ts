import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";

const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: fc.constantFrom(..."0123456789abcdef".split("")), minLength: length, maxLength: length })
    .filter((text) => !/^0+$/.test(text));

test("what is written is read back", () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
      const parent = { traceId, spanId, sampled };
      expect(parseTraceparent(formatTraceparent(parent))).toEqual(parent);
    }),
    { seed: 20_261_120 },
  );
});

const ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

test.each([
  ["nothing", null],
  ["an empty text", ""],
  ["another version", `01-${ID}-${SPAN}-01`],
  ["the forbidden version", `ff-${ID}-${SPAN}-01`],
  ["a trace of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["a span of zeros", `00-${ID}-${"0".repeat(16)}-01`],
  ["capitals", `00-${ID.toUpperCase()}-${SPAN}-01`],
  ["something behind it", `00-${ID}-${SPAN}-01-x`],
  ["a line end", `00-${ID}-${SPAN}-01\n`],
  ["a trace that is too short", `00-${ID.slice(1)}-${SPAN}-01`],
])("%s is none", (_, text) => {
  expect(parseTraceparent(text)).toBeNull();
});
