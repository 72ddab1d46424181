import fc from "fast-check";
import { expect, test } from "vitest";
import { isPlaceholder } from "./placeholders.ts";
import { createRedactor, type Redactor } from "./redactor.ts";

const SECRET = "zR8vK2mQ9xT4wL7pN3sB6yC1dF5gH0jA";
const TOKEN = `ghp_${"a8Kd02LmPq7RtZ3xWv5B".repeat(2).slice(0, 36)}`;

function redactorOf(...secrets: readonly string[]): Redactor {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.register(secret, "provider_key");
  return redactor;
}

/** Texts with something in them for every rule, and everything that could confuse one. */
const pieces = fc.constantFrom(
  SECRET,
  TOKEN,
  "password=hunter2!",
  '"api_key": "8f7d6s5a4d3f2g1h0j9k"',
  "Authorization: Bearer abc.def-123456",
  "postgres://u:pa55word@h/d",
  "-----BEGIN PRIVATE KEY-----",
  "[redacted:password]",
  "[redacted:",
  "\\u0041\\n",
  '\\"',
  "%3D%41",
  "\u200b",
  "&quot;",
  "token: ",
  "\n",
  " ",
  "{",
  '"',
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
);
const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.array(fc.oneof(pieces, fc.string({ maxLength: 12 })), { maxLength: 20 }).map((parts) => parts.join("")),
);

test("a second time changes nothing, and no text makes it throw", () => {
  const redactor = redactorOf(SECRET);
  fc.assert(
    fc.property(texts, (text) => {
      const once = redactor.redactText(text).text;
      expect(redactor.redactText(once).text).toBe(once);
      expect(once).not.toContain(SECRET);
    }),
    { seed: 42, numRuns: 1_500 },
  );
});

test("valid JSON stays valid, whatever is in its strings", () => {
  const redactor = redactorOf(SECRET, "4815162342108");
  fc.assert(
    fc.property(
      fc.dictionary(
        texts,
        fc.oneof(texts, fc.array(texts, { maxLength: 4 }), fc.constant(4815162342108), fc.integer()),
      ),
      fc.constantFrom(0, 2),
      (value, indent) => {
        const redacted = redactor.redactText(JSON.stringify(value, null, indent)).text;
        expect(() => JSON.parse(redacted) as unknown).not.toThrow();
      },
    ),
    { seed: 42, numRuns: 1_700 },
  );
});

test("of an Authorization header nothing is told, whatever its value looks like", () => {
  const redactor = redactorOf();
  const value = fc
    .stringMatching(/^[A-Za-z][A-Za-z\d._~+/-]{5,40}$/)
    // What says that there is none, or names a place where one is.
    .filter((text) => !isPlaceholder(text) && !/[.]$/.test(text));
  fc.assert(
    fc.property(value, fc.constantFrom("", "Bearer ", "Token "), (text, scheme) => {
      for (const name of ["authorization", "Authorization", "Proxy-Authorization"]) {
        const { value: member } = redactor.redactJson({ headers: { [name]: `${scheme}${text}` } });
        expect(member).toEqual({ headers: { [name]: `${scheme}[redacted:authorization_header]` } });
        const line = redactor.redactText(`${name}: "${scheme}${text}"`).text;
        expect(line).toBe(`${name}: "${scheme}[redacted:authorization_header]"`);
      }
    }),
    { seed: 20_261_122, numRuns: 500 },
  );
});
