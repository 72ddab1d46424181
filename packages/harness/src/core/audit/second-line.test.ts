// The second line of a checkpoint (ML-DSA-44): whoever pinned its key cannot be shown a log without it; whoever knows
// Ed25519 alone goes on as before.

import {
  answerAddCheckpoint,
  formatAddCheckpoint,
  formatProof,
  proveInclusion,
  signCheckpoint,
  signerKey,
  treeHash,
  type VerifierKey,
  verifyCosignatures,
  verifyProof,
} from "@assent/tlog";
import { expect, test } from "vitest";
import {
  entries,
  exportOf,
  hashesOf,
  HONEST,
  LOG,
  noteOf,
  NOW,
  ORIGIN,
  policyOf,
  SECOND,
  seed,
  signedBy,
  sourceOf,
  without,
  withLineOf,
} from "./testing/made-export.ts";
import { verifyLog } from "./verify-log.ts";

const BOTH = [LOG, SECOND];
const NEWER = [signerKey(ORIGIN, 0x01, seed(21)), signerKey(ORIGIN, 0x06, seed(22))];
const NOTE = signedBy(HONEST, BOTH);
const files = exportOf(HONEST, NOTE);

const verify = (note: string, keys: readonly VerifierKey[], remembered: string | null = null): string[] =>
  verifyLog({
    source: sourceOf(new Map(files).set("checkpoint", Buffer.from(note))),
    origin: ORIGIN,
    keys,
    remembered,
    policy: null,
    now: NOW,
    cosignedSince: null,
  }).findings.map(({ code, detail }) => `${code}: ${detail}`);

const WRONG = `checkpoint_invalid: invalid signature for key ${ORIGIN}+${SECOND.id.toString(16).padStart(8, "0")}`;
const MISSING = "checkpoint_invalid: the note lacks the line of ML-DSA-44 that a key given for it demands";
const flipped = (note: string): string => {
  const at = note.length - 100;
  return `${note.slice(0, at)}${note[at] === "A" ? "B" : "A"}${note.slice(at + 1)}`;
};

test("both lines verify for who pinned both keys, one of them for who knows it alone", () => {
  expect(verify(NOTE, BOTH)).toEqual([]);
  expect(verify(NOTE, BOTH.toReversed())).toEqual([]);
  expect(verify(NOTE, [LOG])).toEqual([]);
  // As a verifier that has never heard of the type: what it ignores is the line of a key that it does not know.
  expect(verify(flipped(NOTE), [LOG])).toEqual([]);
});

test.each([
  ["taken away", without(NOTE, SECOND), MISSING],
  ["never made", noteOf(HONEST), MISSING],
  ["changed", flipped(NOTE), WRONG],
  ["that of a smaller tree", withLineOf(NOTE, signedBy(HONEST.slice(0, 300), BOTH), SECOND), WRONG],
  [
    "that of another tree of its size",
    withLineOf(NOTE, signedBy(entries(601).slice(1), BOTH), SECOND),
    WRONG,
  ],
  ["another key's", signedBy(HONEST, [LOG, signerKey(ORIGIN, 0x06, seed(12))]), MISSING],
  ["another log's", `${without(NOTE, SECOND)}${otherLogsLine()}\n`, MISSING],
])("who pinned both keys refuses a checkpoint whose second line is %s", (_, note, finding) => {
  expect(verify(note, BOTH)).toEqual([finding]);
});

function otherLogsLine(): string {
  const origin = `${ORIGIN}0`;
  const keys = [signerKey(origin, 0x01, seed(1)), signerKey(origin, 0x06, seed(11))];
  const note = signCheckpoint(
    { origin, size: HONEST.length, root: treeHash(hashesOf(HONEST)), extensions: [] },
    keys,
  );
  return (note.ok ? note.value : "").trimEnd().split("\n").at(-1) ?? "";
}

test("the first line is wanted as much", () => {
  expect(verify(without(NOTE, LOG), BOTH)).toEqual([MISSING.replace("ML-DSA-44", "Ed25519")]);
  expect(signCheckpoint({ origin: ORIGIN, size: 0, root: treeHash([]), extensions: [] }, [SECOND]).ok).toBe(
    false,
  );
});

test("in the overlap of a rotation old and new keys verify, and each type is still wanted", () => {
  const during = signedBy(HONEST, [...BOTH, ...NEWER]);
  for (const keys of [BOTH, NEWER, [...BOTH, ...NEWER]]) expect(verify(during, keys)).toEqual([]);
  const after = signedBy(HONEST, NEWER);
  expect(verify(after, [...BOTH, ...NEWER])).toEqual([]);
  expect(verify(after, BOTH)).toEqual(["checkpoint_invalid: the note has no signature of a trusted key"]);
  // The new key's first line beside the old one's second: of each type one, both known.
  expect(verify(withLineOf(during, NOTE, SECOND), [...BOTH, ...NEWER])).toEqual([]);
  const stripped = [SECOND, ...NEWER.slice(1)].reduce(without, during);
  expect(verify(stripped, [...BOTH, ...NEWER])).toEqual([MISSING]);
});

test("a checkpoint that was kept from before the second line is a memory still", () => {
  const kept = noteOf(HONEST.slice(0, 300));
  expect(verify(NOTE, BOTH, kept)).toEqual([]);
  expect(verify(signedBy(HONEST.slice(0, 300), BOTH), BOTH, noteOf(HONEST)).join()).toContain("history_cut");
});

test("a receipt wants the lines of the keys that were pinned for it", () => {
  const list = entries(10);
  const hashes = hashesOf(list);
  const read = (level: number, place: number): Uint8Array =>
    treeHash(hashes.slice(place * 2 ** level, (place + 1) * 2 ** level));
  const proofWith = (checkpoint: string): string =>
    formatProof({ index: 4, hashes: proveInclusion(read, 4, 10), checkpoint, extra: null });
  const leaf = list[4]?.leaf ?? expect.unreachable();
  expect(verifyProof(proofWith(signedBy(list, BOTH)), leaf, ORIGIN, BOTH).ok).toBe(true);
  expect(verifyProof(proofWith(noteOf(list)), leaf, ORIGIN, BOTH).ok).toBe(false);
  expect(verifyProof(proofWith(noteOf(list)), leaf, ORIGIN, [LOG]).ok).toBe(true);
});

test("a witness that knows both keys of a log wants both lines of it", () => {
  const witness = signerKey("witness.example/1", 0x04, seed(3));
  const ask = (checkpoint: string, keys: readonly VerifierKey[]): number =>
    answerAddCheckpoint(
      formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint }),
      [{ origin: ORIGIN, keys }],
      () => null,
      [witness],
      1,
    ).status;
  expect(ask(NOTE, BOTH)).toBe(200);
  expect(ask(NOTE, [LOG])).toBe(200);
  expect(ask(without(NOTE, SECOND), BOTH)).toBe(403);
  expect(ask(without(NOTE, SECOND), [LOG])).toBe(200);
});

test("a policy names both keys of a log, and the log is no witness of itself", () => {
  const policy = policyOf(`log ${LOG.vkey}\nlog ${SECOND.vkey}\nquorum none\n`);
  const keys = policy.logs.map(({ key }) => key);
  expect(verify(NOTE, keys)).toEqual([]);
  expect(verify(without(NOTE, SECOND), keys)).toEqual([MISSING]);
  expect(
    verifyCosignatures(
      NOTE,
      policy.witnesses.map(({ key }) => key),
    ),
  ).toEqual({ ok: true, value: [] });
});
