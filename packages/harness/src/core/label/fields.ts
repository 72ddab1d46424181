// Typed fields read out of a text by rule, never by a model. Strict on purpose: what is not plainly an address, a URL,
// an amount or a date is none. Linear in the text.

import { figureAt } from "./figures.ts";
import { foldView } from "./fold.ts";
import { FIELDS_MAX } from "./limits.ts";
import { plainView } from "./view.ts";
import { wordsOf } from "./words.ts";

export type FieldType = "email" | "url" | "amount" | "date" | "text";

export type Field = {
  /** Canonical: domain in lower case; WHATWG serialisation; `1234.5 EUR`; `2026-11-20`. Two where a date has two. */
  readonly values: readonly string[];
  /** Half-open range of UTF-16 code units in the text. */
  readonly start: number;
  readonly end: number;
};

/** Fields of the type in the order of the text; the first FIELDS_MAX of them. */
export function fieldsOf(text: string, type: FieldType): readonly Field[] {
  if (type === "email") return emailsOf(text);
  if (type === "url") return urlsOf(text);
  return type === "text" ? textsOf(text) : figuresOf(text, type);
}

const LOCAL_CHARS_MAX = 64;
const DOMAIN_CHARS_MAX = 253;
const LOCAL = /^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*$/;
const DOMAIN =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,59})$/i;
/** Whatever may be part of some mailbox (RFC 5321 atext, RFC 6531): next to an address it makes it another one. */
const LOCAL_UNIT = /[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@"\\-]|[^\0-\x7f]/;
const DOMAIN_UNIT = /[A-Za-z0-9_.@%:-]|[^\0-\x7f]/;

/** A strict subset of RFC 5321 mailboxes: dot-string of letters, digits, `_+-`, at a host name with two labels. */
function emailsOf(text: string): Field[] {
  const found: Field[] = [];
  for (let at = text.indexOf("@"); at >= 0 && found.length < FIELDS_MAX; at = text.indexOf("@", at + 1)) {
    let start = at;
    while (start > 0 && at - start <= LOCAL_CHARS_MAX + 8 && LOCAL_UNIT.test(text.charAt(start - 1)))
      start -= 1;
    let end = at + 1;
    while (end < text.length && end - at <= DOMAIN_CHARS_MAX + 1 && DOMAIN_UNIT.test(text.charAt(end)))
      end += 1;
    while (end > at && ".:".includes(text.charAt(end - 1))) end -= 1;
    // Quotes around and `mailto:` before an address are no part of it.
    while (start < at && "'\"`*".includes(text.charAt(start))) start += 1;
    const [local, domain] = [text.slice(start, at), text.slice(at + 1, end)];
    if (local.length > LOCAL_CHARS_MAX || domain.length > DOMAIN_CHARS_MAX) continue;
    if (LOCAL.test(local) && DOMAIN.test(domain))
      found.push({ values: [`${local}@${domain.toLowerCase()}`], start, end });
  }
  return found;
}

const URL_CHARS_MAX = 2_048;
const URL_START = /https?:\/\//gi;

/** http and https only, without user or password: those are there to deceive. */
function urlsOf(text: string): Field[] {
  const found: Field[] = [];
  for (const match of text.matchAll(URL_START)) {
    if (found.length >= FIELDS_MAX) break;
    if (/[A-Za-z0-9+.-]/.test(text.charAt(match.index - 1))) continue;
    const candidate =
      /^[^\s<>"'`{}|\\^\p{C}]+/u.exec(text.slice(match.index, match.index + URL_CHARS_MAX + 1))?.[0] ?? "";
    if (candidate.length > URL_CHARS_MAX) continue;
    const cut = candidate.replace(/[.,;:!?)\]]{1,8}$/, "");
    const value = canonicalUrl(cut);
    if (value !== null) found.push({ values: [value], start: match.index, end: match.index + cut.length });
  }
  return found;
}

/** The URL as WHATWG writes it, or null for what is none, is not http(s), or carries a user. */
export function canonicalUrl(text: string): string | null {
  if (!/^https?:\/\/[^\s/\\?#]/i.test(text) || /[\s\\]/.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.username === "" && url.password === "" && !/^https?:\/\/[^/?#]*@/i.test(text) ? url.href : null;
}

function figuresOf(text: string, type: "amount" | "date"): Field[] {
  const words = wordsOf(foldView(plainView(text)), text, "text");
  const keys = words.map((word) => word.key);
  const found: Field[] = [];
  for (let at = 0; at < keys.length && found.length < FIELDS_MAX; at += 1) {
    const figure = figureAt(keys, at, "strict");
    if (figure === null) continue;
    const values = figure.keys.flatMap((key) => {
      const amount = /^n:(-?[\d.]+)([a-z]{3})$/.exec(key);
      if (type === "amount") return amount === null ? [] : [`${amount[1]} ${amount[2]?.toUpperCase()}`];
      return key.startsWith("d:") ? [key.slice(2)] : [];
    });
    const last = words[at + figure.words - 1];
    if (values.length > 0) found.push({ values, start: words[at]?.start ?? 0, end: last?.end ?? 0 });
    at += figure.words - 1;
  }
  return found;
}

function textsOf(text: string): Field[] {
  const start = text.length - text.trimStart().length;
  const value = text.trim();
  return value === "" ? [] : [{ values: [value], start, end: start + value.length }];
}
