// A line that is read where it lies means what JSON.parse says of it, or is given to that.

import fc from "fast-check";
import { expect, test } from "vitest";
import { commitment } from "./leaf.ts";
import { readPayloads } from "./payload-lines.ts";
import { payloadLine } from "./verify-source.ts";

/** By JSON.parse alone. */
function meant(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null) return null;
    const [i, s, p] = ["i", "s", "p"].map((key): unknown => Reflect.get(value, key));
    if (typeof i !== "number" || typeof s !== "string" || typeof p !== "string") return null;
    const salt = Buffer.from(s, "base64");
    return [i, salt.byteLength === 32 ? commitment(salt, p).toString("hex") : null];
  } catch {
    return null;
  }
}

function reading(bytes: Uint8Array): unknown {
  const findings: string[] = [];
  const openings = readPayloads(bytes, 0, ({ code }) => findings.push(code));
  const [first] = openings;
  return findings.length > 0 ? null : first;
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
      expect(reading(Buffer.from(`${line}\n`))).toEqual(meant(line));
      expect(meant(line)).not.toBeNull();
    }),
    { seed: 42, numRuns: 500 },
  );
});

test("a line with any characters changed, put in or taken out means what JSON.parse says", () => {
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
      expect(reading(Buffer.from(other))).toEqual(meant(Buffer.from(other).toString()));
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
      if (JSON.stringify(reading(Buffer.from(other))) !== JSON.stringify(meant(other))) differing.push(at);
    }
  expect(differing).toEqual([]);
});

test("a second line for an entry, and one that opens none, are named", () => {
  const line = payloadLine(3, new Uint8Array(32), "{}");
  const findings: string[] = [];
  const openings = readPayloads(Buffer.from(`${line}\n${line}nothing\n`), 0, ({ code, at }) =>
    findings.push(`${code} at ${at}`),
  );
  expect([openings.size, findings]).toEqual([
    1,
    ["payload_malformed at payloads from entry 0", "payload_malformed at payloads from entry 0"],
  ]);
});
