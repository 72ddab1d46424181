// Secrets that the harness was given are found by their value, in whatever encoding they turn up.
//
// Text and secrets are both brought to a skeleton: decoded (reading.ts), then letters and digits only, without case.
// What stands between two characters of a secret (a line break, a zero-width space, a quote, a dash) is then no
// hiding place. Of every secret's skeleton, and of its base64 (all alignments), base32, hex and decimal forms, every
// window of WINDOW characters is kept in a table; a rolling hash over the text's skeleton looks each window up. So
// the time is linear in the text whatever the number of secrets, and a secret that was cut short is still found.
// Shorter secrets are compared whole, with their case and marks, for their skeletons would fit too many words.

import { mergeSpans, type Span } from "./span.ts";
import { endOf, type Reading, readingsOf, startOf } from "./reading.ts";

/**
 * Shorter values are refused: masking "admin" or "1234" everywhere would take words and numbers out of every record,
 * and so tell where they stood. They are still masked where a name gives them away (`password=…`, assignments.ts).
 */
export const KNOWN_SECRET_CHARS_MIN = 8;

/** Bounds the table. A longer secret (a certificate bundle) is known by its first part; PEM rules take the rest. */
const KNOWN_SECRET_CHARS_MAX = 16_384;

/** Characters of a skeleton that must agree: 36^16 is 2^82, so that no ordinary text has them by chance. */
const WINDOW = 16;

/** Odd, and so invertible modulo 2^32, in which the rolling hash is computed. */
const HASH_BASE = 0x01000193;

/** Bits of the filter that stands before the table: most windows of most texts end there. */
const FILTER_BITS = 20;

export type Registration = "registered" | "too_short";

export type KnownSecrets = {
  /** Makes a value known from now on; the kind is what its mark will say. */
  register(value: string, kind: string): Registration;
  /** Every place where a part of a known secret stands. */
  find(text: string): Span[];
  /** Changes with every registration, for whoever keeps what was found. */
  readonly count: number;
};

type Pattern = { readonly text: string; readonly kind: string };
/** Windows of one length, by their hash. */
type Table = { readonly filter: Uint8Array; readonly buckets: Map<number, Pattern[]> };
/** Which characters of a text are compared, and as what; "" is passed over. */
type Alphabet = (text: string) => Alphabetised;
type Alphabetised = { readonly text: string; readonly from: Int32Array };

export function createKnownSecrets(): KnownSecrets {
  const skeletons = newTable();
  const exact = new Map<number, Table>();
  const seen = new Set<string>();
  return {
    get count() {
      return seen.size;
    },
    register: (given, kind) => {
      const value = given.trim().slice(0, KNOWN_SECRET_CHARS_MAX);
      if (value.length < KNOWN_SECRET_CHARS_MIN) return "too_short";
      if (seen.has(value)) return "registered";
      seen.add(value);
      for (const form of formsOf(value)) addForm(skeletons, exact, form, kind);
      return "registered";
    },
    find: (text) => {
      if (seen.size === 0) return [];
      const spans: Span[] = [];
      for (const reading of readingsOf(text)) {
        if (skeletons.buckets.size > 0) search(reading, skeletonOf, WINDOW, skeletons, spans);
        for (const [length, table] of exact) search(reading, tightOf, length, table, spans);
      }
      return mergeSpans(spans);
    },
  };
}

function addForm(skeletons: Table, exact: Map<number, Table>, form: string, kind: string): void {
  // A secret that itself looks encoded is decoded wherever it stands, so it must be known decoded too.
  for (const { text } of readingsOf(form)) {
    const skeleton = skeletonOf(text).text;
    if (skeleton.length >= WINDOW) {
      addWindows(skeletons, skeleton, WINDOW, kind);
      continue;
    }
    const tight = tightOf(text).text;
    if (tight.length < KNOWN_SECRET_CHARS_MIN) continue;
    const table = exact.get(tight.length) ?? newTable();
    exact.set(tight.length, table);
    addWindows(table, tight, tight.length, kind);
  }
}

const newTable = (): Table => ({ filter: new Uint8Array(1 << FILTER_BITS), buckets: new Map() });

function addWindows(table: Table, text: string, length: number, kind: string): void {
  for (let at = 0; at + length <= text.length; at += 1) {
    const window = text.slice(at, at + length);
    const hash = hashOf(window);
    const bucket = table.buckets.get(hash);
    table.filter[hash >>> (32 - FILTER_BITS)] = 1;
    if (bucket === undefined) table.buckets.set(hash, [{ text: window, kind }]);
    else if (!bucket.some((pattern) => pattern.text === window)) bucket.push({ text: window, kind });
  }
}

const roll = (hash: number, code: number): number => (Math.imul(hash, HASH_BASE) + code) >>> 0;

function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at += 1) hash = roll(hash, text.charCodeAt(at));
  return hash;
}

function search(reading: Reading, alphabet: Alphabet, length: number, table: Table, spans: Span[]): void {
  const { text, from } = alphabet(reading.text);
  if (text.length < length) return;
  let power = 1;
  for (let n = 1; n < length; n += 1) power = Math.imul(power, HASH_BASE);
  let hash = 0;
  let coveredTo = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (at >= length) hash = (hash - Math.imul(text.charCodeAt(at - length), power)) >>> 0;
    hash = roll(hash, text.charCodeAt(at));
    if (at + 1 < length || table.filter[hash >>> (32 - FILTER_BITS)] === 0) continue;
    const bucket = table.buckets.get(hash);
    if (bucket === undefined) continue;
    const begin = at + 1 - length;
    const pattern = bucket.find((candidate) => text.startsWith(candidate.text, begin));
    if (pattern === undefined) continue;
    cover(reading, from, Math.max(begin, coveredTo), at, pattern.kind, spans);
    coveredTo = at + 1;
  }
}

/** Between two characters of a secret these stay: taking them out would break the JSON or the lines around. */
const STRUCTURE = /["'`,[\]{}\r\n]/;

/** A gap that is longer holds something else than the secret. */
const GAP_CHARS_MAX = 24;

function cover(
  reading: Reading,
  from: Int32Array,
  first: number,
  last: number,
  kind: string,
  spans: Span[],
): void {
  for (let at = first; at <= last; at += 1) {
    const place = from[at] ?? 0;
    const [start, end] = [startOf(reading, place), endOf(reading, place)];
    const before = spans.at(-1);
    // Only what follows the last covered character, and not what another search has found close by.
    const isNext = before !== undefined && at > 0 && endOf(reading, from[at - 1] ?? 0) === before.end;
    const joins =
      before !== undefined &&
      start >= before.start &&
      (start < before.end ||
        (isNext && start - before.end <= GAP_CHARS_MAX && !STRUCTURE.test(sourceBetween(reading, from, at))));
    if (joins) spans[spans.length - 1] = { ...before, end: Math.max(before.end, end) };
    else spans.push({ start, end, kind });
  }
}

/** What was passed over between this compared character and the one before it. */
const sourceBetween = (reading: Reading, from: Int32Array, at: number): string =>
  at === 0 ? "\n" : reading.text.slice((from[at - 1] ?? 0) + 1, from[at] ?? 0);

/** Letters and digits, without case. */
function skeletonOf(text: string): Alphabetised {
  const from = new Int32Array(text.length);
  const codes = new Uint16Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isUpper = code >= 65 && code <= 90;
    if (!isUpper && !(code >= 97 && code <= 122) && !(code >= 48 && code <= 57)) continue;
    codes[length] = isUpper ? code + 32 : code;
    from[length] = at;
    length += 1;
  }
  return { text: textOf(codes, length), from };
}

/** Everything but white space. */
function tightOf(text: string): Alphabetised {
  const from = new Int32Array(text.length);
  const codes = new Uint16Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 32 || (code >= 9 && code <= 13)) continue;
    codes[length] = code;
    from[length] = at;
    length += 1;
  }
  return { text: textOf(codes, length), from };
}

const textOf = (codes: Uint16Array, length: number): string =>
  Buffer.from(codes.buffer, 0, length * 2).toString("utf16le");

/** The encodings that decoding cannot undo, because nothing tells where they begin. */
function formsOf(value: string): ReadonlySet<string> {
  const bytes = Buffer.from(value, "utf8");
  const forms = new Set([value, bytes.toString("hex"), bytes.toString("hex").toUpperCase()]);
  // What escapes of single bytes (`%C3%A4`, `\xc3\xa4`, `\303\244`) read as, and UTF-8 that was taken for Latin-1.
  forms.add(bytes.toString("latin1"));
  for (const form of ["NFC", "NFD"]) forms.add(value.normalize(form));
  const wide = Buffer.from(value, "utf16le");
  for (const once of [...base64Cores(bytes), ...base64Cores(wide)]) {
    forms.add(once);
    forms.add(once.replaceAll("+", "-").replaceAll("/", "_"));
    for (const twice of base64Cores(Buffer.from(once))) forms.add(twice);
  }
  for (const core of base32Cores(bytes)) forms.add(core);
  // A buffer that was logged as JSON: {"type":"Buffer","data":[115,107,…]}.
  forms.add([...bytes].join(","));
  // As programs list bytes, and as people write characters out.
  forms.add([...bytes].map((byte) => `0x${byte.toString(16).padStart(2, "0")}`).join(","));
  forms.add(Array.from(value, (each) => `U+${hexOf(each).padStart(4, "0")}`).join(" "));
  return forms;
}

const hexOf = (character: string): string => (character.codePointAt(0) ?? 0).toString(16).toUpperCase();

/** What base64 makes of the bytes, wherever in a longer content they stand: the part that the content around cannot change. */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replaceAll("=", "");
    const skip = Math.ceil((offset * 8) / 6);
    const whole = Math.floor(((offset + bytes.length) * 8) / 6);
    return encoded.slice(skip, whole);
  });
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32Cores(bytes: Buffer): string[] {
  return [0, 1, 2, 3, 4].map((offset) => {
    let encoded = "";
    let bits = 0;
    let held = 0;
    for (const byte of Buffer.concat([Buffer.alloc(offset), bytes])) {
      held = ((held << 8) | byte) & 0xfff;
      bits += 8;
      while (bits >= 5) {
        bits -= 5;
        encoded += BASE32.charAt((held >>> bits) & 31);
      }
    }
    return encoded.slice(Math.ceil((offset * 8) / 5));
  });
}
