import fc from "fast-check";
import { expect, test } from "vitest";
import { createKnownSecrets } from "./known.ts";
import { replaceSpans } from "./redact.ts";

function maskerOf(secret: string): (text: string) => string {
  const known = createKnownSecrets();
  expect(known.register(secret, "given")).toBe("registered");
  return (text) => replaceSpans(text, known.find(text));
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("any secret is found at any place of any text, in base64 of any content around it", () => {
  fc.assert(
    fc.property(
      fc
        .string({ unit: "grapheme-ascii", minLength: 16, maxLength: 80 })
        .filter((s) => s.trim().length >= 16 && s.trim() === s && new Set(s).size > 8),
      fc.string({ maxLength: 40 }),
      fc.string({ maxLength: 40 }),
      (secret, before, after) => {
        const mask = maskerOf(secret);
        expect(mask(`${before}${secret}${after}`)).not.toContain(secret);
        const inside = base64(before + secret + after);
        const core = inside.slice(Math.ceil((Buffer.byteLength(before) * 4) / 3) + 1).slice(0, 16);
        expect(mask(`x ${inside} y`)).not.toContain(core);
      },
    ),
    { seed: 42, numRuns: 300 },
  );
});

test("an ordinary text is left alone, however many secrets are known", () => {
  const known = createKnownSecrets();
  for (let n = 0; n < 200; n += 1)
    known.register(Buffer.from(`${n}-Kq7/vT2+xWz9-Lm4_RbN8sYc3HdJ6fGp=e5A`).toString("hex"), "given");
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(200);
  expect(known.find(text)).toEqual([]);
  expect(known.count).toBe(200);
});
