// What words of other languages mean, by the English words that tools are named with. General language, and nothing of
// any tool set: a word that is missing costs a question, and never lets anything through.

import { CHINESE } from "./chinese.ts";
import { DUTCH } from "./dutch.ts";
import { FRENCH } from "./french.ts";
import { GERMAN } from "./german.ts";
import { ITALIAN } from "./italian.ts";
import { JAPANESE } from "./japanese.ts";
import { KOREAN } from "./korean.ts";
import type { Lexicon } from "./lexicon-shape.ts";
import { POLISH } from "./polish.ts";
import { PORTUGUESE } from "./portuguese.ts";
import { RUSSIAN } from "./russian.ts";
import { SPANISH } from "./spanish.ts";

export type Meaning = {
  /** English words that it may stand for. */
  readonly words: readonly string[];
  /** Those of them that ask for something. */
  readonly asks: readonly string[];
};

export const NO_MEANING: Meaning = { words: [], asks: [] };

export const bothOf = (one: Meaning, other: Meaning): Meaning => ({
  words: [...one.words, ...other.words],
  asks: [...one.asks, ...other.asks],
});

/** By form; a form may consist of several words. */
type Forms = ReadonlyMap<string, Meaning>;

function formsOf(lexicons: readonly Lexicon[]): Forms {
  const forms = new Map<string, Meaning>();
  const add = (form: string, meaning: Meaning): void => {
    forms.set(form, bothOf(forms.get(form) ?? NO_MEANING, meaning));
  };
  for (const { acts, things } of lexicons) {
    for (const [english, list] of Object.entries(acts))
      for (const form of list.split(" ")) add(form, { words: [english], asks: [english] });
    for (const [english, list] of Object.entries(things))
      for (const form of list.split(" ")) add(form, { words: [english], asks: [] });
  }
  return forms;
}

const SPACED = formsOf([GERMAN, FRENCH, SPANISH, PORTUGUESE, ITALIAN, DUTCH, POLISH, RUSSIAN]);
const PHRASES = byFirstWord(SPACED, "_");
const PARTED = byFirstWord(SPACED, "+");

export type Parts = { readonly rest: readonly string[]; readonly meaning: Meaning };

function byFirstWord(forms: Forms, mark: "_" | "+"): ReadonlyMap<string, readonly Parts[]> {
  const found = new Map<string, Parts[]>();
  for (const [form, meaning] of forms) {
    const [first = "", ...rest] = form.split(mark);
    if (rest.length > 0) found.set(first, [...(found.get(first) ?? []), { rest, meaning }]);
  }
  return found;
}

/** What one word in lower case may stand for in another language. */
export const meaningOf = (word: string): Meaning => SPACED.get(word) ?? NO_MEANING;

/** Entries that begin with the word and go on at once. */
export const phrasesFrom = (word: string): readonly Parts[] => PHRASES.get(word) ?? [];

/** Entries that begin with the word and whose last word ends the clause (`lade … ein`). */
export const partedFrom = (word: string): readonly Parts[] => PARTED.get(word) ?? [];

const UNSPACED = formsOf([JAPANESE, CHINESE, KOREAN]);
const UNSPACED_CHARS_MAX = Math.max(...[...UNSPACED.keys()].map((form) => form.length));

/** The longest entry of a language without spaces that stands at a place of the text. */
export function unspacedAt(
  text: string,
  at: number,
): { readonly length: number; readonly meaning: Meaning } | null {
  for (let length = Math.min(UNSPACED_CHARS_MAX, text.length - at); length > 0; length -= 1) {
    const meaning = UNSPACED.get(text.slice(at, at + length));
    if (meaning !== undefined) return { length, meaning };
  }
  return null;
}

/** Words that take back what a sentence asks for; none of them is a word of English. */
const NEGATIONS: ReadonlySet<string> = new Set(
  (
    "nicht nie niemals kein keine keinen keinem keiner keines ohne " +
    "не нет ни без нельзя bez nie nu nem ei inte ikke ikkje لا لم ليس بدون لن nunca " +
    "ne pas jamais aucun aucune jamás tampoco senza niet geen zonder não sem"
  ).split(" "),
);
/** They are words of English too, or names: what English was understood by goes on. */
const WEAK_NEGATIONS: ReadonlySet<string> = new Set(["no", "non", "sin", "sans"]);
const UNSPACED_NEGATION =
  /ないで|しない|ずに|ません|なしで|禁止|不要|ないよう|するな|やめて|[不勿没]|(?<![特分个类级性差区])别|別(?=[刪發取付轉改寫邀])|지마|^마$|마세요|마십|말아|말고|않(?!으면|다면|는다면)|금지|없이/u;

/** `strong`: the sentence asks for nothing. `weak`: nothing that was understood through a translation. */
export function negationIn(word: string): "strong" | "weak" | null {
  if (NEGATIONS.has(word) || UNSPACED_NEGATION.test(word)) return "strong";
  return WEAK_NEGATIONS.has(word) ? "weak" : null;
}

/** Words that begin a new clause. */
export const FOREIGN_JOINTS: ReadonlySet<string> = new Set(
  (
    "und oder dann danach aber sowie et puis ou mais ensuite y luego después pero " +
    "e depois então ed poi daarna vervolgens maar oraz potem następnie ale и затем потом но"
  ).split(" "),
);
