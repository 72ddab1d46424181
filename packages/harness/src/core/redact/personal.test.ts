import fc from "fast-check";
import { expect, test } from "vitest";
import { PERSONAL_KINDS, redactPersonal } from "./personal.ts";

const all = (text: string): string => redactPersonal(text, PERSONAL_KINDS);

test.each([
  ["Mail anna.b+x@corp.example, please.", "Mail [address], please."],
  ["<jörg@müller.example>", "<[address]>"],
  ["a@b.co", "******"],
  ["To GB29 NWBK 6016 1331 9268 19 today", "To [account] today"],
  ["gb29nwbk60161331926819", "[account]"],
  ["card 4111 1111 1111 1111.", "card [account]."],
  ["call +49 (0)30 1234-567 now", "call [telephone] now"],
  ["0049301234567", "[telephone]"],
])("%s", (text, clean) => {
  expect(all(text)).toBe(clean);
});

test.each([
  "Version 1.2.3 of 2026-11-20 at 12:30",
  "order 4111 1111 1111 1112 and GB30 NWBK 6016 1331 9268 19",
  "@mention, a@b, 100 + 200 = 300",
  "sha256:0049301234567890abcdef",
  "12345678",
])("left as it is: %s", (text) => {
  expect(all(text)).toBe(text);
});

test("only the kinds that are asked for, and never a longer text", () => {
  const text = "anna@corp.example GB29NWBK60161331926819 +49301234567";
  expect(redactPersonal(text, ["telephones"])).toBe("anna@corp.example GB29NWBK60161331926819 [telephone]");
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom("a", "1", "@", ".", " ", "+", "-", "(", "0", "D", "E", "9"),
        maxLength: 200,
      }),
      (some) => {
        expect(all(some).length).toBeLessThanOrEqual(some.length);
      },
    ),
    { seed: 42 },
  );
});
