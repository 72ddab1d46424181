import fc from "fast-check";
import { expect, test } from "vitest";
import { AssertionFailed } from "./assert.ts";
import { canonicalJson } from "./canonical-json.ts";

test("equal values give equal bytes, whatever the order of their keys", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const shuffled: unknown = JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
        typeof item === "object" && item !== null && !Array.isArray(item)
          ? Object.fromEntries(Object.entries(item).toReversed())
          : item,
      );
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(canonicalJson(shuffled)).toBe(canonicalJson(plain));
    }),
    { seed: 42 },
  );
});

test("what comes back is what went in", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
    }),
    { seed: 42 },
  );
});

// RFC 8785, section 3.2.3: the order of its own example.
test("keys are in the order of their UTF-16 code units", () => {
  const keys = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
  const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
  const parsed: Record<string, number> = JSON.parse(text);
  expect(Object.keys(parsed).filter((key) => key !== "1")).toEqual([
    "\r",
    "\u0080",
    "\u00f6",
    "\u20ac",
    "\ud83d\ude00",
    "\ufb33",
  ]);
});

test.each([
  ["undefined", { a: undefined }],
  ["a function", { a: () => 1 }],
  ["a Map", new Map([["a", 1]])],
  ["a Date", { at: new Date(0) }],
  ["NaN", [Number.NaN]],
  ["infinity", [Number.POSITIVE_INFINITY]],
  ["a bigint", 1n],
  ["a lone surrogate", "\ud800"],
  ["a lone surrogate as a key", { "\udc00": 1 }],
])("%s is refused, not dropped: two things would share a digest", (_name, value) => {
  expect(() => canonicalJson(value)).toThrow(AssertionFailed);
});

// RFC 8785, sections 3.2.2 and 3.2.4: its example, and the bytes that it has to become.
test("the specification's example has the bytes that the specification says", () => {
  const text =
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}';
  expect(Buffer.from(canonicalJson(JSON.parse(text))).toString("hex")).toBe(
    [
      "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a",
      "5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d3237",
      "5d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d",
    ].join(""),
  );
});

// RFC 8785, appendix B: bits of a number by IEEE 754, and how it is spelled.
test.each([
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
])("the number %s is spelled %s", (bits, spelled) => {
  expect(canonicalJson(Buffer.from(bits, "hex").readDoubleBE())).toBe(spelled);
});

test.each(["7fffffffffffffff", "7ff0000000000000"])("the bits %s are no number, and are refused", (bits) => {
  expect(() => canonicalJson(Buffer.from(bits, "hex").readDoubleBE())).toThrow(AssertionFailed);
});
