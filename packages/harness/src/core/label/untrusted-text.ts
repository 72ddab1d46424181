// What anybody may have written, indexed to answer one question: does any part of this value come from it?

import type { SourceRef } from "../decide/action-request.ts";
import { figureAt } from "./figures.ts";
import { foldView } from "./fold.ts";
import { createIntTable } from "./int-table.ts";
import { UNTRUSTED_CHARS_MAX } from "./limits.ts";
import { textViews } from "./normalise.ts";
import { eachKeptShingle, isCounted, wordHash } from "./shingles.ts";
import { plainView, type View } from "./view.ts";
import { tokensOf } from "./vocabulary.ts";
import { wordsOf } from "./words.ts";

/** A place in the texts put one after the other; -1 is nowhere. */
export type Place = number;

export type UntrustedText = {
  readonly add: (id: string, text: string) => void;
  readonly findWord: (key: string) => Place;
  readonly findShingle: (hash: number) => Place;
  /** Where `said` (folded) stands, whose unit `at` is at this place, as far as it does in both directions. */
  readonly refer: (place: Place, said: string, at: number) => SourceRef;
  /** Some text was read. */
  readonly isEmpty: () => boolean;
  /** Not all that was read could be indexed. */
  readonly isFull: () => boolean;
  readonly sizeBytes: () => number;
};

type Source = { readonly id: string; readonly text: string; readonly base: number };

export function createUntrustedText(): UntrustedText {
  const sources: Source[] = [];
  const table = createIntTable();
  let base = 0;
  let chars = 0;
  let full = false;
  const addView = (view: View, text: string, from: number): void => {
    eachKeptShingle(view, (hash, start) => {
      if (!table.add(hash, from + (view.from[start] ?? 0))) full = true;
    });
    const words = wordsOf(view, text, "text");
    const keys = words.map((word) => word.key);
    for (const [at, word] of words.entries()) {
      const add = (key: string): void => {
        if (!table.add(wordHash(key), from + word.start)) full = true;
      };
      add(word.key);
      for (const token of tokensOf(word.key)) if (token !== word.key) add(token);
      for (const key of figureAt(keys, at, "liberal")?.keys ?? []) add(key);
    }
  };
  return {
    add: (id, text) => {
      sources.push({ id, text, base });
      const from = base;
      base += text.length + 1;
      if (full || chars + text.length > UNTRUSTED_CHARS_MAX) {
        full = true;
        return;
      }
      for (const view of textViews(text)) {
        chars += view.text.length;
        if (chars > UNTRUSTED_CHARS_MAX) full = true;
        if (full) return;
        addView(view, text, from);
      }
    },
    findWord: (key) => table.find(wordHash(key)),
    findShingle: (hash) => table.find(hash),
    refer: (place, said, at) => refer(sources, place, said, at),
    isEmpty: () => sources.length === 0,
    isFull: () => full,
    sizeBytes: () => table.sizeBytes() + sources.reduce((sum, source) => sum + source.text.length, 0),
  };
}

/** Units of a value that are followed into a source; a longer run is pointed at by its beginning. */
const FOLLOWED_UNITS_MAX = 4_096;
/** Units of a source looked at per unit of the value: escapes take up to eight (`&#x0040;`). */
const STRETCH = 8;

function refer(sources: readonly Source[], place: Place, said: string, at: number): SourceRef {
  let low = 0;
  for (let high = sources.length - 1; low < high;) {
    const middle = (low + high + 1) >> 1;
    if ((sources[middle]?.base ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  const source = sources[low] ?? { id: "", text: "", base: 0 };
  const found = place - source.base;
  const length = endOf(source.text, found, said.slice(at, at + FOLLOWED_UNITS_MAX));
  const start = length === 0 ? found : startOf(source.text, found, said, at);
  // Written otherwise there (encoded, another number format): the word in which it starts.
  const end = found + (length || (/^\S*/.exec(source.text.slice(found, found + 256))?.[0].length ?? 0));
  return { source: source.id, start, end: Math.min(source.text.length, Math.max(end, found + 1)) };
}

/** Units of the source from `found` on that say the same letters and digits as `said`. */
function endOf(text: string, found: number, said: string): number {
  let index = found;
  let end = 0;
  for (let at = 0; at < said.length; at += 1) {
    const unit = said.charCodeAt(at);
    if (!isCounted(unit)) continue;
    // What folds to another length is compared folded, from here on.
    while (index < text.length && text.charCodeAt(index) < 0x80 && !isCounted(lowered(text, index)))
      index += 1;
    if (index < text.length && text.charCodeAt(index) >= 0x80) {
      const more = endFolded(text.slice(index, index + (said.length - at) * STRETCH), said.slice(at));
      return more === 0 ? end : index - found + more;
    }
    if (index >= text.length || lowered(text, index) !== unit) break;
    index += 1;
    end = index - found;
  }
  return end;
}

/** ASCII capitals as small letters; a folded text has none. */
function lowered(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}

function endFolded(text: string, said: string): number {
  const window = foldView(plainView(text));
  let end = 0;
  for (let at = 0, index = 0; at < said.length; at += 1) {
    if (!isCounted(said.charCodeAt(at))) continue;
    while (index < window.text.length && !isCounted(window.text.charCodeAt(index))) index += 1;
    if (window.text.charCodeAt(index) !== said.charCodeAt(at)) break;
    end = window.to[index] ?? end;
    index += 1;
  }
  return end;
}

/** A run is found by one of its first letters, not always the very first. */
const BACKWARD_UNITS_MAX = 64;

function startOf(text: string, found: number, said: string, at: number): number {
  let [start, unit] = [found, at];
  for (let back = found - 1; back >= 0 && found - back <= BACKWARD_UNITS_MAX; back -= 1) {
    const there = text.charAt(back).toLowerCase();
    if (!isCounted(there.charCodeAt(0))) continue;
    do unit -= 1;
    while (unit >= 0 && !isCounted(said.charCodeAt(unit)));
    if (unit < 0 || said.charAt(unit) !== there) break;
    start = back;
  }
  return start;
}
