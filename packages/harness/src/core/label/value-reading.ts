// One argument's value, read in every way that counts.

import { ACCOUNT_GROUPS_MAX, accountKey } from "./account.ts";
import { type Figure, figureAt } from "./figures.ts";
import { readValue } from "./normalise.ts";
import { foldView } from "./fold.ts";
import type { View } from "./view.ts";
import { type Word, wordsOf } from "./words.ts";

export type ValueReading = {
  readonly view: View;
  readonly words: readonly Word[];
  readonly keys: readonly string[];
  /** The whole value is this figure. */
  readonly figure: Figure | null;
  readonly account: string | null;
  /** Decoding it moved no separator of an address, so what reads it undecoded sees the same address. */
  readonly faithful: boolean;
};

export function readingsOf(text: string): readonly ValueReading[] {
  return readValue(text).map((raw) => {
    const view = foldView(raw);
    const words = unwrapped(wordsOf(view, text, "value"));
    const keys = words.map((word) => word.key);
    const figure = figureAt(keys, 0, "strict");
    return {
      view,
      words,
      keys,
      figure: figure !== null && figure.words === keys.length && figure.kind !== "range" ? figure : null,
      account: keys.length > ACCOUNT_GROUPS_MAX ? null : accountKey(keys.join("")),
      faithful: isFaithful(text, view.text),
    };
  });
}

const separatorsOf = (text: string): string => text.match(/[/@:?#]/g)?.join("") ?? "";

const BRACKETS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "<": ">" };

function unwrapped(words: readonly Word[]): readonly Word[] {
  let inner = words;
  while (inner.length > 2 && BRACKETS[inner[0]?.key ?? ""] === inner.at(-1)?.key) inner = inner.slice(1, -1);
  return inner;
}

/**
 * `https://medium.com／@some.one` folds, and `https://medium.com%2F@some.one` decodes, to a page of medium.com; a
 * client that parses first sees user `medium.com…` at host `some.one`. So separators are either all encoded or none.
 */
function isFaithful(raw: string, read: string): boolean {
  const separators = separatorsOf(raw.replaceAll("&#", ""));
  if (separators === "") return true;
  // Base64 has `/` among its letters, and nothing that starts a host.
  if (!/[.:@?#%&\\]/.test(raw) && /^[\w+/=\s"-]+$/.test(raw)) return true;
  return separators === separatorsOf(read);
}
