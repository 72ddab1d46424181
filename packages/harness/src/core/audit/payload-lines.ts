// What opens the entries of a bundle: a line of JSON for each, with place, salt and payload. Of each the digest is made
// that its entry should commit to. A line has one spelling, the one that exports write: another would open the entry for
// us and say something else to a reader that takes the first of two equal keys, or shows a field that nobody committed to.
// Most lines are read where they lie, byte by byte; every other one is parsed, written again and held against that.

import { sha256Hex } from "@assent/tlog";
import { COMMIT_PREFIX, commitment, SALT_BYTES } from "./leaf.ts";
import { type LogFinding, payloadLine } from "./verify-source.ts";

/** A payload is at most what an event holds; a line that is longer is not one of ours. */
const LINE_BYTES_MAX = 4_000_000;

const NEWLINE = 0x0a;

/** Of each entry that is opened what opens it. */
export type Openings = ReadonlyMap<number, Opening>;

/** Entries of a bundle: the first, and how many there are. */
export type Bundle = { readonly first: number; readonly count: number };

/** @param bundle the entries that there may be lines for: what opens none of them was put there by somebody */
export function readPayloads(
  bytes: Uint8Array,
  { first, count }: Bundle,
  add: (finding: LogFinding) => void,
): Openings {
  const openings = new Map<number, Opening>();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = first + count;
  const wrong = (detail: string): void =>
    add({ code: "payload_malformed", at: `payloads from entry ${first}`, detail });
  for (let from = 0, last = first - 1; from < text.byteLength;) {
    const to = text.indexOf(NEWLINE, from);
    const opening = to === -1 || to - from > LINE_BYTES_MAX ? null : readLine(text, from, to);
    if (opening === null) wrong("a line that is not as exports write them");
    else if (opening.index < first || opening.index >= end)
      wrong(`a line for entry ${opening.index}, which is not among entries ${first} to ${end - 1}`);
    else if (opening.index <= last) wrong(`a line for entry ${opening.index} behind that of entry ${last}`);
    else {
      openings.set(opening.index, opening);
      last = opening.index;
    }
    if (to === -1) break;
    from = to + 1;
  }
  return openings;
}

const readLine = (text: Buffer, from: number, to: number): Opening | null =>
  readWritten(text, from, to) ?? parse(text, from, to);

type Opening = {
  readonly index: number;
  /** The commitment in hex that follows; null where the salt has not the right length. */
  readonly commit: string | null;
  readonly payload: string;
};

function parse(bytes: Buffer, from: number, to: number): Opening | null {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8", from, to));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== "object" || value === null) return null;
  const [index, salt, payload]: unknown[] = [
    Reflect.get(value, "i"),
    Reflect.get(value, "s"),
    Reflect.get(value, "p"),
  ];
  if (typeof index !== "number" || typeof salt !== "string" || typeof payload !== "string") return null;
  // Half a character has no bytes: what is committed to would be those of another one.
  if (!payload.isWellFormed()) return null;
  const decoded = Buffer.from(salt, "base64");
  const written = Buffer.from(payloadLine(index, decoded, payload));
  // Without its newline.
  if (!bytes.subarray(from, to).equals(written.subarray(0, -1))) return null;
  const isSalt = decoded.byteLength === SALT_BYTES;
  return { index, commit: isSalt ? commitment(decoded, payload).toString("hex") : null, payload };
}

const asBytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const BEFORE_INDEX = asBytes('{"i":');
const BEFORE_SALT = asBytes(',"s":"');
const BEFORE_PAYLOAD = asBytes('","p":"');
const AFTER_PAYLOAD = asBytes('"}');
/** 32 bytes in base64: 42 characters of six bits, one of four, and a sign of padding. */
const SALT_CHARS = 44;
const INDEX_DIGITS_MAX = 15;
const SALT_AT = COMMIT_PREFIX.byteLength;
const PAYLOAD_AT = SALT_AT + SALT_BYTES;

// Prefix, salt and payload, as the commitment is made of them.
let room = roomOf(8 * 1024);

function roomOf(bytes: number): Buffer {
  const made = Buffer.alloc(bytes);
  made.set(COMMIT_PREFIX);
  return made;
}

/** A line that is spelled as `payloadLine` spells it, with the escapes that JSON within JSON has; null for any other. */
function readWritten(bytes: Uint8Array, from: number, to: number): Opening | null {
  let at = from + BEFORE_INDEX.byteLength;
  if (!stands(BEFORE_INDEX, bytes, from)) return null;
  const digits = at;
  let index = 0;
  for (; isDigit(bytes[at]); at += 1) index = index * 10 + (bytes[at] ?? 0) - ZERO;
  if (at === digits || at - digits > INDEX_DIGITS_MAX || (bytes[digits] === ZERO && at - digits > 1))
    return null;
  const saltAt = at + BEFORE_SALT.byteLength;
  const payloadAt = saltAt + SALT_CHARS + BEFORE_PAYLOAD.byteLength;
  const end = to - AFTER_PAYLOAD.byteLength;
  if (payloadAt > end || !stands(BEFORE_SALT, bytes, at) || !stands(AFTER_PAYLOAD, bytes, end)) return null;
  if (!stands(BEFORE_PAYLOAD, bytes, saltAt + SALT_CHARS)) return null;
  if (room.byteLength < PAYLOAD_AT + end - payloadAt) room = roomOf(2 * (PAYLOAD_AT + end - payloadAt));
  if (!decodeSalt(bytes, saltAt)) return null;
  const length = unescape(bytes, payloadAt, end);
  if (length === null) return null;
  const commit = sha256Hex(room.subarray(0, PAYLOAD_AT + length));
  return { index, commit, payload: room.toString("latin1", PAYLOAD_AT, PAYLOAD_AT + length) };
}

const ZERO = 0x30;
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= 0x39;

function stands(text: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.byteLength; i += 1) if (bytes[at + i] !== text[i]) return false;
  return true;
}

const NO_VALUE = 64;
const VALUES = new Uint8Array(256).fill(NO_VALUE);
for (const [value, character] of asBytes(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
).entries())
  VALUES[character] = value;
const PADDING = 0x3d;

/** Puts the salt where it belongs; false for what is not 32 bytes in base64. */
function decodeSalt(bytes: Uint8Array, from: number): boolean {
  let seen = 0;
  const valueAt = (at: number): number => {
    const value = VALUES[bytes[at] ?? 0] ?? NO_VALUE;
    seen |= value;
    return value;
  };
  let target = SALT_AT;
  for (let at = from; at < from + SALT_CHARS - 4; at += 4, target += 3) {
    const [a, b, c, d] = [valueAt(at), valueAt(at + 1), valueAt(at + 2), valueAt(at + 3)];
    room[target] = (a << 2) | (b >> 4);
    room[target + 1] = (b << 4) | (c >> 2);
    room[target + 2] = (c << 6) | d;
  }
  const last = from + SALT_CHARS - 4;
  const [a, b, c] = [valueAt(last), valueAt(last + 1), valueAt(last + 2)];
  room[target] = (a << 2) | (b >> 4);
  room[target + 1] = (b << 4) | (c >> 2);
  // Bits that no byte takes are none: base64 has one spelling.
  return seen < NO_VALUE && (c & 3) === 0 && bytes[last + 3] === PADDING;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const DELETE = 0x7f;

/** Puts the text where it belongs. @returns its length; null for other escapes, and for what is past ASCII */
function unescape(bytes: Uint8Array, from: number, to: number): number | null {
  let target = PAYLOAD_AT;
  for (let at = from; at < to; at += 1, target += 1) {
    let byte = bytes[at] ?? 0;
    if (byte === QUOTE || byte < SPACE || byte > DELETE) return null;
    if (byte === BACKSLASH) {
      at += 1;
      // An escaped quote that ends the line's text would leave it without its end.
      if (at >= to) return null;
      byte = bytes[at] ?? 0;
      if (byte !== QUOTE && byte !== BACKSLASH) return null;
    }
    room[target] = byte;
  }
  return target - PAYLOAD_AT;
}
