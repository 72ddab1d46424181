// The words of a task, with what each may ask for: in English, through a translation, or in a script without spaces.

import { type Act, actsOf, stemOf } from "./acts.ts";
import { englishVerbsFrom, partedEnglishVerbsFrom } from "./words/english.ts";
import {
  bothOf,
  FOREIGN_JOINTS,
  type Meaning,
  meaningOf,
  negationIn,
  NO_MEANING,
  partedFrom,
  phrasesFrom,
  unspacedAt,
} from "./words/lexicon.ts";

export type TaskWord = {
  /** In lower case; empty for a value: an address, a path, a number. */
  readonly text: string;
  /** Of the word, and of English words that it may stand for. */
  readonly stems: readonly string[];
  /** What it may ask for; nothing where it is negated. */
  readonly acts: ReadonlySet<Act>;
  /** A clause ends with it. */
  readonly ends: boolean;
  /** It, or its whole sentence, is taken back by a negation. */
  readonly denied: boolean;
  /** It was understood through a translation. What is to be done with it may stand before it. */
  readonly foreign: boolean;
};

/** Of the task; what comes after it names nothing, so that the time of reading a task is bounded. */
const TASK_CHARS_MAX = 100_000;

const QUOTED =
  /"[^"\n]{0,2000}"|[“„][^“”\n]{0,2000}[“”]|«[^»\n]{0,2000}»|「[^」\n]{0,2000}」|『[^』\n]{0,2000}』|`[^`\n]{0,2000}`/g;
/** The text with blanks for what is quoted: every place in it stays where it was. */
export const unquoted = (text: string): string =>
  text.replaceAll(QUOTED, (quoted) => " ".repeat(quoted.length));

const NEGATIONS: ReadonlySet<string> = new Set(
  "not never without dont don't no cannot can't avoid".split(" "),
);
/** Words after a negation that it still denies: "not ever delete". */
const NEGATED_WORDS = 2;
const JOINTS: ReadonlySet<string> = new Set(["and", "then", "but", "or", ...FOREIGN_JOINTS]);

const SCRIPT = "[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}ー々]";
const PIECES = new RegExp(`${SCRIPT}+|(?:(?!${SCRIPT})[^])+`, "gu");
const UNSPACED = new RegExp(`^${SCRIPT}`, "u");
const CONDITION = /^(?:如果|要是|若|假如)/u;
const NO_ACTS: ReadonlySet<Act> = new Set();

type Draft = {
  text: string;
  /** The one word for a verb of several that begins here; what it stands for is asked for, and no part of it. */
  verb?: string;
  meaning: Meaning;
  negated: boolean;
  ends: boolean;
  /** The word ends a sentence. */
  stops: boolean;
};

/** What is quoted, negated, or part of an address or a path asks for nothing. */
export function wordsOfTask(task: string): readonly TaskWord[] {
  const drafts: Draft[] = [];
  const text = task.slice(0, TASK_CHARS_MAX).normalize("NFKC").replaceAll(QUOTED, " ").toLowerCase();
  let negated = 0;
  for (const piece of text.split(/\s+/)) {
    const parts = piece.match(PIECES) ?? [];
    for (const [at, part] of parts.entries()) {
      const isValue =
        /[/\\._@-]$/.test(parts[at - 1] ?? "") || /^(?:[/\\_@]|\.[^"')])/.test(parts[at + 1] ?? "");
      if (UNSPACED.test(part)) drafts.push(...unspacedWords(part, isValue));
      else {
        const { words, denies } = spacedWords(part, negated > 0);
        drafts.push(...words);
        if (denies) negated = NEGATED_WORDS;
        else negated = /[.;!?]$/.test(part) ? 0 : Math.max(0, negated - 1);
      }
    }
  }
  joinPhrases(drafts);
  return sentencesOf(drafts).flatMap(understood);
}

const stopsAfter = (piece: string): boolean => /[.;!?。]["')]*$/.test(piece);

function spacedWords(piece: string, negated: boolean): { words: readonly Draft[]; denies: boolean } {
  const word = piece.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, "").replaceAll("’", "'");
  const ends = /[.,:;!?。、，]$/.test(piece) || JOINTS.has(word);
  const stops = stopsAfter(piece);
  if (NEGATIONS.has(word)) {
    // One that other languages have too still stands in its sentence.
    const kept = negationIn(word) !== null;
    return {
      words: kept ? [{ text: word, meaning: NO_MEANING, negated: true, ends, stops }] : [],
      denies: true,
    };
  }
  // A word with marks inside is a value: an address, a path, a number.
  const isPlain = /^\p{L}+(?:'\p{L}+|-\p{L}+)*$/u.test(word);
  const bare = isPlain ? word.replace(/'s$/, "") : "";
  const [, elided, rest] = /^(l|d|n|s|j|m|t|c|qu)'(.+)$/u.exec(bare) ?? [];
  const parts = bare.split("-");
  const forms = parts.length > 1 ? [...parts, parts.join("")] : [bare];
  const whole = rest ?? bare;
  const meaning = meaningOf(whole);
  const plain = { meaning: NO_MEANING, negated: negated || elided === "n", ends, stops };
  if (forms.length === 1) return { words: [{ ...plain, text: whole, meaning }], denies: false };
  const words = [...forms.map((text) => ({ ...plain, text })), { ...plain, text: whole, meaning }];
  return { words, denies: false };
}

function unspacedWords(run: string, isValue: boolean): readonly Draft[] {
  const plain = { meaning: NO_MEANING, negated: false, ends: false, stops: false };
  if (isValue) return [{ ...plain, text: "" }];
  const words: Draft[] = [];
  for (let at = 0; at < run.length;) {
    const found = unspacedAt(run, at);
    if (found !== null)
      words.push({ ...plain, text: run.slice(at, at + found.length), meaning: found.meaning });
    at += found?.length ?? 1;
  }
  // "If there is nothing odd in it," takes nothing back, as long as it asks for nothing itself.
  const isCondition = CONDITION.test(run) && words.every(({ meaning }) => meaning.asks.length === 0);
  // The whole, once more: a negation may stand anywhere in it.
  return isCondition ? words : [...words, { ...plain, text: run }];
}

/** Words after the first of a parted verb, within its sentence. */
const PARTED_WORDS_MAX = 25;
/** "Let the others know": what stands between is short in English. */
const ENGLISH_PARTED_WORDS_MAX = 6;

function joinPhrases(drafts: Draft[]): void {
  for (const [place, draft] of drafts.entries()) {
    for (const { rest, meaning } of phrasesFrom(draft.text))
      if (rest.every((word, at) => drafts[place + 1 + at]?.text === word))
        draft.meaning = bothOf(draft.meaning, meaning);
    for (const { rest, meaning } of partedFrom(draft.text))
      if (isParted(drafts, place, rest[0] ?? "")) draft.meaning = bothOf(draft.meaning, meaning);
    const verb =
      englishVerbsFrom(draft.text).find(({ rest }) =>
        rest.every((word, at) => drafts[place + 1 + at]?.text === word),
      ) ??
      partedEnglishVerbsFrom(draft.text).find(({ rest: [last = ""] }) => isPartedVerb(drafts, place, last));
    if (verb !== undefined) draft.verb = verb.means;
  }
}

/** In English the clause must not end in between either: "call Bob, then go off". */
function isPartedVerb(drafts: readonly Draft[], place: number, last: string): boolean {
  const near = drafts.slice(place + 1, place + 1 + ENGLISH_PARTED_WORDS_MAX);
  const end = near.findIndex(({ ends }) => ends);
  return isParted(drafts.slice(0, end < 0 ? undefined : place + 2 + end), place, last, near.length);
}

function isParted(
  drafts: readonly Draft[],
  place: number,
  last: string,
  wordsMax: number = PARTED_WORDS_MAX,
): boolean {
  for (let at = place + 1; at < drafts.length && at - place <= wordsMax; at += 1) {
    const draft = drafts[at];
    const next = drafts[at + 1];
    const closes = draft?.ends === true || next === undefined || JOINTS.has(next.text);
    if (draft?.text === last && closes) return true;
    if (draft?.stops === true) return false;
  }
  return false;
}

function sentencesOf(drafts: readonly Draft[]): readonly (readonly Draft[])[] {
  const sentences: Draft[][] = [[]];
  for (const draft of drafts) {
    sentences.at(-1)?.push(draft);
    if (draft.stops) sentences.push([]);
  }
  return sentences;
}

function understood(sentence: readonly Draft[]): readonly TaskWord[] {
  const negations = new Set(sentence.map(({ text }) => negationIn(text)));
  const isDenied = negations.has("strong");
  const isDoubtful = isDenied || negations.has("weak");
  return sentence.map(({ text, verb, meaning, negated, ends }) => {
    const own = actsOf(verb ?? text);
    const others = isDoubtful ? [] : meaning.asks.flatMap((english) => [...actsOf(english)]);
    const acts = isDenied || negated ? [] : [...own, ...others];
    return {
      text,
      stems: [stemOf(verb ?? text), ...meaning.words.map(stemOf)],
      acts: acts.length === 0 ? NO_ACTS : new Set(acts),
      ends,
      denied: isDoubtful || negated,
      foreign: own.size === 0 && meaning.words.length > 0,
    };
  });
}

/** Whether the task says it, word for word; in a script without spaces anywhere in a run of it. */
export function saysPhrase(words: readonly TaskWord[], phrase: string): boolean {
  const wanted = phrase.normalize("NFKC").toLowerCase().trim().split(/\s+/);
  const [first = ""] = wanted;
  if (UNSPACED.test(first))
    return words.some(({ text, denied }) => !denied && text.includes(wanted.join("")));
  return words.some((_, place) =>
    wanted.every((word, at) => {
      const there = words[place + at];
      return there?.text === word && !there.denied;
    }),
  );
}
