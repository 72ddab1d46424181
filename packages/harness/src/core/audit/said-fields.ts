// What an event says, out of its payload, for logs of millions of entries: the fields that a verifier looks at, and no others.
// Payloads of ours are flat objects of short texts, numbers and fixed words, mostly the same ones: they are read where they lie,
// and a text that was met lately is not made again. Whatever is not as plain as that is parsed.

import { assert } from "../../base/assert.ts";

/** A text in UTF-8, as a range of bytes that hold others as well. */
export type OpenedText = {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /**
   * Where its quotes are, in their order, between these two places of `quotes`: of a text of ASCII that has no backslash and
   * no control character. `quotesTo` is -1 for any other one.
   */
  readonly quotes: Int32Array;
  readonly quotesFrom: number;
  readonly quotesTo: number;
  /** Of a line that looks like one that was read before: then the bytes are the line's, from its beginning on. */
  readonly layout: SaidLayout | null;
};

/** What lines of one shape say of each of `SAID_FIELDS`: the same, or what stands at a place of the line. */
export type SaidLayout = {
  /** In their order. What varies is what the line said that was read last: it is put here before any is read. */
  readonly values: unknown[];
  readonly varying: readonly VaryingField[];
};
export type VaryingField = {
  /** Its place among `SAID_FIELDS`. */
  readonly field: number;
  readonly from: number;
  readonly to: number;
  readonly isNumber: boolean;
};

/** All that any check of a step looks at. */
export const SAID_FIELDS = [
  "step",
  "step_kind",
  "name",
  "effect",
  "action_digest",
  "effect_id",
  "verdict",
  "approval_id",
  "approved_digest",
  "answer",
] as const;

export type SaidReader = {
  /**
   * What `JSON.parse` gives, or of an object of it the fields above.
   * @returns undefined for what is no JSON, and for null: nothing is said by either
   */
  read(text: OpenedText): unknown;
  /** The same with all its fields, which takes longer. */
  readWhole(text: OpenedText): unknown;
  /** The ASCII between these places as a text; of what was met lately it is the one that was made then. */
  text(bytes: Buffer, from: number, to: number): string;
};

type Said = { readonly [F in (typeof SAID_FIELDS)[number]]: unknown };

export function createSaidReader(): SaidReader {
  const text = createTexts();
  const values: unknown[] = Array.from(SAID_FIELDS);
  return {
    read(opened): unknown {
      if (opened.layout !== null) return saidIn(opened, opened.layout, text);
      values.fill(undefined);
      return opened.quotesTo !== NOT_KNOWN && readFlat(opened, values, text)
        ? saidOf(values)
        : parsed(opened.bytes.toString("utf8", opened.from, opened.to));
    },
    readWhole: (opened) => parsed(wholeText(opened)),
    text,
  };
}

const saidOf = (values: readonly unknown[]): Said => ({
  step: values[0],
  step_kind: values[1],
  name: values[2],
  effect: values[3],
  action_digest: values[4],
  effect_id: values[5],
  verdict: values[6],
  approval_id: values[7],
  approved_digest: values[8],
  answer: values[9],
});

/** Of a line that looks like one that was read before: what differs from line to line is put beside what does not. */
function saidIn({ bytes, from }: OpenedText, { values, varying }: SaidLayout, text: Texts): Said {
  for (const one of varying) {
    const [begins, ends] = [from + one.from, from + one.to];
    values[one.field] = one.isNumber ? wordOf(bytes, begins, ends) : text(bytes, begins, ends);
  }
  return saidOf(values);
}

function wholeText({ bytes, from, to, layout }: OpenedText): string {
  const text = bytes.toString("utf8", from, to);
  if (layout === null) return text;
  // What looks like a line that was read before is one.
  const { p }: { p: string } = JSON.parse(text);
  return p;
}

/** Whether it is a flat object without spaces, as ours are. */
export const isFlat = (opened: OpenedText): boolean =>
  opened.quotesTo !== NOT_KNOWN && readFlat(opened, Array.from(SAID_FIELDS), () => "");

/** Of a text whose quotes were not looked for, or have escapes around them. */
export const NOT_KNOWN = -1;

// What is no JSON says nothing, which is a finding where something has to be said; so does a null, and is not erased.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const [OPENING, CLOSING, COLON, COMMA] = [0x7b, 0x7d, 0x3a, 0x2c];

type Texts = SaidReader["text"];

/** False for anything but a flat object without spaces; then the values say nothing. */
function readFlat(
  { bytes, from, to, quotes, quotesFrom, quotesTo }: OpenedText,
  values: unknown[],
  text: Texts,
): boolean {
  if (bytes[from] !== OPENING || bytes[to - 1] !== CLOSING) return false;
  if (to - from === 2) return true;
  let quote = quotesFrom;
  for (let at = from + 1; ; at += 1) {
    // A key: from one quote to the next, there being no backslash. What is past the last quote is none of this text's.
    if (quote + 2 > quotesTo || quotes[quote] !== at) return false;
    const keyEnd = quotes[quote + 1] ?? 0;
    const field = fieldAt(bytes, at + 1, keyEnd);
    quote += 2;
    if (bytes[keyEnd + 1] !== COLON) return false;
    const valueAt = keyEnd + 2;
    if (quote + 2 <= quotesTo && quotes[quote] === valueAt) {
      const end = quotes[quote + 1] ?? 0;
      if (field !== NO_FIELD) values[field] = text(bytes, valueAt + 1, end);
      quote += 2;
      at = end + 1;
    } else {
      at = wordEnd(bytes, valueAt);
      const value = wordOf(bytes, valueAt, at);
      if (value === undefined) return false;
      if (field !== NO_FIELD) values[field] = value;
    }
    if (at === to - 1) return true;
    if (bytes[at] !== COMMA) return false;
  }
}

// The text ends with a brace.
function wordEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] !== COMMA && bytes[at] !== CLOSING) at += 1;
  return at;
}

const ZERO = 0x30;
const DIGITS_MAX = 15;
const WORDS = (["true", "false", "null"] as const).map((word) => ({
  bytes: Buffer.from(word, "latin1"),
  value: { true: true, false: false, null: null }[word],
}));

/** A whole number that is not below 0, or a fixed word; undefined for any other. */
function wordOf(bytes: Uint8Array, from: number, to: number): number | boolean | null | undefined {
  let value = 0;
  let at = from;
  for (; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (at === to && to > from)
    return to - from <= DIGITS_MAX && (bytes[from] !== ZERO || to - from === 1) ? value : undefined;
  return WORDS.find((word) => isAt(word.bytes, bytes, from, to))?.value;
}

function isAt(text: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== text.byteLength) return false;
  for (let i = 0; i < text.byteLength; i += 1) if (bytes[from + i] !== text[i]) return false;
  return true;
}

const NO_FIELD = -1;
const NAMES = SAID_FIELDS.map((name) => Buffer.from(name, "latin1"));
// A name's length and its second character tell all of them apart.
const placeOf = (length: number, second: number): number => (length & 15) * 32 + (second & 31);
const PLACES = new Int8Array(16 * 32).fill(NO_FIELD);
for (const [field, name] of NAMES.entries()) {
  const place = placeOf(name.byteLength, name[1] ?? 0);
  assert(PLACES[place] === NO_FIELD, "no two fields are looked up at one place");
  PLACES[place] = field;
}

function fieldAt(bytes: Uint8Array, from: number, to: number): number {
  const field = PLACES[placeOf(to - from, bytes[from + 1] ?? 0)] ?? NO_FIELD;
  const name = NAMES[field];
  return name !== undefined && isAt(name, bytes, from, to) ? field : NO_FIELD;
}

/** Some thousand runs at once, with what is under way in each; of texts as long as digests and ids are. */
const [TEXTS, TEXT_BYTES_MAX] = [16_384, 96];

// By its length, its first four and its last four characters: digests and ids differ there. Whoever makes texts that crowd one
// place has them made again and again.
function createTexts(): Texts {
  const known: string[] = Array.from({ length: TEXTS }, () => "");
  const kept = new DataView(new ArrayBuffer(TEXTS * TEXT_BYTES_MAX));
  // Of the bytes that were given last: those of a bundle are given again and again.
  let held: Uint8Array = new Uint8Array();
  let view = new DataView(held.buffer);
  return (bytes, from, to) => {
    const length = to - from;
    if (length < 4 || length > TEXT_BYTES_MAX) return bytes.toString("latin1", from, to);
    if (held !== bytes) {
      held = bytes;
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const last = view.getInt32(to - 4, true) + length;
    const place =
      Math.imul(view.getInt32(from, true) ^ Math.imul(last, 0x85ebca6b), 0xc2b2ae35) >>> TEXTS_SHIFT;
    const before = known[place] ?? "";
    const at = place * TEXT_BYTES_MAX;
    if (before.length === length && isSame(kept, at, view, from, length)) return before;
    const made = bytes.toString("latin1", from, to);
    known[place] = made;
    copy(kept, at, view, from, length);
    return made;
  };
}

const TEXTS_SHIFT = 32 - Math.log2(TEXTS);

/** @param length 4 at least, as below: the last four are taken at once, some of them again */
function copy(kept: DataView, at: number, bytes: DataView, from: number, length: number): void {
  for (let i = 0; i + 4 <= length; i += 4) kept.setInt32(at + i, bytes.getInt32(from + i));
  kept.setInt32(at + length - 4, bytes.getInt32(from + length - 4));
}

function isSame(kept: DataView, at: number, bytes: DataView, from: number, length: number): boolean {
  for (let i = 0; i + 4 <= length; i += 4)
    if (kept.getInt32(at + i, true) !== bytes.getInt32(from + i, true)) return false;
  return kept.getInt32(at + length - 4, true) === bytes.getInt32(from + length - 4, true);
}
