// A log's own lines on its checkpoint: Ed25519 as C2SP signed-note has it, and, where the log makes one, ML-DSA-44 as C2SP
// tlog-checkpoint says that logs should: the line that tlog-cosignature defines, with the log as its own cosigner. There is
// one suite for each type of key, and nothing is negotiated: whoever holds keys of two types wants a line of each.

import { type Checkpoint, formatCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { type Cosignature, signTree, verifyCosignature } from "./cosignature.ts";
import { EMPTY_ROOT, isSameHash } from "./hash.ts";
import { hexOfId, SIGNATURE_TYPES, type SignatureType, type SignerKey, type VerifierKey } from "./keys.ts";
import { formatNote, type Note, type NoteSignature, parseNote, signNote } from "./note.ts";
import { fail, ok, type Result } from "./result.ts";
import { encodeUtf8 } from "./text.ts";

export type OpenedCheckpoint = Checkpoint & {
  readonly text: string;
  /** Whose lines were verified, each key once. */
  readonly signers: readonly VerifierKey[];
  /** Of these lines the ones that say when they were made. */
  readonly stated: readonly Cosignature[];
};

/**
 * Which lines are wanted. `each_type`: for each type among the keys one line at least, so nobody can take the stronger
 * one away; what a verifier pins is read so. `any`: one line of any of them, for what is believed for another reason, as
 * a memory of one's own is that was made before the log had its second line.
 */
export type WantedLines = "each_type" | "any";

/** Types whose lines a log signs its checkpoints with. */
const isLogKey = ({ type }: VerifierKey): boolean => type !== SIGNATURE_TYPES.cosignature;

const SUITES: { readonly [T in SignatureType]: string } = {
  0x01: "Ed25519",
  0x04: "Ed25519 of a witness",
  0x06: "ML-DSA-44",
};

/**
 * Reads and verifies a signed checkpoint of one log. Origin and keys come from the verifier, never from the log. Lines of
 * other keys are ignored, even if name or id (but not both) are those of a known key; a line of a known key that is
 * wrong makes the checkpoint wrong.
 */
export function openCheckpoint(
  bytes: Uint8Array | string,
  origin: string,
  keys: readonly VerifierKey[],
  wanted: WantedLines = "each_type",
): Result<OpenedCheckpoint> {
  const note = parseNote(bytes);
  if (!note.ok) return note;
  const signers = verifyLogLines(note.value, keys, wanted);
  if (!signers.ok) return signers;
  const checkpoint = parseCheckpoint(note.value.text);
  if (!checkpoint.ok) return checkpoint;
  if (checkpoint.value.origin !== origin)
    return fail(`it is a checkpoint of ${JSON.stringify(checkpoint.value.origin)}, not of this log`);
  if (checkpoint.value.size === 0 && !isSameHash(checkpoint.value.root, EMPTY_ROOT))
    return fail("a tree without entries has another root");
  return ok({
    ...checkpoint.value,
    text: note.value.text,
    signers: signers.value,
    stated: statedTimes(note.value, signers.value),
  });
}

const statedTimes = ({ text, signatures }: Note, signers: readonly VerifierKey[]): readonly Cosignature[] =>
  signers.filter(isSecond).flatMap((key) => {
    // The first line of a key is the one that was verified.
    const line = signatures.find(({ name, id }) => name === key.name && id === key.id);
    const seconds = line === undefined ? null : verifyCosignature(key, text, line);
    return seconds === null || seconds === 0 ? [] : [{ key, seconds }];
  });

/** Whose lines stand on the note, as `openCheckpoint` wants them; the note's text is not read. */
export function verifyLogLines(
  { text, signatures }: Note,
  of: readonly VerifierKey[],
  wanted: WantedLines,
): Result<readonly VerifierKey[]> {
  const keys = of.filter(isLogKey);
  const signers = new Set<VerifierKey>();
  for (const line of signatures) {
    const matching = keys.filter((key) => key.name === line.name && key.id === line.id);
    const [key] = matching;
    if (key === undefined) continue;
    const label = `${key.name}+${hexOfId(key.id)}`;
    if (matching.some((other) => other.vkey !== key.vkey)) return fail(`ambiguous key ${label}`);
    // The first line of a key decides; a further one of the same key adds nothing.
    if (signers.has(key)) continue;
    if (!isLineOf(key, text, line)) return fail(`invalid signature for key ${label}`);
    signers.add(key);
  }
  if (signers.size === 0) return fail("the note has no signature of a trusted key");
  const types = new Set([...signers].map(({ type }) => type));
  const missing = wanted === "any" ? undefined : keys.find(({ type }) => !types.has(type));
  return missing === undefined
    ? ok([...signers])
    : fail(`the note lacks the line of ${SUITES[missing.type]} that a key given for it demands`);
}

const isLineOf = (key: VerifierKey, text: string, line: NoteSignature): boolean =>
  key.type === SIGNATURE_TYPES.ed25519
    ? key.verify(encodeUtf8(text), line.bytes)
    : verifyCosignature(key, text, line) !== null;

const isSecond = ({ type }: VerifierKey): boolean => type === SIGNATURE_TYPES.mldsa;

/**
 * A checkpoint with the lines of a log's own keys, those of Ed25519 first. The lines of ML-DSA-44 say no time: a log makes
 * no statement that this was its largest tree at some moment (that is what witnesses are for), and signs the same bytes
 * whenever it signs a tree again.
 * @param keys of the log: their name is its origin
 */
export function signCheckpoint(checkpoint: Checkpoint, keys: readonly SignerKey[]): Result<string> {
  const text = formatCheckpoint(checkpoint);
  if (keys.some((key) => !isLogKey(key))) return fail("not a key that signs for a log");
  const lines: NoteSignature[] = [];
  for (const key of keys.filter(isSecond)) {
    const line = signTree(key, text, checkpoint, 0);
    if (line === null) return fail("name or origin are too long for ML-DSA-44");
    lines.push(line);
  }
  const signed = signNote(
    text,
    keys.filter((key) => !isSecond(key)),
  );
  const note = signed.ok ? parseNote(signed.value) : signed;
  return note.ok ? ok(formatNote({ text, signatures: [...note.value.signatures, ...lines] })) : note;
}
