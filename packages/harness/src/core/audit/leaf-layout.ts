// Reads leaves by the million. Leaves of one log look alike: where one that `decodeLeaf` has accepted has a hash, the
// next one of its length has a hash too. So one leaf of each shape is read in full, and others are held against it,
// byte by byte, by the same rules. What fits no shape that is known is read in full again; nothing is let through by
// likeness that `decodeLeaf` would refuse.

import { type ByteForm, type ByteRanges, createByteForms } from "@assent/tlog";
import { decodeLeaf, type Leaf } from "./leaf.ts";

/** Where a leaf of this shape has what, counted from its first byte. */
export type LeafLayout = {
  readonly length: number;
  /** What all leaves of this shape have in common. One object for all shapes of a log and tenant that come one after the other. */
  readonly owner: LeafOwner;
  readonly timeAt: number;
  readonly idAt: number;
  readonly commitAt: number;
  readonly kindAt: number;
  readonly kindEnd: number;
  readonly subjectAt: number;
  readonly subjectEnd: number;
  readonly versionAt: number;
  /** The ranges that its bytes must lie in; null where there is no room for them: then it stands for itself alone. */
  readonly form: ByteForm | null;
};

export type LeafOwner = { readonly log: string; readonly tenant: string };

export const COMMIT_CHARS = 64;

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
/** First digit of a UUID's variant. */
const VARIANT = rangesOf("8", "9", "a", "b");
const LETTER = rangesOf("a", "z");
const WORD = rangesOf("0", "9", "a", "z");

/** Shapes that are kept; a log has some dozens. */
const LAYOUTS_MAX = 1_024;
/** Of those that look alike at first; a log that is made to have more is read slowly, and no slower than in full. */
const ALIKE_MAX = 8;

export type LeafReader = {
  /** Bytes that are read into here are looked at where they lie. */
  readonly room: Uint8Array;
  /** The layout of the leaf in these bytes; null where there is none of the closed form. */
  read(bytes: Uint8Array, from: number, to: number): LeafLayout | null;
};

export function createLeafReader(): LeafReader {
  const known = new Map<number, LeafLayout[]>();
  const forms = createByteForms();
  let count = 0;
  // What the last leaf looked like the next one does, or the one before it did, more often than not: a step begins and ends.
  // Then nothing is looked up.
  let last: LeafLayout | null = null;
  let other: LeafLayout | null = null;
  const fits = ({ form, length }: LeafLayout, from: number, to: number): boolean =>
    form !== null && length === to - from && forms.fits(form, from);
  // All leaves of a bundle are loaded at once. A bundle of longer entries than leaves are fits nothing.
  let held: Uint8Array | null = null;
  let owner: LeafOwner | null = null;
  const learn = (bytes: Uint8Array, from: number, to: number): LeafLayout | null => {
    const copy = bytes.slice(from, to);
    const leaf = decodeLeaf(copy);
    if (leaf === null) return null;
    const { ranges, ...places } = layoutOf(leaf, copy);
    if (owner?.log !== leaf.log || owner.tenant !== leaf.tenant)
      owner = { log: leaf.log, tenant: leaf.tenant };
    if (count >= LAYOUTS_MAX) {
      known.clear();
      forms.forget();
      count = 0;
      last = null;
      other = null;
    }
    const layout = { ...places, owner, form: forms.keep(ranges) };
    const key = shapeOf(copy, 0, copy.byteLength);
    known.set(key, [layout, ...(known.get(key) ?? []).slice(0, ALIKE_MAX - 1)]);
    count += 1;
    return layout;
  };
  return {
    room: forms.room,
    read(bytes, from, to): LeafLayout | null {
      if (held !== bytes) {
        forms.load(bytes);
        held = bytes;
      }
      if (last !== null && fits(last, from, to)) return last;
      const before = last;
      if (other !== null && fits(other, from, to)) {
        last = other;
        other = before;
        return last;
      }
      const alike = known.get(shapeOf(bytes, from, to));
      // What is learnt may take the room of all that was known: then it is the last one, too.
      other = before;
      const found = alike?.find((layout) => fits(layout, from, to)) ?? learn(bytes, from, to);
      last = found;
      return found;
    },
  };
}

const ACTOR_AT = '{"actor":'.length;
const NULL_FIRST = 0x6e;
const ACTOR_CHARS = '"prn_'.length + 32;

/** The principal that the leaf which begins here names; null where the harness itself did it. */
export const actorOf = (bytes: Buffer, from: number): string | null =>
  bytes[from + ACTOR_AT] === NULL_FIRST
    ? null
    : bytes.toString("latin1", from + ACTOR_AT + 1, from + ACTOR_AT + ACTOR_CHARS);

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

function layoutOf(
  leaf: Leaf,
  bytes: Uint8Array,
): Omit<LeafLayout, "form" | "owner"> & { readonly ranges: ByteRanges[] } {
  const line = Buffer.from(bytes).toString("latin1");
  // What is not said to be otherwise is the same in all leaves of this shape.
  const ranges = Array.from(line).map((character) => rangesOf(character, character));
  const find = (field: string): number => line.indexOf(`"${field}":`) + field.length + 3;
  const mark = (at: number, length: number, range: ByteRanges): void =>
    void ranges.fill(range, at, at + length);
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
    timeAt: find("at") + 1,
    idAt: find("id") + 1,
    commitAt,
    kindAt,
    kindEnd: kindAt + leaf.kind.length,
    subjectAt,
    subjectEnd: subjectAt + leaf.subject.length,
    versionAt,
    ranges,
  };
}
