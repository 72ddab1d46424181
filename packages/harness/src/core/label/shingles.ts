// Runs of letters and digits, whatever stands between them: how a value is found again that was split, joined, broken
// over lines or punctuated anew. After Schleimer, Wilkerson, Aiken, "Winnowing" (SIGMOD 2003): of every window of
// hashes the least is kept, so that two texts sharing a run of SHINGLE_CHARS + WINDOW_HASHES - 1 keep a hash in common.

import type { View } from "./view.ts";

/** Letters and digits of one hash. */
export const SHINGLE_CHARS = 8;
const WINDOW_HASHES = 5;

const BASE = 0x01000193;
let leaving = 1;
for (let power = 1; power < SHINGLE_CHARS; power += 1) leaving = Math.imul(leaving, BASE);
const LEAVING = leaving;

const LETTER = /[\p{L}\p{N}]/u;
const COUNTS = new Uint8Array(0x1_0000);

/** Whether a unit of a folded text is a letter or digit (halves of pairs count: they are letters or pictures). */
export function isCounted(unit: number): boolean {
  const known = COUNTS[unit];
  if (known !== 0) return known === 1;
  const counted = (unit >= 0xd800 && unit <= 0xdfff) || LETTER.test(String.fromCharCode(unit));
  COUNTS[unit] = counted ? 1 : 2;
  return counted;
}

/** Calls back for every shingle with its hash and the units at which it starts and ends (out), until told `false`. */
export function eachShingle(view: View, visit: (hash: number, start: number, end: number) => boolean): void {
  const units = new Uint16Array(SHINGLE_CHARS);
  const places = new Int32Array(SHINGLE_CHARS);
  let hash = 0;
  let count = 0;
  for (let at = 0; at < view.text.length; at += 1) {
    const unit = view.text.charCodeAt(at);
    if (!isCounted(unit)) continue;
    const slot = count % SHINGLE_CHARS;
    if (count >= SHINGLE_CHARS) hash = (hash - Math.imul(units[slot] ?? 0, LEAVING)) | 0;
    hash = (Math.imul(hash, BASE) + unit) | 0;
    units[slot] = unit;
    places[slot] = at;
    count += 1;
    if (count >= SHINGLE_CHARS && !visit(hash, places[count % SHINGLE_CHARS] ?? 0, at + 1)) return;
  }
}

/** As `eachShingle`, but only for those that winnowing keeps; a text too short for a window keeps all of them. */
export function eachKeptShingle(view: View, visit: (hash: number, start: number) => void): void {
  const hashes = new Uint32Array(WINDOW_HASHES);
  const starts = new Int32Array(WINDOW_HASHES);
  let count = 0;
  let kept = -1;
  const keepLeast = (from: number): void => {
    let least = from;
    for (let index = from + 1; index < count; index += 1)
      if ((hashes[index % WINDOW_HASHES] ?? 0) < (hashes[least % WINDOW_HASHES] ?? 0)) least = index;
    if (least === kept) return;
    kept = least;
    visit((hashes[least % WINDOW_HASHES] ?? 0) | 0, starts[least % WINDOW_HASHES] ?? 0);
  };
  eachShingle(view, (hash, start) => {
    hashes[count % WINDOW_HASHES] = hash >>> 0;
    starts[count % WINDOW_HASHES] = start;
    count += 1;
    if (count >= WINDOW_HASHES) keepLeast(count - WINDOW_HASHES);
    return true;
  });
  if (count >= WINDOW_HASHES) return;
  for (let index = 0; index < count; index += 1)
    visit((hashes[index % WINDOW_HASHES] ?? 0) | 0, starts[index % WINDOW_HASHES] ?? 0);
}

/** Hash of a whole word; another family than the shingles', so that one table can hold both. */
export function wordHash(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at += 1)
    hash = Math.imul(hash ^ word.charCodeAt(at), 0x5bd1e995) ^ (hash >>> 15);
  return hash ^ word.length;
}
