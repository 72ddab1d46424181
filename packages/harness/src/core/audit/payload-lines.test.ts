// A line opens its entry where it is spelled as exports write it, and in no other spelling: what is read where it lies
// means the same as what is parsed and written again.

import fc from "fast-check";
import { expect, test } from "vitest";
import { commitment } from "./leaf.ts";
import { z } from "zod";
import { createPayloadReader } from "./payload-lines.ts";
import type { OpenedText } from "./said-fields.ts";
import { payloadLine } from "./verify-source.ts";

/** By JSON.parse and JSON.stringify alone. */
function meant(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null) return null;
    const [i, s, p] = ["i", "s", "p"].map((key): unknown => Reflect.get(value, key));
    if (typeof i !== "number" || typeof s !== "string" || typeof p !== "string") return null;
    // Of the entries that are asked for, and between two of them there is none.
    if (!Number.isInteger(i) || i < 0 || i >= Number.MAX_SAFE_INTEGER) return null;
    // Half a character is committed to as another one.
    if (!p.isWellFormed()) return null;
    const salt = Buffer.from(s, "base64");
    if (line !== JSON.stringify({ i, s: salt.toString("base64"), p })) return null;
    const commit = salt.byteLength === 32 ? commitment(salt, p).toString("hex") : null;
    // Nothing is taken out of a payload that no entry can commit to.
    return [i, { index: i, commit, payload: commit === null ? "" : p }];
  } catch {
    return null;
  }
}

// One for all of them: nothing that was read before counts.
const READER = createPayloadReader();

/** Of a line that looks like another it is the line's own. */
function textOf({ bytes, from, to, layout }: OpenedText): unknown {
  const text = bytes.toString("utf8", from, to);
  return layout === null ? text : Reflect.get(z.record(z.string(), z.unknown()).parse(JSON.parse(text)), "p");
}

function reading(line: Uint8Array | string): unknown {
  const bytes = Buffer.concat([Buffer.from(line), Buffer.from("\n")]);
  const findings: string[] = [];
  const { indexes, commits, payloads } = READER.read(
    bytes,
    { first: 0, count: Number.MAX_SAFE_INTEGER },
    ({ code }) => findings.push(code),
  );
  const [index, payload] = [indexes[0], payloads[0]];
  if (findings.length > 0 || payload === undefined) return null;
  const hex = Buffer.from(commits.buffer, commits.byteOffset, 64).toString("latin1");
  const commit = hex.startsWith("-") ? null : hex;
  return [index, { index, commit, payload: textOf(payload) }];
}

const payloadOf = fc.oneof(
  fc.json(),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: fc.constantFrom("a", '"', "\\", "\n", "\u007f", "\u0080", "é", "\ud800", "}") }),
);
const lineOf = fc
  .tuple(fc.nat(2 ** 31), fc.uint8Array({ minLength: 32, maxLength: 32 }), payloadOf)
  .map(([index, salt, payload]) => payloadLine(index, salt, payload).trimEnd());

test("a line as exports write it opens its entry with what was written", () => {
  fc.assert(
    fc.property(lineOf, (line) => {
      expect(reading(line)).toEqual(meant(line));
      expect(meant(line) === null).toBe(line.includes(String.raw`\ud800`));
    }),
    { seed: 42, numRuns: 500 },
  );
});

test("a line with any characters changed, put in or taken out opens something only where that is its spelling", () => {
  const signs = fc.constantFrom(
    ...Array.from('0123 {}[]":,\\=+/AZ_-.eE\u0001'),
    "é",
    "\\u0041",
    "\\n",
    '\\"',
  );
  const changed = fc.tuple(lineOf, fc.nat(200), fc.nat(2), signs);
  fc.assert(
    fc.property(changed, ([line, place, taken, put]) => {
      const at = place % line.length;
      const other = line.slice(0, at) + put + line.slice(at + taken);
      expect(reading(other)).toEqual(meant(Buffer.from(other).toString()));
    }),
    { seed: 42, numRuns: 3_000 },
  );
});

test("every place of a written line is looked at", () => {
  const line = payloadLine(10, new Uint8Array(32).fill(200), '{"a":"b \\\\ c"}').trimEnd();
  const differing: number[] = [];
  for (let at = 0; at < line.length; at += 1)
    for (const put of ["", "0", '"', "\\", "=", "}", " ", "Z"]) {
      const other = line.slice(0, at) + put + line.slice(at + 1);
      if (JSON.stringify(reading(other)) !== JSON.stringify(meant(other))) differing.push(at);
    }
  expect(differing).toEqual([]);
});

test("lines that open none of the bundle's entries, each once and in their order, are named", () => {
  const line = (index: number): string => payloadLine(index, new Uint8Array(32), "{}");
  const findings: string[] = [];
  const text = [
    line(2),
    line(4),
    line(4),
    "nothing\n",
    line(3),
    "\n",
    line(6),
    line(1),
    line(5).trimEnd(),
  ].join("");
  const { indexes } = READER.read(Buffer.from(text), { first: 2, count: 4 }, ({ code, at, detail }) =>
    findings.push(`${code} at ${at}: ${detail}`),
  );
  const where = "payload_malformed at payloads from entry 2: ";
  expect([indexes, findings]).toEqual([
    [2, 4],
    [
      `${where}a line for entry 4 behind that of entry 4`,
      `${where}a line that is not as exports write them`,
      `${where}a line for entry 3 behind that of entry 4`,
      `${where}a line that is not as exports write them`,
      `${where}a line for entry 6, which is not among entries 2 to 5`,
      `${where}a line for entry 1, which is not among entries 2 to 5`,
      `${where}a line that is not as exports write them`,
    ],
  ]);
});

test.each<[string, (line: string) => string]>([
  ["a key twice, the one that is shown first", (line) => line.replace('"p":', '"p":"{}","p":')],
  ["a field that nobody committed to", (line) => line.replace(/}$/, ',"approved":true}')],
  ["a place in another form", (line) => line.replace('"i":7,', '"i":7.0,')],
  ["a place between two entries", (line) => line.replace('"i":7,', '"i":7.5,')],
  ["space within", (line) => line.replace(",", ", ")],
  ["a salt with signs that decoders skip", (line) => line.replace('"s":"', '"s":"!')],
  ["a salt whose last sign has bits of no byte", (line) => line.replace('8=","p"', '9=","p"')],
])("a line with %s opens nothing", (_, change) => {
  const line = payloadLine(7, new Uint8Array(32).fill(255), '{"a":"b"}').trimEnd();
  expect(line).toContain('8=","p"');
  expect(reading(line)).not.toBeNull();
  expect(change(line)).not.toBe(line);
  expect(reading(change(line))).toBeNull();
});
