// Payload lines of one log look alike: a step begins as the one before it did, but for digits of digests and numbers. One line of
// each shape is read byte by byte, and others are held against it in vectors, by the same rules; what they say and what
// opens their entry is then taken from where the first one has it. What fits no shape that is known is read in full.

import { type ByteForm, type BytePicks, type ByteRanges, createByteForms } from "@assent/tlog";
import { SALT_BYTES } from "./leaf.ts";
import { SAID_FIELDS, type SaidLayout, type VaryingField } from "./said-fields.ts";

export type LineLayout = {
  /** Of the line, with its newline. */
  readonly length: number;
  readonly form: ByteForm;
  /** Where its place begins and ends, and where its salt begins. */
  readonly indexAt: number;
  readonly indexEnd: number;
  readonly saltAt: number;
  /** The payload's bytes, without the backslashes before them. */
  readonly picks: BytePicks;
  /** What is hashed: prefix, salt and payload, where `LineLayouts.message` has them. */
  readonly message: Uint8Array;
  readonly said: SaidLayout;
};

/** A line that was read in full. */
export type ReadLine = {
  readonly from: number;
  readonly to: number;
  readonly indexAt: number;
  readonly indexEnd: number;
  readonly saltAt: number;
  readonly payloadAt: number;
};

export type LineLayouts = {
  /** Bytes that are read into here are looked at where they lie. */
  readonly room: Uint8Array;
  /** Prefix and salt have their place before the payload that `take` puts here. */
  readonly message: Uint8Array;
  /** The bytes that `find` looks at. */
  load(bytes: Uint8Array): void;
  /** The layout of the line that begins here; null where none is known. */
  find(from: number): LineLayout | null;
  /** Puts the line's payload behind prefix and salt. */
  take(layout: LineLayout, from: number): void;
  /** Whether a line's look would be kept. */
  isLearning(): boolean;
  /** Keeps what a line looks like that is flat, of ASCII, and has no escapes but those of quotes around keys and texts. */
  learn(bytes: Buffer, line: ReadLine): void;
};

/** A line of ours has some hundred bytes. */
const LINE_BYTES_MAX = 4_096;
const LAYOUTS_MAX = 1_024;
/** Learning a line takes as long as reading some dozens in full: where lines are all of their own shapes, few are learnt. */
const LEARNING_COSTS = 64;
const CREDIT_AT_FIRST = 256 * LEARNING_COSTS;
/** Of one length; a log that is made to have more is read slowly. */
const ALIKE_MAX = 8;
const NEWLINE = 0x0a;

/** @param payloadAt where the payload begins in what is hashed */
export function createLineLayouts(payloadAt: number): LineLayouts {
  const forms = createByteForms();
  const byLength = new Map<number, LineLayout[]>();
  let count = 0;
  let credit = CREDIT_AT_FIRST;
  let held: Uint8Array | null = null;
  // What the last two looked like the next one does, more often than not.
  let last: LineLayout | null = null;
  let other: LineLayout | null = null;
  const used = (layout: LineLayout): LineLayout => {
    credit += 1;
    if (layout !== last) [other, last] = [last, layout];
    return layout;
  };
  return {
    room: forms.room,
    message: forms.picked,
    load(bytes): void {
      held = forms.load(bytes) ? bytes : null;
    },
    find(from): LineLayout | null {
      if (held === null || last === null) return null;
      if (forms.fits(last.form, from)) return used(last);
      if (other !== null && forms.fits(other.form, from)) return used(other);
      const to = held.indexOf(NEWLINE, from);
      const found = byLength.get(to + 1 - from)?.find(({ form }) => forms.fits(form, from));
      return found === undefined ? null : used(found);
    },
    take({ picks }, from): void {
      forms.pick(picks, from, payloadAt);
    },
    isLearning: () => credit >= LEARNING_COSTS,
    learn(bytes, line): void {
      const length = line.to - line.from;
      if (length > LINE_BYTES_MAX) return;
      credit -= LEARNING_COSTS;
      if (count >= LAYOUTS_MAX) {
        forms.forget();
        byLength.clear();
        [count, last, other] = [0, null, null];
      }
      const { ranges, places, said } = shapeOf(bytes.subarray(line.from, line.to), line);
      const [form, picks] = [forms.keep(ranges), forms.keepPicks(places)];
      if (form === null || picks === null) return;
      const [indexAt, indexEnd, saltAt] = [line.indexAt, line.indexEnd, line.saltAt].map(
        (at) => at - line.from,
      );
      if (indexAt === undefined || indexEnd === undefined || saltAt === undefined) return;
      const message = forms.picked.subarray(0, payloadAt + places.length);
      const layout = { length, form, indexAt, indexEnd, saltAt, picks, message, said };
      byLength.set(length, [layout, ...(byLength.get(length) ?? []).slice(0, ALIKE_MAX - 1)]);
      count += 1;
      used(layout);
    },
  };
}

const code = (character: string): number => character.charCodeAt(0);
const rangesOf = (from: string, to: string, orFrom: string = from, orTo: string = to): ByteRanges => [
  code(from),
  code(to),
  code(orFrom),
  code(orTo),
];
const DIGIT = rangesOf("0", "9");
const NOT_ZERO = rangesOf("1", "9");
const HEX = rangesOf("0", "9", "a", "f");
const ANY: ByteRanges = [0, 255, 0, 255];
/** Of a salt, in base64; which signs these are is looked at where it is decoded. */
const SALT_CHARS = Math.ceil(SALT_BYTES / 3) * 4;

type Shape = {
  readonly ranges: ByteRanges[];
  readonly places: readonly number[];
  readonly said: SaidLayout;
};

const TOKEN = /\\"([^"\\]*)\\"(:?)|[^"\\,:{}]+/g;

function shapeOf(bytes: Buffer, { from, indexAt, indexEnd, saltAt, payloadAt }: ReadLine): Shape {
  const line = bytes.toString("latin1");
  const ranges = Array.from(line).map((character) => rangesOf(character, character));
  const mark = (at: number, length: number, range: ByteRanges): void =>
    void ranges.fill(range, at, at + length);
  const markNumber = (at: number, length: number): void => {
    mark(at, length, DIGIT);
    if (length > 1) mark(at, 1, NOT_ZERO);
  };
  markNumber(indexAt - from, indexEnd - indexAt);
  mark(saltAt - from, SALT_CHARS, ANY);
  const constant = new Map<string, unknown>();
  const varying = new Map<string, VaryingField>();
  const begins = payloadAt - from;
  const payload = line.slice(begins, -AFTER_PAYLOAD);
  let key = "";
  for (const { 0: token, 1: text, 2: colon, index } of payload.matchAll(TOKEN)) {
    const at = begins + index;
    if (colon === ":") key = text ?? "";
    else {
      // The last one of a name counts.
      varying.delete(key);
      constant.delete(key);
      if (text === undefined && /^\d+$/.test(token)) markNumber(at, token.length);
      const isVarying = text === undefined ? /^\d+$/.test(token) : markText(text, at + 2, mark);
      const [valueAt, valueEnd] =
        text === undefined ? [at, at + token.length] : [at + 2, at + 2 + text.length];
      const field = SAID_FIELDS.findIndex((name) => name === key);
      if (isVarying) varying.set(key, { field, from: valueAt, to: valueEnd, isNumber: text === undefined });
      else constant.set(key, text ?? JSON.parse(token));
    }
  }
  const places = Array.from(payload, (_, i) => i).filter((i) => payload[i] !== "\\");
  return {
    ranges,
    places: places.map((place) => begins + place),
    said: {
      values: SAID_FIELDS.map((field) => constant.get(field)),
      varying: [...varying.values()].filter(({ field }) => field !== -1),
    },
  };
}

/** The last quote, brace and newline of a line. */
const AFTER_PAYLOAD = 3;

/** Digits, and the hex of digests and ids, are others in other lines. */
function markText(
  text: string,
  at: number,
  mark: (at: number, length: number, range: ByteRanges) => void,
): boolean {
  let isVarying = false;
  for (const { 0: run, index } of text.matchAll(/[0-9a-f]{32,}|\d+/g)) {
    mark(at + index, run.length, run.length >= 32 ? HEX : DIGIT);
    isVarying = true;
  }
  return isVarying;
}
