// Which event of a run an entry is, read from its bytes: of logs of millions of entries, without a text for each.

import { EVENT_KINDS, type EventKind } from "@assent/contract";

/** The kind of an event that has this number. */
export const kindOfEvent = (event: number): EventKind | undefined => EVENT_KINDS[event - 1];

/** Of no run, or of a kind that is not known here: a later version may have more of them. */
export const NO_RUN_EVENT = 0;

const RUN = Buffer.from("run_", "latin1").readInt32BE();
// A kind's length and its sixth byte tell nearly all of them apart.
const TOLD_APART_AT = 5;
/** Four characters of each kind at a time, and its last four, some of them again. */
const KINDS = EVENT_KINDS.map((kind) => {
  const text = Buffer.from(kind, "latin1");
  const places = Array.from({ length: Math.floor(text.byteLength / 4) }, (_, i) => i * 4);
  return {
    length: text.byteLength,
    told: text.readUInt8(TOLD_APART_AT),
    words: Int32Array.from([...places, text.byteLength - 4], (at) => text.readInt32BE(at)),
  };
});
const bucketOf = (length: number, byte: number): number => length * 32 + (byte & 31);
const BUCKETS = Map.groupBy(KINDS.keys(), (i) => bucketOf(KINDS[i]?.length ?? 0, KINDS[i]?.told ?? 0));
const CANDIDATES: readonly (readonly number[])[] = Array.from(
  { length: 64 * 32 },
  (_, i) => BUCKETS.get(i) ?? [],
);

/** The number of what these bytes say has happened to a run: its kind's place among all of them, from 1. */
export function runEventOf(bytes: DataView, subjectAt: number, kindAt: number, kindEnd: number): number {
  if (bytes.getInt32(subjectAt) !== RUN) return NO_RUN_EVENT;
  // The byte that is looked at is there in any entry: much follows the kind.
  const candidates = CANDIDATES[bucketOf(kindEnd - kindAt, bytes.getUint8(kindAt + TOLD_APART_AT))];
  if (candidates === undefined) return NO_RUN_EVENT;
  for (const i of candidates) {
    const kind = KINDS[i];
    if (kind !== undefined && isAt(kind.words, bytes, kindAt, kindEnd)) return i + 1;
  }
  return NO_RUN_EVENT;
}

/** @param to the words' own length behind `at`: kinds of another one are no candidates */
function isAt(words: Int32Array, bytes: DataView, at: number, to: number): boolean {
  const last = words.length - 1;
  if (bytes.getInt32(to - 4) !== words[last]) return false;
  for (let i = 0; i < last; i += 1) if (bytes.getInt32(at + 4 * i) !== words[i]) return false;
  return true;
}
