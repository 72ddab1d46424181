// What trusted authors wrote, indexed to answer one question: does this whole value stand in it?

import type { SourceRef } from "../decide/action-request.ts";
import { ACCOUNT_GROUPS_MAX, accountKey } from "./account.ts";
import { figureAt } from "./figures.ts";
import { createIntTable } from "./int-table.ts";
import { TRUSTED_CHARS_MAX } from "./limits.ts";
import { textViews } from "./normalise.ts";
import { eachShingle } from "./shingles.ts";
import { isAlwaysSaid, isJoinable, isPlainNumber, tokensOf } from "./vocabulary.ts";
import type { ValueReading } from "./value-reading.ts";
import { type Word, wordsOf } from "./words.ts";

/** Comparisons that are left for one call. Past them nothing more is found. */
export type Effort = { left: number };

export type TrustedText = {
  readonly add: (id: string, text: string) => void;
  /** Where the whole value stands, or null. */
  readonly find: (reading: ValueReading, effort: Effort) => readonly SourceRef[] | null;
  readonly hasWord: (key: string) => boolean;
  readonly hasToken: (token: string) => boolean;
  readonly hasShingle: (hash: number) => boolean;
};

type Stream = {
  readonly words: (Word & { readonly source: string })[];
  /** Places of every word in `words`, by its key. */
  readonly places: Map<string, number[]>;
  readonly salient: Set<string>;
  /** Figures, accounts and URLs by what they mean. */
  readonly meanings: Map<string, SourceRef>;
};

export function createTrustedText(): TrustedText {
  const stream: Stream = { words: [], places: new Map(), salient: new Set(), meanings: new Map() };
  const tokens = new Set<string>();
  const shingles = createIntTable();
  let chars = 0;
  return {
    add: (id, text) => {
      if (chars + text.length > TRUSTED_CHARS_MAX) return;
      for (const view of textViews(text)) {
        chars += view.text.length;
        if (chars > TRUSTED_CHARS_MAX) return;
        const words = wordsOf(view, text, "text");
        addWords(stream, id, words);
        addMeanings(stream.meanings, id, words);
        for (const word of words) for (const token of tokensOf(word.key)) tokens.add(token);
        eachShingle(view, (hash) => {
          shingles.add(hash, 0);
          return true;
        });
      }
    },
    find: (reading, effort) => findWhole(stream, reading, effort),
    hasWord: (key) => stream.places.has(key) || stream.meanings.has(key),
    hasToken: (token) => tokens.has(token),
    hasShingle: (hash) => shingles.find(hash) >= 0,
  };
}

/** Stands between two texts, so that no run of words crosses from one into the next. */
const BORDER = "\0";

function addWords(stream: Stream, source: string, words: readonly Word[]): void {
  const border = { key: BORDER, start: 0, end: 0, newline: true, salient: false, marker: false, source };
  for (const word of words) {
    const known = stream.places.get(word.key);
    if (known === undefined) stream.places.set(word.key, [stream.words.length]);
    else known.push(stream.words.length);
    if (word.salient) stream.salient.add(word.key);
    stream.words.push({ ...word, source });
  }
  stream.words.push(border);
}

function addMeanings(meanings: Map<string, SourceRef>, source: string, words: readonly Word[]): void {
  const keys = words.map((word) => word.key);
  const add = (key: string, from: number, count: number): void => {
    if (!meanings.has(key))
      meanings.set(key, { source, start: words[from]?.start ?? 0, end: words[from + count - 1]?.end ?? 0 });
  };
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at] ?? "";
    if (/^https?:\/\//.test(key)) add(`u:${key.slice(key.indexOf("//") + 2)}`, at, 1);
    for (
      let count = 1, joined = "";
      count <= ACCOUNT_GROUPS_MAX && /^[a-z+\d][a-z\d-]*$/.test(keys[at + count - 1] ?? "");
      count += 1
    ) {
      if (count > 1 && words[at + count - 1]?.newline === true) break;
      joined += keys[at + count - 1] ?? "";
      if (joined.length > 50) break;
      const account = accountKey(joined);
      if (account !== null) add(account, at, count);
    }
    const figure = words[at]?.marker === true ? null : figureAt(keys, at, "strict");
    if (figure === null) continue;
    for (const meaning of figure.keys) add(meaning, at, figure.words);
    // The day of a date and the hour of a time are not numbers that somebody chose.
    at += figure.words - 1;
  }
}

function findWhole(stream: Stream, reading: ValueReading, effort: Effort): readonly SourceRef[] | null {
  const { keys, figure } = reading;
  if (!reading.faithful || keys.every(isAlwaysSaid)) return null;
  if (figure !== null) return findFigure(stream.meanings, figure.kind, figure.keys);
  const account = reading.account === null ? undefined : stream.meanings.get(reading.account);
  if (account !== undefined) return [account];
  return findRun(stream, reading.words, effort) ?? findUrl(stream, keys) ?? findJoined(stream, reading.words);
}

function findFigure(
  meanings: ReadonlyMap<string, SourceRef>,
  kind: string,
  keys: readonly string[],
): readonly SourceRef[] | null {
  if (kind === "moment") {
    const refs = keys.map((key) => meanings.get(key));
    return refs.every((ref) => ref !== undefined) ? refs : null;
  }
  if (kind === "number") {
    // 500 EUR is the writer's 500 EUR or bare 500, but never the writer's 500 USD. A bare 500 is any of them.
    const [named = "", plain = ""] = keys;
    const ref =
      named === `n:${plain.slice(2)}`
        ? meanings.get(named)
        : (meanings.get(named) ?? meanings.get(plain.replace(/^n:/, "b:")));
    return ref === undefined ? null : [ref];
  }
  const ref = keys.map((key) => meanings.get(key)).find((found) => found !== undefined);
  return ref === undefined ? null : [ref];
}

/** The same words in the same order, nothing between them and nothing cut off. */
function findRun(stream: Stream, words: readonly Word[], effort: Effort): readonly SourceRef[] | null {
  let rarest: readonly number[] | null = null;
  let offset = 0;
  for (const [index, word] of words.entries()) {
    const places = stream.places.get(word.key);
    if (places === undefined) return null;
    if (rarest === null || places.length < rarest.length) [rarest, offset] = [places, index];
  }
  for (const place of rarest ?? []) {
    const start = place - offset;
    if (effort.left <= 0) return null;
    if (!standsAt(stream, words, start, effort)) continue;
    const [first, last] = [stream.words[start], stream.words[start + words.length - 1]];
    if (first !== undefined && last !== undefined)
      return [{ source: first.source, start: first.start, end: last.end }];
  }
  return null;
}

function standsAt(stream: Stream, words: readonly Word[], start: number, effort: Effort): boolean {
  for (const [index, word] of words.entries()) {
    effort.left -= 1;
    const there = stream.words[start + index];
    if (there?.key !== word.key) return false;
    // A line break is a separator to a shell and to a mail header; a space of the writer's does not become one.
    if (index > 0 && word.newline && !there.newline) return false;
  }
  return effort.left > 0;
}

/** A URL with or without its scheme. Never http for the writer's https: that would be another channel. */
function findUrl(stream: Stream, keys: readonly string[]): readonly SourceRef[] | null {
  const [key = ""] = keys;
  if (keys.length !== 1 || key.endsWith("\0")) return null;
  const bare = /^https:\/\/(.+)$/.exec(key)?.[1];
  if (bare === undefined) {
    const found = stream.meanings.get(`u:${key}`);
    return found === undefined ? null : [found];
  }
  if (!/^[^/@:?#]+\.[^/@:?#]+/.test(bare)) return null;
  const word = stream.words[stream.places.get(bare)?.[0] ?? -1];
  return word === undefined ? null : [{ source: word.source, start: word.start, end: word.end }];
}

const JOINED_WORDS_MAX = 64;

/**
 * A value put together from pieces: a day and an hour, a list of names or addresses. Each piece must stand out of the
 * trusted text by itself, so that common words cannot be strung into a new sentence, and must be whole, so that no
 * address, URL, path or number is made of parts.
 */
function findJoined(stream: Stream, words: readonly Word[]): readonly SourceRef[] | null {
  if (words.length < 2 || words.length > JOINED_WORDS_MAX) return null;
  const keys = words.map((word) => word.key);
  const addresses = keys.every((key) => isAddress(key) || ";<>()[]".includes(key));
  const refs: SourceRef[] = [];
  let numbers = 0;
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at] ?? "";
    if (!addresses && at > 0 && words[at]?.newline === true) return null;
    if (addresses && !isAddress(key)) continue;
    // `Alice Smith <alice@corp.example>`
    if ((key === "<" && isAddress(keys[at + 1] ?? "")) || (key === ">" && isAddress(keys[at - 1] ?? "")))
      continue;
    if (at > 0 && at < keys.length - 1 && (key === "and" || key === "or")) continue;
    const figure = figureAt(keys, at, "strict");
    const found =
      figure === null
        ? findPiece(stream, key)
        : (findFigure(stream.meanings, figure.kind, figure.keys)?.[0] ?? null);
    if (found === null) return null;
    if (figure?.kind === "number" || isPlainNumber(key)) numbers += 1;
    // "10 0" may be read as 100.
    if (numbers > 1) return null;
    refs.push(found);
    at += (figure?.words ?? 1) - 1;
  }
  return refs.length === 0 ? null : refs;
}

const isAddress = (key: string): boolean => /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(key);

function findPiece(stream: Stream, key: string): SourceRef | null {
  const word = stream.words[stream.places.get(key)?.[0] ?? -1];
  if (word === undefined || isAlwaysSaid(key) || !isJoinable(key)) return null;
  if (!isAddress(key) && !stream.salient.has(key)) return null;
  return { source: word.source, start: word.start, end: word.end };
}
