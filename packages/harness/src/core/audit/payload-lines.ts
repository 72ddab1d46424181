// What opens the entries of a bundle: a line of JSON for each, with place, salt and payload. Of each the digest is made
// that its entry should commit to. A line has one spelling, the one that exports write: another would open the entry for
// us and say something else to a reader that takes the first of two equal keys, or shows a field that nobody committed to.
// Most lines are read where they lie, byte by byte; every other one is parsed, written again and held against that.

import { sha256Hex } from "@assent/tlog";
import { COMMIT_PREFIX, SALT_BYTES } from "./leaf.ts";
import { COMMIT_CHARS } from "./leaf-layout.ts";
import { createLineLayouts, type LineLayout, type LineLayouts } from "./payload-layout.ts";
import { isFlat, NOT_KNOWN, type OpenedText } from "./said-fields.ts";
import { type LogFinding, payloadLine } from "./verify-source.ts";

/** A payload is at most what an event holds; a line that is longer is not one of ours. */
const LINE_BYTES_MAX = 4_000_000;

/** Entries of a bundle: the first, and how many there are. */
export type Bundle = { readonly first: number; readonly count: number };

/** What opens the entries of one bundle. It is good until the next one is read. */
export type Openings = {
  /** Places of the entries that are opened, in their order. */
  readonly indexes: readonly number[];
  /** Of each of them the commitment that follows, in 64 digits of hex; other signs where the salt has not the right length. */
  readonly commits: DataView;
  /** Its payload. */
  readonly payloads: readonly OpenedText[];
};

export type PayloadReader = {
  /** Bytes that are read into here are read faster. */
  readonly room: Uint8Array;
  /** @param bundle the entries that there may be lines for: what opens none of them was put there by somebody */
  read(bytes: Uint8Array, bundle: Bundle, add: (finding: LogFinding) => void): Openings;
};

type Changing<T> = { -readonly [K in keyof T]: T[K] };

/** Lines one behind the other, each as its commitment is made of it: prefix, salt and payload. */
type Laid = {
  room: Buffer;
  used: number;
  /** Where quotes of payloads are, as far as there is room; see `OpenedText`. */
  readonly quotes: Int32Array;
  quoteCount: number;
  /** Of those that are kept; what is behind them is of bundles before. */
  readonly payloads: Changing<OpenedText>[];
  readonly indexes: number[];
  /** In hex, one behind the other. */
  commits: string;
  readonly layouts: LineLayouts;
};

/** Of a bundle; the payloads of ours have some thirty each. */
const QUOTES_MAX = 64 * 1024;

export function createPayloadReader(): PayloadReader {
  let room: Buffer = Buffer.alloc(0);
  const quotes = new Int32Array(QUOTES_MAX);
  let commits = Buffer.alloc(256 * COMMIT_CHARS);
  const payloads: Changing<OpenedText>[] = [];
  const layouts = createLineLayouts(PAYLOAD_AT);
  layouts.message.set(COMMIT_PREFIX);
  return {
    room: layouts.room,
    read(bytes, bundle, add): Openings {
      // What is laid of a line is shorter than the line: prefix and salt have 48 bytes, and all that stands around a payload 66.
      if (room.byteLength < bytes.byteLength) room = Buffer.allocUnsafe(2 * bytes.byteLength);
      const indexes: number[] = [];
      const laid: Laid = { room, used: 0, quotes, quoteCount: 0, payloads, indexes, commits: "", layouts };
      layouts.load(bytes);
      readLines(bytes, bundle, laid, add);
      if (commits.byteLength < laid.commits.length) commits = Buffer.alloc(laid.commits.length);
      // All at once: a text is slow to look into.
      commits.write(laid.commits, "latin1");
      return { indexes, commits: viewOf(commits), payloads };
    },
  };
}

function readLines(
  bytes: Uint8Array,
  { first, count }: Bundle,
  laid: Laid,
  add: (finding: LogFinding) => void,
): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = first + count;
  const wrong = (detail: string): void =>
    add({ code: "payload_malformed", at: `payloads from entry ${first}`, detail });
  const line: Line = { index: 0, next: 0, last: first - 1, end };
  for (let from = 0; from < text.byteLength; from = line.next) {
    const layout = laid.layouts.find(from);
    const isLaid =
      layout === null ? layWritten(text, from, laid, line) : takeLine(text, from, layout, laid, line);
    if (!isLaid && !layParsed(text, from, laid, line)) wrong("a line that is not as exports write them");
    else if (isWanted(line)) line.last = line.index;
    else if (line.index < first || line.index >= end)
      wrong(`a line for entry ${line.index}, which is not among entries ${first} to ${end - 1}`);
    else wrong(`a line for entry ${line.index} behind that of entry ${line.last}`);
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** In the place of what a salt of another length does not give: no entry commits to it. */
const NO_COMMIT = "-".repeat(COMMIT_CHARS);

/** Whether what opens the entry, the `which`th that is opened, gives what stands there; null: there is no salt to it. */
export function isCommitted(
  { commits }: Openings,
  which: number,
  bytes: DataView,
  commitAt: number,
): boolean | null {
  const from = which * COMMIT_CHARS;
  let isSame = true;
  for (let i = 0; i < COMMIT_CHARS; i += 4)
    isSame &&= commits.getInt32(from + i) === bytes.getInt32(commitAt + i);
  return isSame || (commits.getUint8(from) === NO_COMMIT.charCodeAt(0) ? null : false);
}

/** Of which entry a line is, and where the next one begins; which one the last was of that is kept, and where the bundle ends. */
type Line = { index: number; next: number; last: number; readonly end: number };
const isWanted = ({ index, last, end }: Line): boolean => index > last && index < end;

/** Keeps what opens the line's entry. */
function open({ payloads, indexes, quotes }: Laid, index: number, bytes: Buffer): Changing<OpenedText> {
  const opened = (payloads[indexes.length] ??= {
    bytes,
    from: 0,
    to: 0,
    quotes,
    quotesFrom: 0,
    quotesTo: NOT_KNOWN,
    layout: null,
  });
  indexes.push(index);
  opened.bytes = bytes;
  return opened;
}

/** What opens an entry in a line that looks like one that was read before; false where its salt is none. */
function takeLine(text: Buffer, from: number, layout: LineLayout, laid: Laid, line: Line): boolean {
  const { layouts } = laid;
  if (!decodeSalt(text, from + layout.saltAt, layouts.message, SALT_AT)) return false;
  let index = 0;
  for (let at = from + layout.indexAt; at < from + layout.indexEnd; at += 1)
    index = index * 10 + (text[at] ?? 0) - ZERO;
  line.index = index;
  line.next = from + layout.length;
  if (!isWanted(line)) return true;
  layouts.take(layout, from);
  laid.commits += sha256Hex(layout.message);
  const opened = open(laid, index, text);
  opened.from = from;
  opened.to = line.next;
  opened.layout = layout.said;
  return true;
}

const NEWLINE = 0x0a;

/** False for what is no line. */
function layParsed(text: Buffer, from: number, laid: Laid, line: Line): boolean {
  const to = text.indexOf(NEWLINE, from);
  line.next = to === -1 ? text.byteLength : to + 1;
  if (to === -1 || to - from > LINE_BYTES_MAX) return false;
  const value = parse(text, from, to);
  if (typeof value !== "object" || value === null) return false;
  const [index, salt, payload]: unknown[] = [
    Reflect.get(value, "i"),
    Reflect.get(value, "s"),
    Reflect.get(value, "p"),
  ];
  // Between two places there is no entry.
  if (!Number.isInteger(index) || typeof index !== "number") return false;
  if (typeof salt !== "string" || typeof payload !== "string") return false;
  // Half a character has no bytes: what is committed to would be those of another one.
  if (!payload.isWellFormed()) return false;
  const decoded = Buffer.from(salt, "base64");
  const written = Buffer.from(payloadLine(index, decoded, payload));
  if (!text.subarray(from, to + 1).equals(written)) return false;
  line.index = index;
  if (!isWanted(line)) return true;
  if (decoded.byteLength !== SALT_BYTES) {
    laid.commits += NO_COMMIT;
    Object.assign(open(laid, index, text), { from, to: from, quotesTo: NOT_KNOWN, layout: null });
    return true;
  }
  const bytes = Buffer.concat([COMMIT_PREFIX, decoded, Buffer.from(payload)]);
  laid.room.set(bytes, laid.used);
  keep(laid, index, bytes.byteLength, NOT_KNOWN);
  return true;
}

function parse(text: Buffer, from: number, to: number): unknown {
  try {
    return JSON.parse(text.toString("utf8", from, to));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Takes what was laid behind the rest for what opens this entry. */
function keep(laid: Laid, index: number, length: number, quotesTo: number): OpenedText {
  const { room, used } = laid;
  laid.commits += sha256Hex(new Uint8Array(room.buffer, room.byteOffset + used, length));
  const opened = open(laid, index, room);
  opened.from = used + PAYLOAD_AT;
  opened.to = used + length;
  opened.quotesFrom = laid.quoteCount;
  opened.quotesTo = quotesTo;
  opened.layout = null;
  laid.used = opened.to;
  if (quotesTo !== NOT_KNOWN) laid.quoteCount = quotesTo;
  return opened;
}

const asBytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const BEFORE_INDEX = asBytes('{"i":');
const BEFORE_SALT = asBytes(',"s":"');
const BEFORE_PAYLOAD = asBytes('","p":"');
const AFTER_PAYLOAD = asBytes('"}\n');
/** 32 bytes in base64: 42 characters of six bits, one of four, and a sign of padding. */
const SALT_CHARS = 44;
const INDEX_DIGITS_MAX = 15;
const SALT_AT = COMMIT_PREFIX.byteLength;
const PAYLOAD_AT = SALT_AT + SALT_BYTES;

/** A line that is spelled as `payloadLine` spells it, with the escapes that JSON within JSON has; false for any other. */
function layWritten(bytes: Buffer, from: number, laid: Laid, line: Line): boolean {
  let at = from + BEFORE_INDEX.byteLength;
  if (!stands(BEFORE_INDEX, bytes, from)) return false;
  const digits = at;
  let index = 0;
  for (; isDigit(bytes[at]); at += 1) index = index * 10 + (bytes[at] ?? 0) - ZERO;
  if (at === digits || at - digits > INDEX_DIGITS_MAX || (bytes[digits] === ZERO && at - digits > 1))
    return false;
  const saltAt = at + BEFORE_SALT.byteLength;
  const payloadAt = saltAt + SALT_CHARS + BEFORE_PAYLOAD.byteLength;
  if (!stands(BEFORE_SALT, bytes, at) || !stands(BEFORE_PAYLOAD, bytes, saltAt + SALT_CHARS)) return false;
  const { room, used } = laid;
  for (let i = 0; i < SALT_AT; i += 1) room[used + i] = COMMIT_PREFIX[i] ?? 0;
  if (!decodeSalt(bytes, saltAt, room, used + SALT_AT)) return false;
  const text = unescape(bytes, payloadAt, room, used + PAYLOAD_AT, laid);
  if (text.end === -1 || !stands(AFTER_PAYLOAD, bytes, text.end)) return false;
  line.index = index;
  line.next = text.end + AFTER_PAYLOAD.byteLength;
  if (line.next - from > LINE_BYTES_MAX) return false;
  if (!isWanted(line)) return true;
  const opened = keep(laid, index, text.target - used, text.quotesTo);
  if (laid.layouts.isLearning() && isFlat(opened))
    laid.layouts.learn(bytes, { from, to: line.next, indexAt: digits, indexEnd: at, saltAt, payloadAt });
  return true;
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
function decodeSalt(bytes: Uint8Array, from: number, room: Uint8Array, to: number): boolean {
  let seen = 0;
  let target = to;
  for (let at = from; at < from + SALT_CHARS - 4; at += 4, target += 3) {
    const a = valueAt(bytes, at);
    const b = valueAt(bytes, at + 1);
    const c = valueAt(bytes, at + 2);
    const d = valueAt(bytes, at + 3);
    seen |= a | b | c | d;
    room[target] = (a << 2) | (b >> 4);
    room[target + 1] = (b << 4) | (c >> 2);
    room[target + 2] = (c << 6) | d;
  }
  const last = from + SALT_CHARS - 4;
  const a = valueAt(bytes, last);
  const b = valueAt(bytes, last + 1);
  const c = valueAt(bytes, last + 2);
  seen |= a | b | c;
  room[target] = (a << 2) | (b >> 4);
  room[target + 1] = (b << 4) | (c >> 2);
  // Bits that no byte takes are none: base64 has one spelling.
  return seen < NO_VALUE && (c & 3) === 0 && bytes[last + 3] === PADDING;
}

const valueAt = (bytes: Uint8Array, at: number): number => VALUES[bytes[at] ?? 0] ?? NO_VALUE;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What stands for itself: no quote, no backslash, no control character, and nothing past ASCII. */
const PLAIN = new Uint8Array(256).fill(1, 0x20, 0x80);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** Where the text's last quote is, -1 for a text that has other escapes or characters; and where its bytes end. */
type Unescaped = { end: number; target: number; quotesTo: number };
const NO_TEXT: Unescaped = { end: -1, target: 0, quotesTo: NOT_KNOWN };

/** Puts the text where it belongs. A newline, which every line ends with, is no character of a text. */
function unescape(
  bytes: Uint8Array,
  from: number,
  room: Uint8Array,
  to: number,
  { quotes, quoteCount }: Laid,
): Unescaped {
  let count = quoteCount;
  let isKnown = true;
  let at = from;
  let target = to;
  for (; ; at += 1, target += 1) {
    let byte = bytes[at] ?? 0;
    if (PLAIN[byte] !== 1) {
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) return NO_TEXT;
      at += 1;
      byte = bytes[at] ?? 0;
      if (byte === QUOTE && count < QUOTES_MAX) {
        quotes[count] = target;
        count += 1;
      } else if (byte === QUOTE || byte === BACKSLASH) isKnown = false;
      else return NO_TEXT;
    }
    room[target] = byte;
  }
  return { end: at, target, quotesTo: isKnown ? count : NOT_KNOWN };
}
