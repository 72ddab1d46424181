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
  /** Where `said` (folded) stands from this place on, as far as it does. */
  readonly refer: (place: Place, said: string) => SourceRef;
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
    refer: (place, said) => refer(sources, place, said),
    isEmpty: () => sources.length === 0,
    isFull: () => full,
    sizeBytes: () => table.sizeBytes() + sources.reduce((sum, source) => sum + source.text.length, 0),
  };
}

/** Units of a source looked at per unit of what is searched there: escapes take up to eight (`&#x0040;`). */
const STRETCH = 8;

function refer(sources: readonly Source[], place: Place, said: string): SourceRef {
  let low = 0;
  for (let high = sources.length - 1; low < high;) {
    const middle = (low + high + 1) >> 1;
    if ((sources[middle]?.base ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  const source = sources[low] ?? { id: "", text: "", base: 0 };
  const start = place - source.base;
  const window = foldView(plainView(source.text.slice(start, start + Math.min(said.length, 256) * STRETCH)));
  let end = 0;
  for (let at = 0, index = 0; at < said.length; at += 1) {
    if (!isCounted(said.charCodeAt(at))) continue;
    while (index < window.text.length && !isCounted(window.text.charCodeAt(index))) index += 1;
    if (window.text.charCodeAt(index) !== said.charCodeAt(at)) break;
    end = window.to[index] ?? end;
    index += 1;
  }
  // Written otherwise there (encoded, another number format): the word in which it starts.
  if (end === 0) end = /^\S*/.exec(source.text.slice(start, start + 256))?.[0].length ?? 0;
  return { source: source.id, start, end: Math.min(source.text.length, start + Math.max(1, end)) };
}
