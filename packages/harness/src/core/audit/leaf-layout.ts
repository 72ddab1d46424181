// Reads leaves by the million. Leaves of one log look alike: where one that `decodeLeaf` has accepted has a hash, the
// next one of its length has a hash too. So one leaf of each shape is read in full, and others are held against it,
// byte by byte, by the same rules. What fits no shape that is known is read in full again; nothing is let through by
// likeness that `decodeLeaf` would refuse.

import { decodeLeaf, type Leaf } from "./leaf.ts";

/** Where a leaf of this shape has what, counted from its first byte. */
export type LeafLayout = {
  readonly length: number;
  /** What all leaves of this shape have in common: they are of this log and tenant. */
  readonly log: string;
  readonly tenant: string;
  readonly timeAt: number;
  readonly commitAt: number;
  readonly kindAt: number;
  readonly kindEnd: number;
  readonly subjectAt: number;
  readonly subjectEnd: number;
  readonly versionAt: number;
  /** Of each four bytes the ranges that they must lie in, as `fits` wants them. */
  readonly ranges: DataView;
};

export const COMMIT_CHARS = 64;
export const TIME_CHARS = 27;

/** Two ranges of characters, both ends included; a byte must lie in one of them. */
type Ranges = readonly [string, string];
const DIGIT: Ranges = ["09", "09"];
const NOT_ZERO: Ranges = ["19", "19"];
const HEX: Ranges = ["09", "af"];
/** First digit of a UUID's variant. */
const VARIANT: Ranges = ["89", "ab"];
const LETTER: Ranges = ["az", "az"];
const WORD: Ranges = ["09", "az"];

/** Shapes that are kept; a log has some dozens. */
const LAYOUTS_MAX = 1_024;
/** Of those that look alike at first; a log that is made to have more is read slowly, and no slower than in full. */
const ALIKE_MAX = 8;

export type LeafReader = {
  /** The layout of the leaf in these bytes; null where there is none of the closed form. */
  read(bytes: Uint8Array, from: number, to: number): LeafLayout | null;
};

export function createLeafReader(): LeafReader {
  const known = new Map<number, LeafLayout[]>();
  let count = 0;
  let held: { readonly bytes: Uint8Array; readonly view: DataView } | null = null;
  // One view for all leaves of a bundle.
  const viewOf = (bytes: Uint8Array): DataView => {
    if (held?.bytes !== bytes)
      held = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    return held.view;
  };
  const learn = (bytes: Uint8Array, from: number, to: number): LeafLayout | null => {
    const copy = bytes.slice(from, to);
    const leaf = decodeLeaf(copy);
    if (leaf === null) return null;
    const layout = layoutOf(leaf, copy);
    if (count >= LAYOUTS_MAX) {
      known.clear();
      count = 0;
    }
    const key = shapeOf(copy, 0, copy.byteLength);
    known.set(key, [layout, ...(known.get(key) ?? []).slice(0, ALIKE_MAX - 1)]);
    count += 1;
    return layout;
  };
  return {
    read(bytes, from, to): LeafLayout | null {
      for (const layout of known.get(shapeOf(bytes, from, to)) ?? [])
        if (fits(layout, viewOf(bytes), from, to)) return layout;
      return learn(bytes, from, to);
    },
  };
}

const ACTOR_AT = '{"actor":'.length;
const NULL_FIRST = 0x6e;
const QUOTE = 0x22;
/** From the actor's end to the kind's first character, its commitment and id of fixed length included. */
const KIND_AFTER_NULL =
  `{"actor":null,"at":"2026-11-20T13:00:00.000000Z","commit":"","id":"","kind":"`.length + 64 + 36;
const KIND_AFTER_ACTOR = KIND_AFTER_NULL - 4 + '"prn_"'.length + 32;
const KIND_CHARS_MAX = 63;

// What tells most shapes apart: the length, whether there is an actor, and the length of the kind.
function shapeOf(bytes: Uint8Array, from: number, to: number): number {
  const isNobody = bytes[from + ACTOR_AT] === NULL_FIRST;
  const kindAt = from + (isNobody ? KIND_AFTER_NULL : KIND_AFTER_ACTOR);
  let kindEnd = kindAt;
  while (kindEnd < to && kindEnd - kindAt <= KIND_CHARS_MAX && bytes[kindEnd] !== QUOTE) kindEnd += 1;
  return ((to - from) * 2 + (isNobody ? 1 : 0)) * 128 + (kindEnd - kindAt);
}

const HIGH_BITS = 0x80808080 | 0;
const LOW_BITS = 0x7f7f7f7f;

// Four bytes at a time, in 32-bit numbers: a byte's high bit tells whether it has reached the end of a range, and no sum
// of two numbers below 128 carries into the next byte. Without a branch: the data decide, and would be guessed wrong.
function fits({ length, ranges }: LeafLayout, view: DataView, from: number, to: number): boolean {
  if (to - from !== length || to > view.byteLength) return false;
  let within = HIGH_BITS;
  let above = 0;
  // The last four overlap the ones before.
  const last = from + length - 4;
  for (let at = from, rule = 0; ; at = at + 4 < last ? at + 4 : last, rule += 16) {
    const word = view.getInt32(at);
    const low = word & LOW_BITS;
    const first = (low + ranges.getInt32(rule)) & ~(low + ranges.getInt32(rule + 4));
    const second = (low + ranges.getInt32(rule + 8)) & ~(low + ranges.getInt32(rule + 12));
    within &= first | second;
    above |= word;
    if (at === last) break;
  }
  return (within & HIGH_BITS) === HIGH_BITS && (above & HIGH_BITS) === 0;
}

/** What `fits` adds to four bytes, so that their high bits say: not below a range's begin; and above its end. */
function wordsOf(ranges: readonly Ranges[]): DataView {
  const { length } = ranges;
  const words = Buffer.alloc(Math.ceil(length / 4) * 16);
  for (let word = 0; word * 4 < length; word += 1) {
    const four = ranges.slice(Math.min(word * 4, length - 4)).slice(0, 4);
    for (const [which, end] of [0, 0, 1, 1].entries())
      for (const [i, range] of four.entries()) {
        const code = (range[end] ?? "").codePointAt(which % 2) ?? 0;
        words[word * 16 + which * 4 + i] = (which % 2 === 0 ? 0x80 : 0x7f) - code;
      }
  }
  return new DataView(words.buffer, words.byteOffset, words.byteLength);
}

function layoutOf(leaf: Leaf, bytes: Uint8Array): LeafLayout {
  const line = Buffer.from(bytes).toString("latin1");
  // What is not said to be otherwise is the same in all leaves of this shape.
  const ranges = Array.from(line).map((character): Ranges => [character + character, character + character]);
  const find = (field: string): number => line.indexOf(`"${field}":`) + field.length + 3;
  const mark = (at: number, length: number, range: Ranges): void => void ranges.fill(range, at, at + length);
  const [kindAt, subjectAt] = [find("kind") + 1, find("subj") + 1];
  const [commitAt, versionAt] = [find("commit") + 1, find("ver")];
  // Signs within a word stay where they are: leaves that have them elsewhere are of another shape.
  const markWord = (at: number, word: string): void => {
    for (const [i, character] of Array.from(word).entries())
      if (/[a-z0-9]/.test(character)) mark(at + i, 1, WORD);
    mark(at, 1, LETTER);
  };
  if (leaf.actor !== null) mark(ACTOR_AT + '"prn_'.length, 32, HEX);
  for (const [i, character] of Array.from(leaf.at).entries())
    if (/\d/.test(character)) mark(find("at") + 1 + i, 1, DIGIT);
  mark(commitAt, COMMIT_CHARS, HEX);
  for (const [i, character] of Array.from(leaf.id).entries())
    // The version stands at 14 and is always 7.
    if (character !== "-" && i !== 14) mark(find("id") + 1 + i, 1, i === 19 ? VARIANT : HEX);
  markWord(kindAt, leaf.kind);
  if (leaf.state !== null) mark(find("state") + 1, 64, HEX);
  markWord(subjectAt, leaf.subject);
  mark(versionAt, bytes.byteLength - 1 - versionAt, DIGIT);
  mark(versionAt, 1, NOT_ZERO);
  return {
    length: bytes.byteLength,
    log: leaf.log,
    tenant: leaf.tenant,
    timeAt: find("at") + 1,
    commitAt,
    kindAt,
    kindEnd: kindAt + leaf.kind.length,
    subjectAt,
    subjectEnd: subjectAt + leaf.subject.length,
    versionAt,
    ranges: wordsOf(ranges),
  };
}
