// C2SP signed notes: a text and lines of signatures below it. https://c2sp.org/signed-note

import { hexOfId, isKeyName, SIGNATURE_TYPES, type SignerKey, type VerifierKey } from "./keys.ts";
import { fail, ok, type Result } from "./result.ts";
import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from "./text.ts";

/** Signatures that a note is read with: 100, as in golang.org/x/mod/sumdb/note; the specification wants at least 16. */
export const NOTE_SIGNATURES_MAX = 100;
/** One post-quantum signature has 3.3 KB in base64; whatever is longer than a hundred of them is an attack. */
export const NOTE_BYTES_MAX = 1_000_000;

export type NoteSignature = {
  readonly name: string;
  /** As the line says; the key of this name and id made it, if any did. */
  readonly id: number;
  /** Without the four bytes of the id. */
  readonly bytes: Uint8Array;
};

export type Note = {
  /** With its last newline, without the empty line before the signatures. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
};

export const NO_SIGNATURE_LINE = "malformed note: a line that is no signature";

// Everything below U+0020 but the newline; DEL is allowed by the specification.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000B-\u001F]/;
const SIGNATURE_LINE = /^\u2014 (\S+) ([A-Za-z0-9+/=]+)$/u;

/** Takes a note apart. Nothing of it may be believed before `openNote` has found a signature of a trusted key. */
export function parseNote(bytes: Uint8Array | string): Result<Note> {
  const text = typeof bytes === "string" ? bytes : decodeUtf8(bytes);
  if (text === null || !text.isWellFormed()) return fail("malformed note: not UTF-8");
  if (text.length > NOTE_BYTES_MAX) return fail("malformed note: too long");
  if (CONTROL.test(text)) return fail("malformed note: a control character");
  const split = text.lastIndexOf("\n\n");
  if (split < 0) return fail("malformed note: no empty line before the signatures");
  const lines = text.slice(split + 2).split("\n");
  if (lines.pop() !== "" || lines.length === 0)
    return fail("malformed note: no signature, or no last newline");
  if (lines.length > NOTE_SIGNATURES_MAX) return fail("malformed note: too many signatures");
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === null) return fail(NO_SIGNATURE_LINE);
    signatures.push(signature);
  }
  return ok({ text: text.slice(0, split + 1), signatures });
}

/** One signature line without its newline; null when it is none. */
export function parseSignatureLine(line: string): NoteSignature | null {
  const [, name, base64] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = base64 === undefined ? null : decodeBase64(base64);
  if (name === undefined || bytes === null || bytes.byteLength < 5 || !isKeyName(name)) return null;
  return { name, id: Buffer.from(bytes).readUInt32BE(0), bytes: bytes.subarray(4) };
}

/** One signature line with its newline. */
export function signatureLine({ name, id, bytes }: NoteSignature): string {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(id);
  return `\u2014 ${name} ${encodeBase64(Buffer.concat([head, bytes]))}\n`;
}

export const formatNote = ({ text, signatures }: Note): string =>
  `${text}\n${signatures.map(signatureLine).join("")}`;

export type OpenedNote = {
  readonly text: string;
  /** Whose signatures were verified, each key once. */
  readonly signers: readonly VerifierKey[];
};

/**
 * Reads a note and verifies it: at least one signature of a key given here, and none of theirs that is wrong.
 * Signatures of other keys are ignored, even if name or id (but not both) are those of a known key.
 * Cosignatures (types 0x04 and 0x06) are not looked at: see `verifyCosignature`.
 */
export function openNote(bytes: Uint8Array | string, keys: readonly VerifierKey[]): Result<OpenedNote> {
  const note = parseNote(bytes);
  if (!note.ok) return note;
  const message = encodeUtf8(note.value.text);
  const signers = new Set<VerifierKey>();
  for (const signature of note.value.signatures) {
    const matching = keys.filter((key) => key.name === signature.name && key.id === signature.id);
    const [key] = matching;
    if (key === undefined || key.type !== SIGNATURE_TYPES.ed25519) continue;
    const label = `${key.name}+${hexOfId(key.id)}`;
    if (matching.some((other) => other.vkey !== key.vkey)) return fail(`ambiguous key ${label}`);
    // The first line of a key decides; a further one of the same key adds nothing.
    if (signers.has(key)) continue;
    if (!key.verify(message, signature.bytes)) return fail(`invalid signature for key ${label}`);
    signers.add(key);
  }
  if (signers.size === 0) return fail("the note has no signature of a trusted key");
  return ok({ text: note.value.text, signers: [...signers] });
}

/**
 * Signs a text. A signature that a key had made before is replaced by its new one.
 * @param text ends in a newline, well-formed, no control character but newlines
 */
export function signNote(
  text: string,
  keys: readonly SignerKey[],
  others: readonly NoteSignature[] = [],
): Result<string> {
  if (!text.endsWith("\n") || !text.isWellFormed() || CONTROL.test(text))
    return fail("malformed note: its text");
  if (keys.some((key) => key.type !== SIGNATURE_TYPES.ed25519)) return fail("not a key that signs notes");
  const message = encodeUtf8(text);
  const kept = others.filter((line) => !keys.some((key) => key.name === line.name && key.id === line.id));
  const made = keys.map((key) => ({ name: key.name, id: key.id, bytes: key.sign(message) }));
  return ok(formatNote({ text, signatures: [...kept, ...made] }));
}
