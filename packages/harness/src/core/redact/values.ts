// Where a value ends that follows a name, and whether it is a secret, given what the name promises.

import { ALNUM, isOf } from "./characters.ts";
import type { Expectation } from "./key-names.ts";
import { isPlaceholder, isReference } from "./placeholders.ts";
import { isDrawn, isHex, isUuid, shapeOf } from "./randomness.ts";

export type Value = {
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
};

/** A value that is longer is cut here; what is left of it is judged by the other rules. */
const VALUE_CHARS_MAX = 8_192;

/** Of a long value this much is looked at to judge it. */
export const JUDGED_CHARS = 96;

const QUOTES = "\"'`";

/**
 * The value that begins at a place, after its blanks.
 * @param isLine whether the value goes on to the end of the line (headers), quotes aside
 */
export function valueAt(bareEnds: BareEnds, at: number, isLine: boolean): Value | null {
  const { text } = bareEnds;
  let open = at;
  while (text.charAt(open) === "\\" && open - at < 8) open += 1;
  // Prefixes of strings: b"…", r'…', @"…", u"…", f"…"
  const prefix =
    /[brfuBRFU@$]/.test(text.charAt(open)) && QUOTES.includes(text.charAt(open + 1) || " ") ? 1 : 0;
  const quote = text.charAt(open + prefix);
  if (quote !== "" && QUOTES.includes(quote)) {
    const escapes = open - at;
    const start = open + prefix + 1;
    // """…""": the first two are an empty string.
    const tripled = text.startsWith(quote + quote, start) ? start + 2 : start;
    // Then this quote does not open the value but closes what stood before: `"the token: ", 5`.
    if (tripled === start && /[\s,:}\]]/.test(text.charAt(start))) return null;
    const end = endOfQuoted(text, tripled, quote, escapes);
    const isClosed = end !== null && (quote === '"' || !OTHER_STRINGS.test(text.slice(tripled, end)));
    if (isClosed) return { start: tripled, end, isQuoted: true };
    return { start: tripled, end: bareEnds.endOf(tripled, isLine), isQuoted: false };
  }
  const end = bareEnds.endOf(at, isLine);
  return end > at ? { start: at, end, isQuoted: false } : null;
}

/** A quote of another kind that closes far behind has strings of the text around between it and its beginning. */
const OTHER_STRINGS = /"\s{0,4}[,:}\]]|[,:{[]\s{0,4}"/;

function endOfQuoted(text: string, start: number, quote: string, escapes: number): number | null {
  const stop = Math.min(text.length, start + VALUE_CHARS_MAX);
  let backslashes = 0;
  for (let at = start; at < stop; at += 1) {
    const character = text.charAt(at);
    if (character === "\\") {
      backslashes += 1;
      continue;
    }
    // A quote behind more backslashes than the opening one had belongs to the value.
    if (character === quote && (backslashes === escapes || (escapes === 0 && backslashes % 2 === 0)))
      return at - (escapes === 0 ? 0 : backslashes);
    if (character === quote && backslashes < escapes) return at - backslashes;
    if (character === "\n" && quote !== "`") return null;
    backslashes = 0;
  }
  return null;
}

/** Ends a value wherever it stands. */
const BARE_END = /[\s"'`<>]/;
/** Ends a value only where something of the text around follows: it can be a character of a password. */
const SOFT_END = /[,;&)\]}|]/;

/** Where bare values end in one text. Values that begin within another one share its end, and it is looked for once. */
export type BareEnds = { readonly text: string; endOf(start: number, isLine: boolean): number };

export function bareEndsOf(text: string): BareEnds {
  let last = { start: 0, end: 0, isLine: false };
  return {
    text,
    endOf: (start, isLine) => {
      const isWithin = isLine === last.isLine && start >= last.start && start < last.end;
      // Near where the other was cut off for its length, what begins there has a right to a length of its own.
      const isCut = last.end - last.start >= VALUE_CHARS_MAX && last.end - start < VALUE_CHARS_MAX / 2;
      if (isWithin && !isCut) return last.end;
      last = { start, end: endOfBare(text, start, isLine), isLine };
      return last.end;
    },
  };
}

function endOfBare(text: string, start: number, isLine: boolean): number {
  const stop = Math.min(text.length, start + VALUE_CHARS_MAX);
  let at = start;
  for (; at < stop; at += 1) {
    const character = text.charAt(at);
    if (isLine ? /[\r\n"'`]/.test(character) : BARE_END.test(character)) break;
    if (character === "\\" && /["'nrtu\\]/.test(text.charAt(at + 1))) break;
    if (!isLine && SOFT_END.test(character) && isTextAround(text, at)) break;
  }
  while (at > start && /[ \t.:]/.test(text.charAt(at - 1)) && at < text.length + 1 && !isOf(text, at, ALNUM))
    at -= 1;
  return at;
}

const AROUND = /[,;&)\]}|]{1,8}(?:$|[\s"'`<>,;)\]}\\:]|[A-Za-z_$][\w.$ -]{0,40}[=:])/y;

function isTextAround(text: string, at: number): boolean {
  AROUND.lastIndex = at;
  return AROUND.test(text);
}

/** @returns whether the value must go */
export function isSecretValue(text: string, value: Value, expects: Expectation, operator: string): boolean {
  const whole = text.slice(value.start, Math.min(value.end, value.start + JUDGED_CHARS));
  const length = value.end - value.start;
  if (length < 3 || whole.startsWith("[redacted:")) return false;
  switch (expects) {
    case "header":
      return length >= 6;
    case "password":
      return isPassword(whole, value.isQuoted, operator, text.charAt(value.end));
    case "secret":
      return isSecret(whole, value.isQuoted, text.charAt(value.end));
    case "url":
      return /^[a-z][a-z\d+.-]{1,20}:\/\//i.test(whole)
        ? hasDrawnPath(text.slice(value.start, Math.min(value.end, value.start + URL_CHARS_JUDGED)))
        : isSecret(whole, value.isQuoted, text.charAt(value.end));
    case "vendor":
      return isVendorValue(whole);
    case "digest":
    case "none":
      return false;
    default:
      return expects satisfies never;
  }
}

/** In code: a call, a property, a type, a name with words. */
const CODE =
  /^(?:await |new |typeof |this\.|self\.|[A-Za-z_$][\w$]*(?:(?:\?\.|\.|::)[A-Za-z_$][\w$]*)+$|[A-Za-z_$][\w$.]*[([<])/;

function isPassword(value: string, isQuoted: boolean, operator: string, after: string): boolean {
  if (isPlaceholder(value)) return false;
  if (!isQuoted && isCode(value, after)) return false;
  const shape = shapeOf(value);
  if (/\s/.test(value)) return isPhrase(value, isQuoted);
  if (shape.digits > 0 || shape.marks > 1)
    return shape.digits + shape.lowers + shape.uppers > 2 && !/^\d{1,3}$/.test(value);
  if (isDrawn(value, shape)) return value.length >= 6;
  // Letters only: in a program it is a name, in a setting it is a password.
  const isName = /(?:pass|pwd|secret|token|key|value|string|input|field|param|arg|user)/i.test(value);
  if (isName || value.length < 5) return false;
  return isQuoted
    ? !/[-_.]/.test(value) || value.length > 12
    : operator === "=" && after !== ")" && after !== ",";
}

/** Four and more words, as passphrases and seed phrases have; sentences have stops and capitals. */
function isPhrase(value: string, isQuoted: boolean): boolean {
  const words = value.trim().split(/\s+/);
  if (!isQuoted) return false;
  return (
    (words.length >= 4 && words.every((word) => /^[a-z]{3,9}$/.test(word))) ||
    isDrawn(value.replaceAll(/\s/g, ""))
  );
}

function isCode(value: string, after: string): boolean {
  if (after === "(" || /^[[{(]/.test(value)) return true;
  return CODE.test(value) && (/[([<]$/.test(value) || shapeOf(value).oddShare < 0.5);
}

/** Of a word that nothing puts into quotes: whether a program calls something so. */
export const isNameInCode = (value: string): boolean => isCode(value, "") || IDENTIFIER.test(value);

const IDENTIFIER =
  /^[a-z]+(?:[A-Z][a-z]+)+$|^[A-Za-z_$]*(?:[Pp]ass|[Ss]ecret|[Tt]oken|[Kk]ey|[Vv]alue|[Hh]eader)$/;

/** What is drawn but short: codes of six digits, tokens of eight characters. */
const SECRET_CHARS_MIN = 6;

function isSecret(value: string, isQuoted: boolean, after: string): boolean {
  if (value.length < SECRET_CHARS_MIN || isPlaceholder(value)) return false;
  if (!isQuoted && isCode(value, after)) return false;
  if (/\s/.test(value)) return isDrawn(value.replaceAll(/\s/g, "")) && shapeOf(value).digits > 1;
  const shape = shapeOf(value);
  // Shorter numbers are counts: of tokens, above all.
  if (shape.digits === value.length) return value.length >= 12;
  if (isHex(value) || isUuid(value)) return shape.digits > 0 || value.length >= 16;
  if (/^https?:\/\//.test(value)) return false;
  if (shape.oddShare >= 0.45 && shape.distinct >= 5) return true;
  // Chosen by a person: letters, digits and marks together; but a name with a version is none.
  if (value.length < 8 || /^[A-Za-z]+[-_.]?v?\d+(?:\.\d+)*$/.test(value)) return false;
  return shape.digits > 2 ? shape.marks > 0 : shape.digits > 0 && shape.marks > 0 && shape.uppers > 0;
}

const URL_CHARS_JUDGED = 512;
/** Shorter parts of a path are words, versions and counters. */
const PATH_SECRET_CHARS_MIN = 12;

/** Whoever knows such a URL may use it: what was drawn for it stands behind the host. */
function hasDrawnPath(url: string): boolean {
  const [, , , ...path] = url.split("/");
  return path
    .join("/")
    .split(/[/?&=#.]/)
    .some((part) => part.length >= PATH_SECRET_CHARS_MIN && isDrawn(part) && !isPlaceholder(part));
}

/** Of a maker that is known, whatever looks like a credential: hex, UUIDs, drawn letters and digits, long numbers. */
export function isVendorValue(value: string): boolean {
  if (value.length < 12 || /[\s()@]|^\/|:\/\//.test(value) || isPlaceholder(value) || isReference(value))
    return false;
  if (/^\d+$/.test(value)) return value.length >= 14;
  const shape = shapeOf(value);
  if (/^[0-9a-f]{8}:[0-9a-f]{8}$/.test(value)) return true;
  return isDrawn(value, shape) && (shape.digits > 0 || value.length >= 24);
}
