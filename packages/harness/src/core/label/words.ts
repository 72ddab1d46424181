// The words of a folded view. A word is what nobody may match a part of: an address, a URL, a path, a number with its
// marks are one word each. Only white space, quotes and commas are neutral; other separators are words of their own,
// because to a shell or a mail header they mean something.

import type { View } from "./view.ts";

export type Word = {
  readonly key: string;
  /** Range in the original text. */
  readonly start: number;
  readonly end: number;
  /** A line ends between the word before and this one. */
  readonly newline: boolean;
  /** It stands out of the sentence: quoted, or a name with a capital letter inside a sentence. */
  readonly salient: boolean;
  /** `1.` or `2)` at the start of a line counts the line; it is no number that somebody chose. */
  readonly marker: boolean;
};

const GAP = 1;
const WORD = 2;
const SYMBOL = 3;
/** Scripts without spaces: every character is a word. */
const SINGLE = 4;

const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
const CLASSES = new Uint8Array(0x1_0000);

function classOf(unit: number): number {
  const known = CLASSES[unit] ?? WORD;
  if (known !== 0) return known;
  const character = String.fromCharCode(unit);
  let found = WORD;
  if (/[\s\p{Cc}"`]/u.test(character) || (unit >= 0x80 && /[\p{P}\p{Z}]/u.test(character))) found = GAP;
  else if ("()[]{}<>|;".includes(character)) found = SYMBOL;
  else if (UNSPACED.test(character)) found = SINGLE;
  CLASSES[unit] = found;
  return found;
}

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;
const isAlphanumeric = (unit: number): boolean =>
  isDigit(unit) || (unit >= 0x61 && unit <= 0x7a) || unit >= 0x80;

function classAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  // A comma inside a number and an apostrophe inside a name belong to the word.
  if (unit === 0x2c) return isDigit(text.charCodeAt(at - 1)) && isDigit(text.charCodeAt(at + 1)) ? WORD : GAP;
  if (unit === 0x27)
    return isAlphanumeric(text.charCodeAt(at - 1)) && isAlphanumeric(text.charCodeAt(at + 1)) ? WORD : GAP;
  return classOf(unit);
}

/** `original` is the text the view was made of; a value is not stripped of what a tool may give a meaning. */
export function wordsOf(view: View, original: string, role: "text" | "value"): Word[] {
  const { text } = view;
  const words: Word[] = [];
  let gap = 0;
  let at = 0;
  while (at < text.length) {
    const kind = classAt(text, at);
    if (kind === GAP) {
      at += 1;
      continue;
    }
    let end = at + 1;
    if (kind === WORD) while (end < text.length && classAt(text, end) === WORD) end += 1;
    const [from, to] = kind === WORD ? trimmed(text, at, end, role) : [at, end];
    if (from < to) {
      const between = from - gap === 1 && text.charCodeAt(gap) === 0x20 ? " " : text.slice(gap, from);
      const newline = between !== " " && between.includes("\n");
      const first = text.charCodeAt(from);
      words.push({
        key: keyOf(text, from, to),
        start: view.from[from] ?? 0,
        end: view.to[to - 1] ?? 0,
        newline,
        salient:
          role === "text" && isSalient(between, original.charAt(view.from[from] ?? 0), first, words.length),
        marker: isDigit(first) && (words.length === 0 || newline) && isMarker(text, from, to),
      });
      gap = end;
    }
    at = end;
  }
  return words;
}

function isSalient(between: string, first: string, folded: number, index: number): boolean {
  if (between !== " " && /["'`“”‘’«»]/.test(between)) return true;
  return index > 0 && first.charCodeAt(0) !== folded && /^[A-Z]$/.test(first) && !/[.!?:\n]/.test(between);
}

const isMarker = (text: string, from: number, to: number): boolean =>
  /^\d{1,3}$/.test(text.slice(from, Math.min(to, from + 4))) && /^[.)](?:\s|$)/.test(text.slice(to, to + 2));

const SENTENCE_END = ".,:!?";

function trimmed(text: string, start: number, end: number, role: "text" | "value"): [number, number] {
  if (isAlphanumeric(text.charCodeAt(start)) && isAlphanumeric(text.charCodeAt(end - 1))) return [start, end];
  let from = start;
  let to = end;
  while (to > from && SENTENCE_END.includes(text.charAt(to - 1))) to -= 1;
  // Dots alone are a folder (`..`) or an ellipsis.
  if (from === to) return end - start === 2 && text.startsWith("..", start) ? [start, end] : [end, end];
  while (to - from > 2 && "*_~".includes(text.charAt(from)) && text.charAt(from) === text.charAt(to - 1)) {
    // To a file tool `*a*` is not `a`; around an address a star is only emphasis.
    if (role === "value" && text.charAt(from) === "*" && !text.slice(from, to).includes("@")) break;
    from += 1;
    to -= 1;
  }
  if (role === "text") [from, to] = unmarked(text, from, to);
  while (to > from && SENTENCE_END.includes(text.charAt(to - 1))) to -= 1;
  if (text.charAt(from) === "#") from += 1;
  else if (text.charAt(from) === "@" && !/[.@]/.test(text.slice(from + 1, Math.min(to, from + 65))))
    from += 1;
  if (/^[-–:!?#=+_~]*$/.test(text.slice(from, Math.min(to, from + 9)))) return [to, to];
  return [from, to];
}

const isMark = (mark: string): boolean => mark === "**" || mark === "__" || mark === "~~";

/** Without the marks of an emphasis that begins or ends at another word. */
function unmarked(text: string, start: number, end: number): [number, number] {
  const from =
    isMark(text.slice(start, start + 2)) && isAlphanumeric(text.charCodeAt(start + 2)) ? start + 2 : start;
  const to = isMark(text.slice(end - 2, end)) && isAlphanumeric(text.charCodeAt(end - 3)) ? end - 2 : end;
  return from < to ? [from, to] : [start, end];
}

/** Addresses longer than this (RFC 5321: 254) are not looked into for a label in front. */
const ADDRESS_CHARS_MAX = 300;

function keyOf(text: string, from: number, to: number): string {
  const word = text.slice(from, to);
  if (word.length <= ADDRESS_CHARS_MAX) {
    if (word.includes("@")) return word.replace(/^[a-z][a-z-]*:(?=[^/@:]+@[^/@]+$)/, "");
    if (word.endsWith("'s") && !word.includes("/")) return word.slice(0, -2);
  }
  if (!word.includes("/")) return word;
  const bare = /^(https?:\/\/[^/?#\\@]+)\/$/.exec(word)?.[1] ?? word;
  // Cut off by a separator that may be part of it, it is not known to be whole: it only matches when cut the same.
  const left = from > 1 && CUTTING.includes(text.charAt(from - 1)) && goesOn(text, from - 2);
  const right = to + 1 < text.length && CUTTING.includes(text.charAt(to)) && goesOn(text, to + 1);
  return left || right ? `${bare}\0` : bare;
}

const CUTTING = "[({|;,<\"'`";

const goesOn = (text: string, at: number): boolean =>
  classAt(text, at) === WORD && !SENTENCE_END.includes(text.charAt(at));
