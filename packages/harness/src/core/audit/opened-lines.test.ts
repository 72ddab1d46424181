// Opened fields are read by people: they say what is sealed in the payload, or they are named.

import { idFromUuid } from "@assent/contract";
import { expect, test } from "vitest";
import { sealedPlace, sealText } from "./sealed.ts";
import { commitment } from "./leaf.ts";
import { at, entry, exportOf, type Files, found, verify } from "./testing/made-export.ts";

const KEY = new Uint8Array(32).fill(9);
const SUBJECT = `run_${"0".repeat(32)}`;
const FIELDS = { name: "Ann", "metadata.reason": "asked" };
const tenant = idFromUuid("ten", "00000000-0000-0000-0000-000000000000");

const sealedEntry = (i: number, fields: object = FIELDS): ReturnType<typeof entry> => {
  const one = entry(i, { subject: SUBJECT, version: i + 1 });
  const sealed = sealText(KEY, sealedPlace(tenant, SUBJECT), JSON.stringify(fields));
  const payload = JSON.stringify({ n: i, sealed });
  const commit = commitment(one.salt, payload).toString("hex");
  const leaf = Buffer.from(one.leaf)
    .toString()
    .replace(/"commit":"[0-9a-f]{64}"/, `"commit":"${commit}"`);
  return { ...one, payload, leaf: Buffer.from(leaf) };
};

const lineOf = (i: number, f: object = FIELDS, key: Uint8Array = KEY): string =>
  `${JSON.stringify({ i, k: Buffer.from(key).toString("base64"), f })}\n`;
const opened = (lines: string): Files =>
  exportOf([sealedEntry(0), sealedEntry(1)]).set("opened/000", Buffer.from(lines));

test("fields that are what was sealed pass, those of some entries alone as well", () => {
  for (const lines of [lineOf(0) + lineOf(1), lineOf(1), ""])
    expect(found(verify(opened(lines)))).toEqual([]);
});

test.each<[string, () => Files, string]>([
  ["another name", () => opened(lineOf(0, { ...FIELDS, name: "Bob" })), "opened_altered at entry 0"],
  ["a field more", () => opened(lineOf(0, { ...FIELDS, source: "x" })), "opened_altered at entry 0"],
  ["a field less", () => opened(lineOf(0, { name: "Ann" })), "opened_altered at entry 0"],
  [
    "another key",
    () =>
      opened(
        lineOf(
          0,
          FIELDS,
          KEY.map(() => 8),
        ),
      ),
    "opened_altered at entry 0",
  ],
  ["an entry's twice", () => opened(lineOf(0) + lineOf(0)), "opened_malformed at opened fields from entry 0"],
  ["an entry's that is none", () => opened(lineOf(2)), "opened_malformed at opened fields from entry 0"],
  [
    "a line that says two things",
    () => opened(lineOf(0).replace('"f":', '"f":{},"f":')),
    "opened_malformed at opened fields from entry 0",
  ],
  [
    "a name of half a character",
    () => opened(lineOf(0, { ...FIELDS, name: "A\ud800" })),
    "opened_altered at entry 0",
  ],
  [
    "bytes that are no character",
    () => {
      // What is sealed has the sign for what cannot be shown, of three bytes; one of them alone reads the same.
      const fields = { name: "A\ufffdn" };
      const line = Buffer.from(lineOf(0, fields));
      const sign = line.indexOf(0xef);
      const shown = Buffer.concat([line.subarray(0, sign + 1), line.subarray(sign + 3)]);
      return exportOf([sealedEntry(0, fields)]).set("opened/000", shown);
    },
    "opened_altered at entry 0",
  ],
  [
    "fields nested deeper than anybody writes them",
    () => opened(lineOf(0).replace('{"name"', `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)},"name"`)),
    "opened_malformed at opened fields from entry 0",
  ],
  ["a key spelled otherwise", () => opened(lineOf(0).replace("CQkJ", "CQk J")), "opened_altered at entry 0"],
  [
    "those of a payload that is gone",
    () => {
      const files = opened(lineOf(0));
      return files.set(
        "payloads/000",
        at(files, "payloads/000").subarray(at(files, "payloads/000").indexOf("\n") + 1),
      );
    },
    "opened_altered at entry 0",
  ],
])("named: %s", (_, files, finding) => {
  expect(found(verify(files()))).toContain(finding);
});
