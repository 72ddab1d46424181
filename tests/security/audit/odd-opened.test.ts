// Fields that somebody was given to read (`opened/`), before both verifiers: they say what is sealed in the payload, or are named by both
// in the same words.

import { createCipheriv } from "node:crypto";
import { idFromUuid } from "@assent/contract";
import { expect, test } from "vitest";
import { commitment } from "../../../packages/harness/src/core/audit/leaf.ts";
import {
  dataKeyId,
  paddedJson,
  sealedPlace,
  sealText,
} from "../../../packages/harness/src/core/audit/sealed.ts";
import {
  at,
  type Entry,
  entry,
  exportOf,
  type Files,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { judge } from "../../support/both-verifiers.ts";
import { isPythonHere, secondVerifierOpens } from "../../support/second-verifier.ts";
import { tamperedFiles } from "../../support/tampered-files.ts";
import { randomOf } from "../../support/told-runs.ts";

const TENANT = idFromUuid("ten", "00000000-0000-0000-0000-000000000000");
const SUBJECT = `doc_${"0".repeat(32)}`;
const KEY = new Uint8Array(32).fill(9);
const FIELDS = {
  name: "Ann \u00e9 \u{1f600}",
  source: { "2": 1e21, "1": [0.5, -1e-7, true, null], b: "\u2028" },
};
const PLACE = sealedPlace(TENANT, SUBJECT);

function sealedEntry(i: number, sealed: string, subject = SUBJECT): Entry {
  const one = entry(i, { subject, version: i + 1, kind: "document_added" });
  const payload = JSON.stringify({ n: i, sealed });
  const commit = commitment(one.salt, payload).toString("hex");
  const line = Buffer.from(one.leaf).toString();
  const leaf = Buffer.from(line.replace(/"commit":"[0-9a-f]{64}"/u, `"commit":"${commit}"`));
  return { ...one, payload, leaf };
}
const sealedAs = (text: string): string => sealText(KEY, PLACE, text);
const HONEST = [0, 1].map((i) => sealedEntry(i, sealedAs(paddedJson(FIELDS))));
const WHOLE = exportOf(HONEST);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const lineOf = (i: number, f: unknown = FIELDS, key = KEY): string =>
  `${JSON.stringify({ i, k: base64(key), f })}\n`;
const showing = (shown: Uint8Array | string, files: Files = WHOLE): Files =>
  new Map(files).set("opened/000", Buffer.from(shown));
const sealing = (sealed: string, f: unknown = FIELDS): Files =>
  showing(lineOf(0, f), exportOf([sealedEntry(0, sealed)]));

/** What is sealed is no text in UTF-8: read as one, it has the sign for what cannot be shown. */
function sealedBytes(bytes: Uint8Array): string {
  const cipher = createCipheriv("aes-256-gcm", KEY, Buffer.alloc(12), { authTagLength: 16 });
  cipher.setAAD(Buffer.from(PLACE));
  const box = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return `v1.${dataKeyId(KEY).toString("hex")}.${base64(Buffer.concat([cipher.getAuthTag(), box]))}`;
}

test.each<[string, () => Files]>([
  ["all of it", () => showing(lineOf(0) + lineOf(1))],
  ["of one entry alone", () => showing(lineOf(1))],
  ["nothing of it", () => showing("")],
  ["without the last newline", () => showing(lineOf(0).trimEnd())],
  [
    "a long text",
    () => sealing(sealedAs(JSON.stringify({ a: "x".repeat(1_000) })), { a: "x".repeat(1_000) }),
  ],
  ["fields in another order", () => sealing(sealedAs('{"b":1.0,"a":10e-1}'), { a: 1, b: 1 })],
])("what was sealed is accepted: %s", async (_, files) => {
  const { ours, second } = await judge({ files: files() });
  expect([ours, second]).toEqual([[], expect.stringMatching(/^verified|^not run$/u)]);
});

const ALTERED = "entry 0: the fields that are shown as opened are not those that were sealed in its payload";
const MALFORMED = "opened fields from entry 0: a line that is not as exports write them";

test.each<[string, () => Files, string]>([
  ["another name", () => showing(lineOf(0, { ...FIELDS, name: "Bob" })), ALTERED],
  [
    "a name that looks the same",
    () => showing(lineOf(0, { ...FIELDS, name: "Ann e\u0301 \u{1f600}" })),
    ALTERED,
  ],
  ["a field more", () => showing(lineOf(0, { ...FIELDS, more: null })), ALTERED],
  ["a field less", () => showing(lineOf(0, { name: FIELDS.name })), ALTERED],
  ["true for one", () => sealing(sealedAs('{"a":1}'), { a: true }), ALTERED],
  ["a list for its only item", () => sealing(sealedAs('{"a":"x"}'), { a: ["x"] }), ALTERED],
  ["nothing at all", () => showing(lineOf(0, null)), ALTERED],
  [
    "another key",
    () =>
      showing(
        lineOf(
          0,
          FIELDS,
          KEY.map(() => 8),
        ),
      ),
    ALTERED,
  ],
  ["a key that is longer", () => showing(lineOf(0, FIELDS, new Uint8Array(33).fill(9))), ALTERED],
  ["a key spelled otherwise", () => showing(lineOf(0).replace("CQkJ", "CQk J")), ALTERED],
  ["a key that is a number", () => showing(lineOf(0).replace(/"k":"[^"]*"/u, '"k":7')), ALTERED],
  ["no key", () => showing(lineOf(0).replace(/"k":"[^"]*",/u, "")), ALTERED],
  ["no fields", () => showing(`${JSON.stringify({ i: 0, k: base64(KEY) })}\n`), ALTERED],
  ["half a character", () => showing(lineOf(0, { ...FIELDS, name: "A\ud800" })), ALTERED],
  [
    "what was sealed for another subject",
    () =>
      showing(lineOf(0), exportOf([sealedEntry(0, sealedAs(paddedJson(FIELDS)), `doc_${"1".repeat(32)}`)])),
    ALTERED,
  ],
  [
    "a sealed text with a byte changed",
    () => sealing(sealedAs("{}").replace(/.{5}$/u, "AAA=="), {}),
    ALTERED,
  ],
  [
    "a sealed text shorter than its tag",
    () => sealing(`v1.${dataKeyId(KEY).toString("hex")}.AAAA`, {}),
    ALTERED,
  ],
  ["a sealed text that is no JSON", () => sealing(sealedAs("nothing"), null), ALTERED],
  [
    "a sealed text that is no UTF-8",
    () => sealing(sealedBytes(Buffer.from('{"a":"\u00ff"}', "latin1")), { a: "\ufffd" }),
    ALTERED,
  ],
  ["a payload with nothing sealed", () => showing(lineOf(0), exportOf([entry(0)])), ALTERED],
  [
    "fields of a mirror",
    () => {
      const files = showing(lineOf(0));
      files.delete("payloads/000");
      return files;
    },
    ALTERED,
  ],
  ["an entry's twice", () => showing(lineOf(0) + lineOf(0)), MALFORMED],
  ["in another order", () => showing(lineOf(1) + lineOf(0)), MALFORMED],
  ["an entry's that is none", () => showing(lineOf(2)), MALFORMED],
  ["a place that is true", () => showing(lineOf(0).replace('"i":0', '"i":false')), MALFORMED],
  ["a line that says two things", () => showing(lineOf(0).replace('"f":', '"f":{},"f":')), MALFORMED],
  ["a space more", () => showing(lineOf(0).replace(",", ", ")), MALFORMED],
  ["another end of the line", () => showing(lineOf(0).replace("\n", "\r\n")), MALFORMED],
  ["a mark of byte order", () => showing(`\ufeff${lineOf(0)}`), MALFORMED],
  ["an empty line", () => showing(`\n${lineOf(0)}`), MALFORMED],
  ["a line that is a list", () => showing(`[${lineOf(0).trim()}]\n`), MALFORMED],
  ["a NUL behind it", () => showing(lineOf(0).replace("\n", "\u0000\n")), MALFORMED],
  [
    "places in their other order",
    () =>
      showing(
        lineOf(0).replace('"1":[', '"3":[').replace('"2":1e+21,', "").replace('"b":', '"2":1e+21,"b":'),
      ),
    MALFORMED,
  ],
  ["a number spelled otherwise", () => showing(lineOf(0).replace("1e+21", "1E21")), MALFORMED],
])("is named by both, in the same words: %s", async (_, files, line) => {
  const { words, second } = await judge({ files: files() });
  expect(words).toContain(line);
  if (isPythonHere) expect(second.split("\n").toSorted()).toEqual(words.toSorted());
});

test("of copies whose files were changed at random both say yes, or both no", async () => {
  const random = randomOf(11);
  const files = showing(lineOf(0) + lineOf(1));
  const small: Files = new Map([["opened/000", at(files, "opened/000")]]);
  let wrong = 0;
  for (let i = 0; i < 25; i += 1) {
    const { files: changed, what } = tamperedFiles(random, small);
    const shown = changed.get("opened/000");
    const { words, second } = await judge({ files: shown === undefined ? WHOLE : showing(shown) });
    wrong += words.length > 0 ? 1 : 0;
    if (!isPythonHere) continue;
    const said = words.length === 0 ? [expect.stringMatching(/^verified/u)] : words.toSorted();
    expect({ i, what, second: second.split("\n").toSorted() }).toEqual({ i, what, second: said });
  }
  expect(wrong).toBeGreaterThan(12);
});

/** McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", appendix B: test cases 13, 14 and 16, which NIST took over. */
const LONG_KEY = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
const GCM = [
  {
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    aad: "",
    tag: "530f8afbc74536b9a963b4f1c4cb738b",
    sealed: "",
    text: "",
  },
  {
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    aad: "",
    tag: "d0d1c8a799996bf0265b98b5d48ab919",
    sealed: "cea7403d4d606b6e074ec5d3baf39d18",
    text: "00".repeat(16),
  },
  {
    key: LONG_KEY,
    nonce: "cafebabefacedbaddecaf888",
    aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    tag: "76fc6ece0f4e1768cddf8853bb2d551b",
    sealed:
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
    text: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  },
];

test("the second verifier's AES-256-GCM is that of its authors' vectors, and of the platform", () => {
  const random = randomOf(5);
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random.below(256)));
  const own = [0, 1, 15, 16, 17, 31, 64, 100].map((length) => {
    const [key, nonce, aad, text] = [bytes(32), bytes(12), bytes(random.below(40)), bytes(length)];
    const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
    cipher.setAAD(aad);
    const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
    const tag = cipher.getAuthTag();
    return { key, nonce, aad, tag, sealed, text };
  });
  const hex = (text: string): Buffer => Buffer.from(text, "hex");
  const theirs = GCM.map(({ key, nonce, aad, tag, sealed, text }) => ({
    key: hex(key),
    nonce: hex(nonce),
    aad: hex(aad),
    tag: hex(tag),
    sealed: hex(sealed),
    text: hex(text),
  }));
  const good = [...theirs, ...own];
  const changed = (part: Buffer): Buffer =>
    Buffer.concat([part.subarray(0, -1), Buffer.of((part.at(-1) ?? 0) ^ 1)]);
  const bad = good.flatMap((one) => [
    { ...one, tag: changed(one.tag) },
    { ...one, key: changed(one.key) },
    { ...one, nonce: changed(one.nonce) },
    { ...one, aad: Buffer.concat([one.aad, Buffer.of(0)]) },
    { ...one, sealed: Buffer.concat([one.sealed, Buffer.of(0)]) },
  ]);
  expect(secondVerifierOpens([...good, ...bad])).toEqual([
    ...good.map(({ text }) => text.toString("hex")),
    ...bad.map(() => null),
  ]);
});
