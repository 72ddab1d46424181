// What is taken out of a payload where it lies is what `JSON.parse` gives, whatever was read before: of lines that look alike as
// well, and of those that look alike but for one sign.

import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { createPayloadReader, isCommitted } from "./payload-lines.ts";
import { commitment } from "./leaf.ts";
import { createSaidReader, SAID_FIELDS } from "./said-fields.ts";
import { payloadLine } from "./verify-source.ts";

const ZEROS = new DataView(new ArrayBuffer(64));
// Another one now and then: how lines look is learnt of the first ones, and not of all.
let payloads = createPayloadReader();
let asked = 0;
function freshNowAndThen(): void {
  asked += 1;
  if (asked % 20 === 0) payloads = createPayloadReader();
}
const SAID = createSaidReader();

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const onlyLooked = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(SAID_FIELDS.map((name) => [name, Reflect.get(value, name)])) : value;

function meant(payload: string): unknown {
  try {
    return onlyLooked(JSON.parse(payload) ?? undefined);
  } catch {
    return undefined;
  }
}

/** @returns what the file says of its lines; null where one is no line. @param count of lines, for entries from 0 on */
function reading(file: string, count: number): unknown {
  const bytes = Buffer.from(file);
  const findings: string[] = [];
  const opened = payloads.read(bytes, { first: 0, count }, ({ code }) => findings.push(code));
  if (findings.length > 0) return null;
  return opened.indexes.map((_, which) => {
    const text = opened.payloads[which];
    return text === undefined ? null : onlyLooked(SAID.read(text));
  });
}

const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...Array.from("0123456789abcdef")), { minLength: length, maxLength: length })
    .map((all) => all.join(""));
const digest = hex(64).map((text) => `sha256:${text}`);
const textOf = fc.oneof(
  digest,
  hex(32).map((text) => `apr_${text}`),
  fc.constantFrom(
    "tool",
    "gate",
    "read_file",
    "2026-11-20T13:00:00.000Z",
    "",
    "a,b:{c}",
    "é",
    '"',
    "\\",
    "\u007f",
  ),
);
const valueOf = fc.oneof(
  { weight: 5, arbitrary: textOf },
  { weight: 2, arbitrary: fc.nat(2_000) },
  fc.constantFrom<unknown>(true, false, null, 0, -1, 1.5, 1e21, 2 ** 60, {}, [], { step: 3 }),
);
const nameOf = fc.constantFrom<string>(
  ...SAID_FIELDS,
  "model",
  "votes",
  "__proto__",
  "constructor",
  "st",
  "",
);
const payloadOf = fc.array(fc.tuple(nameOf, valueOf), { maxLength: 8 }).map(
  // As text, so that a name can stand there twice.
  (fields) =>
    `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`,
);

test("of payloads one behind the other each says what it says by itself", () => {
  const all = fc.array(fc.oneof(payloadOf, fc.json()), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(all, (once) => {
      freshNowAndThen();
      // The second time they look like what was read before.
      const told = [...once, ...once];
      const salt = new Uint8Array(32).fill(5);
      const file = told.map((payload, i) => payloadLine(i, salt, payload)).join("");
      expect(reading(file, told.length)).toEqual(told.map(meant));
      const opened = payloads.read(Buffer.from(file), { first: 0, count: told.length }, () => undefined);
      const commits = told.map((payload) => commitment(salt, payload).toString("hex"));
      const bytes = Buffer.from(commits.join(""));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const which of told.keys()) expect(isCommitted(opened, which, view, which * 64)).toBe(true);
    }),
    { seed: 42, numRuns: 250 },
  );
});

const CALL = {
  step: 7,
  step_kind: "tool",
  name: "read_file",
  effect: "none",
  action_digest: `sha256:${"0a".repeat(32)}`,
  effect_id: `sha256:${"1b".repeat(32)}`,
  verdict: "permit",
  input_tokens: 120,
  flag: true,
};

test("a line that looks like the one before it but for any one byte says what it says, or is no line", () => {
  const salt = new Uint8Array(32).fill(200);
  const [first, second] = [
    payloadLine(10, salt, JSON.stringify(CALL)),
    payloadLine(11, salt, JSON.stringify(CALL)),
  ];
  const lineSchema = z.object({ i: z.number(), s: z.string(), p: z.string() });
  payloads = createPayloadReader();
  const differing: string[] = [];
  for (let at = 0; at < second.length - 1; at += 1)
    for (const put of [
      "",
      "0",
      "9",
      "a",
      "f",
      "g",
      '"',
      "\\",
      ",",
      ":",
      "}",
      "=",
      "Z",
      "\\\\",
      "\u0001",
      "é",
    ]) {
      const other = second.slice(0, at) + put + second.slice(at + 1);
      const bytes = Buffer.from(first + other);
      const findings: string[] = [];
      const opened = payloads.read(bytes, { first: 10, count: 10 }, ({ code }) => findings.push(code));
      const line = lineOf(other);
      const isLine = line !== null && Number.isInteger(line.i) && line.i > 10 && line.i < 20;
      if ((findings.length === 0) !== isLine) differing.push(`${at} ${put}`);
      const text = opened.payloads[1];
      if (line === null || !isLine || text === undefined) continue;
      const salted = Buffer.from(line.s, "base64");
      if (salted.byteLength !== 32) {
        if (isCommitted(opened, 1, ZEROS, 0) !== null) differing.push(`${at} ${put} has no salt`);
        continue;
      }
      const said = onlyLooked(SAID.read(text));
      if (JSON.stringify(said) !== JSON.stringify(meant(line.p))) differing.push(`${at} ${put} says`);
      const commit = Buffer.from(commitment(salted, line.p).toString("hex"));
      const view = new DataView(commit.buffer, commit.byteOffset, commit.byteLength);
      if (isCommitted(opened, 1, view, 0) !== true) differing.push(`${at} ${put} commits`);
    }
  expect(differing).toEqual([]);

  function lineOf(text: string): z.infer<typeof lineSchema> | null {
    try {
      const line = lineSchema.parse(JSON.parse(text));
      const decoded = Buffer.from(line.s, "base64");
      const isWritten = payloadLine(line.i, decoded, line.p) === text;
      return isWritten ? line : null;
    } catch {
      return null;
    }
  }
});

test("lines that are all of their own look are read as well, and so are those that come then", () => {
  const salt = new Uint8Array(32);
  payloads = createPayloadReader();
  const odd = Array.from({ length: 3_000 }, (_, i) =>
    JSON.stringify({ ...CALL, name: "n".repeat(i % 1_500) }),
  );
  const file = odd.map((payload, i) => payloadLine(i, salt, payload)).join("");
  expect(reading(file, odd.length)).toEqual(odd.map(meant));
  const more = Array.from({ length: 300 }, (_, i) => JSON.stringify({ ...CALL, step: i + 1 }));
  const rest = more.map((payload, i) => payloadLine(i, salt, payload)).join("");
  expect(reading(rest, more.length)).toEqual(more.map(meant));
});

test("a text that is met again is itself, whichever other ones have had its place", () => {
  const reader = createSaidReader();
  // Told apart by their last two signs alone, which are no whole word: of so many some have one place.
  const signs = Array.from({ length: 90 }, (_, i) => String.fromCodePoint(0x21 + i));
  const texts = signs.flatMap((one) => signs.map((other) => `name${one}${other}`));
  const bytes = Buffer.from(texts.join(""), "latin1");
  const wrong: string[] = [];
  for (const turn of [1, 2]) {
    let from = 0;
    for (const meantText of texts) {
      if (reader.text(bytes, from, from + meantText.length) !== meantText) wrong.push(`${turn} ${meantText}`);
      from += meantText.length;
    }
  }
  expect(wrong).toEqual([]);
});
