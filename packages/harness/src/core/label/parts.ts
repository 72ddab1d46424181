// Which parts of a value that is not trusted stand in untrusted text, and only there.

import type { SourceRef } from "../decide/action-request.ts";
import { figureAt } from "./figures.ts";
import { eachShingle, SHINGLE_CHARS } from "./shingles.ts";
import type { TrustedText } from "./trusted-text.ts";
import type { Place, UntrustedText } from "./untrusted-text.ts";
import type { ValueReading } from "./value-reading.ts";
import { tokensOf } from "./vocabulary.ts";

/** A value of at most this many words names something; every word of it counts. Longer ones are prose. */
const NAMING_WORDS_MAX = 8;
const NAMING_CHARS_MAX = 64;

/** In prose a run of letters and digits of this length, or an address, a URL, a number of three digits counts. */
export const RUN_CHARS_MIN = 20;

export function findUntrustedParts(
  reading: ValueReading,
  trusted: TrustedText,
  untrusted: UntrustedText,
  countMax: number,
): readonly SourceRef[] {
  const short = reading.view.text.length <= NAMING_CHARS_MAX;
  const naming = short && reading.keys.length <= NAMING_WORDS_MAX;
  const refs: SourceRef[] = [];
  const seen = new Set<Place>();
  const add = (place: Place, start: number, said: string): boolean => {
    if (seen.has(place)) return true;
    seen.add(place);
    const ref = untrusted.refer(place, said, start);
    // Parts at two places may be one stretch, which is written otherwise in the source.
    if (!refs.some((known) => isSame(known, ref))) refs.push(ref);
    return refs.length < countMax;
  };
  for (const [at, key] of reading.keys.entries())
    for (const part of partsOf(reading, at, key, naming)) {
      if (trusted.hasWord(part) || trusted.hasToken(part)) continue;
      const place = untrusted.findWord(part);
      if (place >= 0 && !add(place, 0, key.includes(part) ? part : key)) return refs;
    }
  findRuns(reading, trusted, untrusted, short ? SHINGLE_CHARS : RUN_CHARS_MIN, add);
  return refs.slice(0, countMax);
}

const isSame = (a: SourceRef, b: SourceRef): boolean =>
  a.source === b.source && a.start === b.start && a.end === b.end;

/** An address, an URL, a path, a number of three digits. */
const TELLING = /[@/]|\w\.\w|\d\D*\d\D*\d/;
const PLAIN_WORD = /^[a-z]+$/;
const NO_PARTS: readonly string[] = [];

function partsOf(reading: ValueReading, at: number, key: string, naming: boolean): readonly string[] {
  if (!naming && (PLAIN_WORD.test(key) || !TELLING.test(key))) return NO_PARTS;
  const figures = (figureAt(reading.keys, at, "liberal")?.keys ?? []).filter((part) => /[nd]:/.test(part));
  const parts = [key, ...figures];
  if (naming) parts.push(...tokensOf(key).filter((token) => token.length >= 3 || /\d\d|[^ -~]/.test(token)));
  return parts;
}

/** Shingles that only untrusted text has, joined to runs where they follow each other. */
function findRuns(
  reading: ValueReading,
  trusted: TrustedText,
  untrusted: UntrustedText,
  charsMin: number,
  add: (place: Place, start: number, said: string) => boolean,
): void {
  const { text } = reading.view;
  let first: { place: Place; start: number; index: number } | null = null;
  let last = { index: 0, place: 0, end: 0 };
  let index = 0;
  const close = (): boolean => {
    const long = first !== null && last.index - first.index + SHINGLE_CHARS >= charsMin;
    const more = first === null || !long || add(first.place, first.start, text);
    first = null;
    return more;
  };
  eachShingle(reading.view, (hash, start, end) => {
    index += 1;
    const place = untrusted.findShingle(hash);
    if (place < 0 || trusted.hasShingle(hash)) return true;
    // Winnowing keeps one of five at least, so a run shows itself again within two windows.
    const follows =
      index - last.index <= 2 * SHINGLE_CHARS &&
      place > last.place &&
      place - last.place <= FOLLOWING_UNITS_MAX;
    if (first !== null && !follows && !close()) return false;
    first ??= { place, start, index };
    last = { index, place, end };
    return true;
  });
  close();
}

/** Units between two parts of one run in the source: room for line breaks, markup and escapes. */
const FOLLOWING_UNITS_MAX = 200;
