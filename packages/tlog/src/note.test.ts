import fc from "fast-check";
import { expect, test } from "vitest";
import { formatCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { cosign, verifyCosignature, verifyCosignatures } from "./cosignature.ts";
import { leafHash, treeHash } from "./hash.ts";
import { parseVerifierKey, signerKey, type VerifierKey } from "./keys.ts";
import { openNote, parseNote, signatureLine, signNote } from "./note.ts";
import { formatProof, parseProof, verifyProof } from "./proof-text.ts";
import type { Result } from "./result.ts";
import { openCheckpoint } from "./signed-checkpoint.ts";
import { decodeBase64, encodeBase64, parseDecimal } from "./text.ts";

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const LOG = signerKey("log.example/one", 0x01, seed(1));
const OTHER = signerKey("log.example/two", 0x01, seed(2));
const WITNESS = signerKey("witness.example/w", 0x04, seed(3));
const QUANTUM = signerKey("witness.example/pq", 0x06, seed(4));
const TEXT = "log.example/one\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n";

test("the example of the specification verifies", () => {
  // https://c2sp.org/signed-note, section "Example".
  const key = valueOf(
    parseVerifierKey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
  );
  const line =
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
  const note = `This is an example message.\n\n${line}`;
  expect(valueOf(openNote(note, [key])).text).toBe("This is an example message.\n");
  expect(openNote(note.replace("example message", "example  message"), [key]).ok).toBe(false);
});

test("a note is verified by the key that signed it, and others' lines are ignored", () => {
  const note = valueOf(signNote(TEXT, [LOG, OTHER]));
  expect(valueOf(openNote(note, [LOG])).signers).toEqual([LOG]);
  expect(valueOf(openNote(note, [LOG, OTHER])).signers).toHaveLength(2);
  expect(openNote(note, []).ok).toBe(false);
  // The same key under another name is another key.
  expect(openNote(note, [signerKey("log.example/three", 0x01, seed(1))]).ok).toBe(false);
});

test("one wrong signature of a known key spoils the note", () => {
  const note = valueOf(signNote(TEXT, [LOG]));
  const wrong = signatureLine({ name: OTHER.name, id: OTHER.id, bytes: new Uint8Array(64) });
  expect(openNote(note + wrong, [LOG]).ok).toBe(true);
  expect(openNote(note + wrong, [LOG, OTHER]).ok).toBe(false);
});

test("signing again replaces the old line", () => {
  const first = valueOf(parseNote(valueOf(signNote(TEXT, [LOG, OTHER]))));
  const again = valueOf(signNote(TEXT, [LOG], first.signatures));
  expect(valueOf(parseNote(again)).signatures.map(({ name }) => name)).toEqual([OTHER.name, LOG.name]);
});

const SIGNED = valueOf(signNote(TEXT, [LOG]));
const LINE = SIGNED.slice(TEXT.length + 1);
test.each([
  ["text alone", TEXT],
  ["no signature", `${TEXT}\n`],
  ["no last newline", SIGNED.slice(0, -1)],
  ["a control character", `\u0001${SIGNED}`],
  ["a carriage return", SIGNED.replaceAll("\n", "\r\n")],
  ["a byte that is not UTF-8", Buffer.concat([Buffer.from([0xff]), Buffer.from(SIGNED)])],
  ["a name with a space", `${TEXT}\n${LINE.replace("/one", " one")}`],
  ["a line after the signatures", `${SIGNED}more\n`],
  ["a hyphen for the dash", SIGNED.replace("\u2014", "-")],
  ["base64 without padding", SIGNED.replace("=\n\n", "\n\n").replace(/=\n$/, "\n")],
  ["more than a hundred signatures", SIGNED + LINE.repeat(100)],
  ["a signature of no bytes", `${TEXT}\n\u2014 log.example/one AAAAAA==\n`],
])("refuses a note with %s", (_, bytes) => {
  expect(openNote(bytes, [LOG]).ok).toBe(false);
});

test.each([
  ["another id", LOG.vkey.replace(/\+[0-9a-f]{8}\+/, "+00000000+")],
  ["a key that is too short", `${LOG.name}+00000000+AQID`],
  ["an unknown type", LOG.vkey.replace(/\+A/, "+C")],
  ["a name with a plus", `a+${LOG.vkey}`],
  ["nothing", ""],
])("refuses a verifier key with %s", (_, vkey) => {
  expect(parseVerifierKey(vkey).ok).toBe(false);
});

test("a verifier key comes back as it was written", () => {
  for (const key of [LOG, WITNESS, QUANTUM]) expect(valueOf(parseVerifierKey(key.vkey)).vkey).toBe(key.vkey);
});

test.each([
  ["a leading zero", "log.example/one\n01\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n"],
  ["a sign", "log.example/one\n+1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n"],
  ["a size past 2^53", "log.example/one\n9007199254740992\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n"],
  ["a root of 31 bytes", "log.example/one\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoA==\n"],
  ["bits in the padding", "log.example/one\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB1=\n"],
  ["an empty origin", "\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n"],
  ["an empty extension", "log.example/one\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\n"],
  ["two lines", "log.example/one\n1\n"],
  ["no last newline", TEXT.slice(0, -1)],
])("refuses a checkpoint with %s", (_, text) => {
  expect(parseCheckpoint(text).ok).toBe(false);
});

test("a checkpoint is of the log that the verifier asked for", () => {
  expect(valueOf(openCheckpoint(SIGNED, "log.example/one", [LOG])).size).toBe(1);
  expect(openCheckpoint(SIGNED, "log.example/two", [LOG]).ok).toBe(false);
  const empty = formatCheckpoint({ origin: "log.example/one", size: 0, root: treeHash([]), extensions: [] });
  expect(openCheckpoint(valueOf(signNote(empty, [LOG])), "log.example/one", [LOG]).ok).toBe(true);
  const nothing = formatCheckpoint({ origin: "log.example/one", size: 0, root: seed(9), extensions: [] });
  expect(openCheckpoint(valueOf(signNote(nothing, [LOG])), "log.example/one", [LOG]).ok).toBe(false);
});

test.each([
  ["Ed25519", WITNESS],
  ["ML-DSA-44", QUANTUM],
])("a cosignature binds checkpoint, time and witness (%s)", (_, key) => {
  const line = valueOf(cosign(key, TEXT, 1_700_000_000));
  expect(verifyCosignature(key, TEXT, line)).toBe(1_700_000_000);
  expect(verifyCosignature(key, TEXT.replace("\n1\n", "\n2\n"), line)).toBeNull();
  const later = Buffer.from(line.bytes);
  later[7] = (later[7] ?? 0) ^ 1;
  expect(verifyCosignature(key, TEXT, { ...line, bytes: later })).toBeNull();
  expect(verifyCosignature(key, TEXT, { ...line, bytes: line.bytes.subarray(0, 8) })).toBeNull();
  expect(verifyCosignature(key === WITNESS ? QUANTUM : WITNESS, TEXT, line)).toBeNull();
  expect(cosign(key, TEXT, 0).ok).toBe(false);
});

test("a witness counts once, with its newest word", () => {
  const lines = [5, 7, 6].map((time) => signatureLine(valueOf(cosign(WITNESS, TEXT, time)))).join("");
  const found = valueOf(verifyCosignatures(SIGNED + lines, [WITNESS, QUANTUM]));
  expect(found.map(({ seconds }) => seconds)).toEqual([7]);
  const forged = signatureLine({ name: WITNESS.name, id: WITNESS.id, bytes: new Uint8Array(72) });
  expect(verifyCosignatures(SIGNED + forged, [WITNESS]).ok).toBe(false);
  expect(valueOf(verifyCosignatures(SIGNED + forged, [QUANTUM]))).toEqual([]);
});

test("a proof as text verifies for its entry, log and key, and for nothing else", () => {
  const [entry, next] = [Buffer.from("a"), Buffer.from("b")];
  const root = treeHash([leafHash(entry), leafHash(next)]);
  const keys: VerifierKey[] = [LOG];
  const note = valueOf(
    signNote(formatCheckpoint({ origin: LOG.name, size: 2, root, extensions: [] }), [LOG]),
  );
  const proof = { index: 0, hashes: [leafHash(next)], checkpoint: note, extra: Buffer.from("x") };
  const text = formatProof(proof);
  expect(valueOf(parseProof(text)).index).toBe(0);
  expect(formatProof(valueOf(parseProof(text)))).toBe(text);
  expect(valueOf(verifyProof(text, entry, LOG.name, keys)).checkpoint.size).toBe(2);
  expect(verifyProof(text, next, LOG.name, keys).ok).toBe(false);
  expect(verifyProof(text, entry, OTHER.name, keys).ok).toBe(false);
  expect(verifyProof(text, entry, LOG.name, [OTHER]).ok).toBe(false);
  expect(verifyProof(text.replace("index 0", "index 1"), entry, LOG.name, keys).ok).toBe(false);
  for (const [from, to] of [
    ["tlog-proof@v1", "tlog-proof@v2"],
    ["index 0", "index 00"],
    ["index 0", "index -0"],
    ["index 0\n", ""],
    ["extra eA==", "extra eA="],
    ["extra eA==", "extra"],
    ["\n\n", "\n"],
  ] as const)
    expect(parseProof(text.replace(from, to)).ok).toBe(false);
});

test("base64 and decimals have one spelling", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.maxSafeNat(), (bytes, size) => {
      expect(decodeBase64(encodeBase64(bytes))).toEqual(Buffer.from(bytes));
      expect(parseDecimal(String(size))).toBe(size);
      expect(parseDecimal(`0${size}`)).toBeNull();
    }),
    { seed: 42 },
  );
  for (const text of ["AA", "AA=", "A===", "AB==", "AAB=", "AA==\n", " AA==", "AA-_", "=="])
    expect(decodeBase64(text)).toBeNull();
  for (const text of ["", "-1", "1.0", "1e3", "9007199254740992", " 1"])
    expect(parseDecimal(text)).toBeNull();
});
