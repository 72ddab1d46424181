// The Idempotency-Key header: draft-ietf-httpapi-idempotency-key-header-07, a string of RFC 9651, or bare.

import type { FastifyRequest } from "fastify";
import { expect, test } from "vitest";
import { IDEMPOTENCY_KEY_CHARS_MAX } from "../base/limits.ts";
import { IDEMPOTENCY_KEY_PATTERN, readIdempotencyKey } from "./idempotency-key.ts";

/** What of a request is read. */
const read = (header: string | string[] | undefined): ReturnType<typeof readIdempotencyKey> => {
  const headers: Pick<FastifyRequest, "headers"> = {
    headers: header === undefined ? {} : { "idempotency-key": header },
  };
  return readIdempotencyKey(headers);
};

const MOST = "k".repeat(IDEMPOTENCY_KEY_CHARS_MAX);

test.each([
  ["bare", "8e03978e-40d5", "8e03978e-40d5"],
  ["in quotes", '"8e03978e-40d5"', "8e03978e-40d5"],
  ["with blanks around it", "  k1\t", "k1"],
  ["with blanks around its quotes", '  "k1" ', "k1"],
  [
    "of every visible character",
    "!#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
    "!#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
  ],
  ["of what stands in quotes", '"a!#[]~z"', "a!#[]~z"],
  ["with an escaped quote", String.raw`"a\"b"`, 'a"b'],
  ["with an escaped backslash", String.raw`"a\\b"`, String.raw`a\b`],
  ["with both, in turns", String.raw`"\"\\\""`, String.raw`"\"`],
  ["as long as it may be", MOST, MOST],
  ["as long as it may be, in quotes", `"${MOST}"`, MOST],
  ["of one character", "k", "k"],
])("a key %s is read", (_, header, key) => {
  expect(read(header)).toEqual({ ok: true, value: key });
});

test("both spellings are the same key", () => {
  expect(read('"k1"')).toEqual(read("k1"));
});

test("without the header there is no key", () => {
  expect(read(undefined)).toEqual({ ok: true, value: null });
});

test("several of them are one list, which is no key in quotes", () => {
  expect(read(["a", "b"])).toEqual({ ok: true, value: "a,b" });
  expect(read(['"a"', '"b"'])).toMatchObject({ ok: false, error: { code: "invalid_request" } });
});

test.each(["", " ", "\t "])("an empty one is missing: %j", (header) => {
  expect(read(header)).toMatchObject({
    ok: false,
    error: { code: "idempotency_key_missing", detail: "The Idempotency-Key header is empty." },
  });
});

test.each([
  ["blanks inside", "a b"],
  ["blanks in quotes", '"a b"'],
  ["an opening quote alone", '"a'],
  ["a closing quote alone", 'a"'],
  ["a quote in quotes", '"a"b"'],
  ["something behind the quotes", '"a"b'],
  ["something before the quotes", 'b"a"'],
  ["another escape", String.raw`"a\nb"`],
  ["a backslash at the end", String.raw`"a\"`],
  ["no character in quotes", '""'],
  ["other letters", "schlüssel"],
  ["other letters in quotes", '"schlüssel"'],
  ["control characters", "a\u0001"],
  ["control characters in quotes", '"a\u0001"'],
  ["deleted characters", "a\u007f"],
  ["deleted characters in quotes", '"a\u007f"'],
  ["a line break", "a\nb"],
  ["parameters", '"a";b=c'],
  ["one character too many", `${MOST}k`],
  ["one character too many in quotes", `"${MOST}k"`],
])("%s is refused, with what it may be", (_, header) => {
  expect(read(header)).toMatchObject({
    ok: false,
    error: {
      code: "invalid_request",
      detail: `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters, bare or in quotes.`,
    },
  });
});

test("what the API document says of it tells the same apart", () => {
  const pattern = new RegExp(IDEMPOTENCY_KEY_PATTERN);
  for (const good of ["k1", '"k1"', String.raw`"a\"b"`, "~"]) expect(pattern.test(good)).toBe(true);
  for (const bad of ["", "a b", '"a', '"a"b', "é"]) expect(pattern.test(bad)).toBe(false);
});
