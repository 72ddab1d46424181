// C2SP tlog-cosignature: what witnesses add to a checkpoint, "this was the largest consistent tree that I have seen, at
// this time". https://c2sp.org/tlog-cosignature

import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { SIGNATURE_TYPES, type SignerKey, type VerifierKey } from "./keys.ts";
import { type NoteSignature, parseNote } from "./note.ts";
import { fail, ok, type Result } from "./result.ts";
import { encodeUtf8 } from "./text.ts";

const TIMESTAMP_BYTES = 8;
/** ML-DSA cosignatures carry names and origins behind a length of one byte. */
const NAME_BYTES_MAX = 255;

export const isCosigner = (key: VerifierKey): boolean => key.type !== SIGNATURE_TYPES.ed25519;

/**
 * The bytes that a cosigner signs.
 * @param seconds POSIX time
 * @returns null when name or origin have no form in the message of an ML-DSA cosigner
 */
function cosignedMessage(
  key: Pick<VerifierKey, "name" | "type">,
  noteText: string,
  checkpoint: Checkpoint,
  seconds: number,
): Uint8Array | null {
  if (key.type === SIGNATURE_TYPES.cosignature)
    return encodeUtf8(`cosignature/v1\ntime ${seconds}\n${noteText}`);
  const [name, origin] = [encodeUtf8(key.name), encodeUtf8(checkpoint.origin)];
  if (name.byteLength > NAME_BYTES_MAX || origin.byteLength > NAME_BYTES_MAX) return null;
  return Buffer.concat([
    encodeUtf8("subtree/v1\n\0"),
    Uint8Array.of(name.byteLength),
    name,
    uint64(seconds),
    Uint8Array.of(origin.byteLength),
    origin,
    uint64(0),
    uint64(checkpoint.size),
    checkpoint.root,
  ]);
}

function uint64(value: number): Uint8Array {
  const bytes = Buffer.alloc(TIMESTAMP_BYTES);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/**
 * A witness's line for a checkpoint whose consistency it has verified.
 * @param noteText the checkpoint's text, see `formatCheckpoint`
 * @param seconds POSIX time, above 0
 */
export function cosign(key: SignerKey, noteText: string, seconds: number): Result<NoteSignature> {
  if (!isCosigner(key)) return fail("not a key that cosigns");
  if (!Number.isSafeInteger(seconds) || seconds <= 0) return fail("a cosignature has a time");
  const checkpoint = parseCheckpoint(noteText);
  if (!checkpoint.ok) return checkpoint;
  const line = signTree(key, noteText, checkpoint.value, seconds);
  return line === null ? fail("name or origin are too long for this type of key") : ok(line);
}

/**
 * A line of a key of types 0x04 and 0x06.
 * @param checkpoint what the text says
 * @param seconds POSIX time; 0, which only ML-DSA-44 may have, states no time
 * @returns null when name or origin have no form in the message
 */
export function signTree(
  key: SignerKey,
  noteText: string,
  checkpoint: Checkpoint,
  seconds: number,
): NoteSignature | null {
  const message = cosignedMessage(key, noteText, checkpoint, seconds);
  if (message === null) return null;
  return { name: key.name, id: key.id, bytes: Buffer.concat([uint64(seconds), key.sign(message)]) };
}

/** @returns the time of the cosignature in POSIX seconds; null when the line is not this key's for this checkpoint */
export function verifyCosignature(key: VerifierKey, noteText: string, line: NoteSignature): number | null {
  if (!isCosigner(key) || line.name !== key.name || line.id !== key.id) return null;
  if (line.bytes.byteLength <= TIMESTAMP_BYTES) return null;
  const time = Buffer.from(line.bytes.subarray(0, TIMESTAMP_BYTES)).readBigUInt64BE();
  // 2^63 - 1 is the limit of the specification; what is past 2^53 is no time either.
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const checkpoint = parseCheckpoint(noteText);
  if (!checkpoint.ok) return null;
  const message = cosignedMessage(key, noteText, checkpoint.value, Number(time));
  return message !== null && key.verify(message, line.bytes.subarray(TIMESTAMP_BYTES)) ? Number(time) : null;
}

export type Cosignature = { readonly key: VerifierKey; readonly seconds: number };

/**
 * The valid cosignatures of known witnesses on a note: each witness once, with its newest time. Lines of others are
 * ignored; a line that claims to be a known witness's and is not makes the note malformed.
 */
export function verifyCosignatures(
  note: Uint8Array | string,
  witnesses: readonly VerifierKey[],
): Result<readonly Cosignature[]> {
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  const found = new Map<string, Cosignature>();
  for (const line of parsed.value.signatures) {
    const key = witnesses.find((known) => known.name === line.name && known.id === line.id);
    if (key === undefined) continue;
    const seconds = verifyCosignature(key, parsed.value.text, line);
    if (seconds === null) return fail(`invalid cosignature of ${key.name}`);
    const before = found.get(key.vkey);
    if (before === undefined || before.seconds < seconds) found.set(key.vkey, { key, seconds });
  }
  return ok([...found.values()]);
}
