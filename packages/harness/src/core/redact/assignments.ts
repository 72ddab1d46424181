// Secrets that a name gives away: settings, environments, JSON, YAML, XML, headers, flags, calls, query strings and
// prose. Every name is looked at once, and what is looked at behind it is bounded: the time is linear in the text.

import { ALNUM, isOf } from "./characters.ts";
import { type KeyName, readKeyName } from "./key-names.ts";
import { isPlaceholder } from "./placeholders.ts";
import { isDrawn } from "./randomness.ts";
import type { Span } from "./span.ts";
import {
  type BareEnds,
  bareEndsOf,
  isNameInCode,
  isSecretValue,
  JUDGED_CHARS,
  type Value,
  valueAt,
} from "./values.ts";

const NAME_CHARS_MAX = 128;
const isNameMark = (code: number): boolean => code === 0x5f || code === 0x2d || code === 0x2e;

export function findAssignedSecrets(text: string): Span[] {
  const spans: Span[] = [];
  const bareEnds = bareEndsOf(text);
  let beforeEnd = -1;
  let beforeStart = -1;
  for (let at = 0; at < text.length;) {
    if (!isOf(text, at, ALNUM)) {
      at += 1;
      continue;
    }
    const end = endOfName(text, at);
    // "API key", "Access Token": the word before belongs to the name.
    const start = beforeEnd === at - 1 && isBlankBetween(text, at) ? beforeStart : at;
    const flagged = text.charAt(at - 1) === "-";
    const next = readAfter(bareEnds, start, at, end, flagged, spans);
    beforeStart = at;
    beforeEnd = end;
    at = Math.max(end, next);
  }
  return spans;
}

const isBlankBetween = (text: string, at: number): boolean => text.charAt(at - 1) === " ";

function endOfName(text: string, from: number): number {
  const stop = Math.min(text.length, from + NAME_CHARS_MAX);
  let at = from;
  while (at < stop && (isOf(text, at, ALNUM) || isNameMark(text.charCodeAt(at)))) at += 1;
  // Marks at the end are operators or stops: `token--`, `token.`
  while (at > from && isNameMark(text.charCodeAt(at - 1)) && text.charCodeAt(at - 1) !== 0x5f) at -= 1;
  return Math.max(at, from + 1);
}

/** Finds what is assigned to the name; returns where to go on. */
function readAfter(
  bareEnds: BareEnds,
  start: number,
  word: number,
  end: number,
  isFlag: boolean,
  spans: Span[],
): number {
  const { text } = bareEnds;
  const name = readName(text, start, word, end);
  if (name.expects === "none" || name.expects === "digest") return end;
  const operator = operatorAfter(text, word, end, isFlag);
  if (operator === null) return end;
  // `/etc/passwd`, `@scope/password`: the end of a path is not a name, but for what a query string assigns.
  if (text.charAt(start - 1) === "/" && operator.how !== "=") return end;
  const values = valuesAt(bareEnds, operator.end, name.expects === "header");
  let last = end;
  for (const value of values) {
    const span = judge(text, value, name, operator);
    if (span === null) continue;
    spans.push(span);
    last = span.end;
  }
  return last;
}

/** Words that say nothing alone, but with the word before: "API key", "client id", "connection string". */
const COMPANIONS: ReadonlySet<string> = new Set(["key", "keys", "id", "string", "phrase", "url"]);

function readName(text: string, start: number, word: number, end: number): KeyName {
  const last = text.slice(word, end);
  const alone = readKeyName(last);
  if (start === word || alone.expects !== "none" || !COMPANIONS.has(last.toLowerCase())) return alone;
  return readKeyName(text.slice(start, end));
}

type Operator = {
  readonly end: number;
  /** `blank`: only white space; `line`: a line break stands between; `is`: prose; else what was written. */
  readonly how: string;
};

/** What can close a name: quotes (escaped, too), brackets; and a type that stands between the name and `=`. */
const CLOSE =
  /(?:\\{0,6}["'`]|%22|&quot;|\]|\)|\}){0,4}(?:[ \t]{0,32}(?:\??:[ \t]{0,4})?[A-Za-z*&[\]][\w<>[\]|*.]{0,40}[ \t]{1,8}(?==(?!=)))?[ \t]{0,32}/y;
const OPERATOR = /(?::{0,3}={1,3}>?|(?:\?\?|\|\||&&|[?+.|&^*-])=|->|:{1,2}(?!\/\/)|%3[DdAa]|\|\||\?\?(?!=))/y;
const COMMA = /\\{0,4}["'`]\s{0,4},\s{0,8}(?=\\{0,4}["'`])/y;
const CALL = /(?:\(|\.new\()\s{0,8}(?=\\{0,4}["'`])/y;
const ELEMENT = /(?:\s[^<>]{0,120})?>\s{0,200}/y;
const PAIR =
  /\\{0,4}["'`]?(?:[\s,;]{1,64}|[\s,;]{0,8}<\/[\w:]{1,30}>\s{0,64}<)\\{0,4}["'`]?(?:value|val|content|string|secret)\\{0,4}["'`]?\s{0,4}[:=>]\s{0,8}/y;
const IS = /[ \t]{1,8}(?:is|was|of|to|=|set to|equals|as)[ \t]{1,8}:?[ \t]{0,4}/y;
const BLANK = /[ \t]{1,16}/y;
const BLOCK = /[ \t]{0,64}(?:[|>][+-]?\d?[ \t]{0,8}\r?\n[ \t]{0,64})?/y;
const NEXT_LINE = /\\?\r?\n[ \t]{1,64}/y;

function skip(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

function operatorAfter(text: string, word: number, end: number, isFlag: boolean): Operator | null {
  const next = text.charAt(end);
  if (next === "") return null;
  const pair = skip(PAIR, text, end);
  if (pair !== null) return { end: pair, how: "=" };
  if (next === "(" || (next === "." && text.startsWith(".new(", end))) {
    const call = skip(CALL, text, end);
    return call === null ? null : { end: call, how: "(" };
  }
  if (text.charAt(word - 1) === "<") {
    const element = skip(ELEMENT, text, end);
    if (element !== null) return { end: element, how: ">" };
  }
  const comma = skip(COMMA, text, end);
  if (comma !== null) return { end: comma, how: "," };
  const closed = skip(CLOSE, text, end) ?? end;
  const operator = skip(OPERATOR, text, closed);
  if (operator !== null) return afterOperator(text, closed, operator);
  const prose = skip(IS, text, end);
  if (prose !== null) return { end: prose, how: "is" };
  const blank = skip(BLANK, text, end);
  return blank === null ? null : { end: blank, how: isFlag ? "=" : "blank" };
}

function afterOperator(text: string, from: number, operator: number): Operator {
  const how = text.slice(from, operator);
  const block = skip(BLOCK, text, operator) ?? operator;
  const line = skip(NEXT_LINE, text, block);
  return line === null ? { end: block, how: how === ":" ? ":" : how } : { end: line, how: "line" };
}

/** Values of a list that are looked at; the operator before it speaks for each. */
const LISTED_MAX = 64;

function valuesAt(bareEnds: BareEnds, at: number, isLine: boolean): Value[] {
  const { text } = bareEnds;
  if (text.charAt(at) !== "[" || isLine) {
    const value = valueAt(bareEnds, at, isLine);
    return value === null ? [] : [value];
  }
  const values: Value[] = [];
  let from = at + 1;
  while (values.length < LISTED_MAX) {
    const blank = /[\s,]{0,32}/y;
    from = skip(blank, text, from) ?? from;
    const value = valueAt(bareEnds, from, false);
    if (value === null || !value.isQuoted) break;
    values.push(value);
    from = value.end + (text.charAt(value.end) === "\\" ? 2 : 1);
  }
  return values;
}

const SCHEME =
  /^(?:Basic|Bearer|Digest|Token|ApiKey|Api-Key|Key|Negotiate|NTLM|JWT|OAuth|SSWS|GenieKey|Splunk|Hawk|Discogs|Bot|Client-ID|AWS4-HMAC-SHA256|MAC|SharedKey|PRIVATE-TOKEN|Api-Token|Signature|DPoP|Snowflake|DirectLogin)[ \t]+(?:(?:token|key)[= ])?/i;

function judge(text: string, value: Value, name: KeyName, operator: Operator): Span | null {
  if (name.expects === "header") return judgeHeader(text, value, name, operator.how);
  const written = text.slice(value.start, Math.min(value.end, value.start + JUDGED_CHARS));
  const scheme = SCHEME.exec(written)?.[0].length ?? 0;
  const core = scheme === 0 ? value : { ...value, start: value.start + scheme };
  if (!isAllowed(text, core, name, operator.how)) return null;
  return isSecretValue(text, core, name.expects, operator.how) ? { ...core, kind: name.kind } : null;
}

/** Where no operator binds the two, the value itself must look like one. */
function isAllowed(text: string, value: Value, name: KeyName, how: string): boolean {
  // "Pass `x`", t.pass("x"): a verb, unless something is assigned.
  if (name.isVerb && (how === "blank" || how === "(" || how === "," || how === "is")) return false;
  if (how === "(" || how === "," || how === "==" || how === "===" || how === "||") return value.isQuoted;
  if (how === "=" || how === ":" || how === ">" || value.isQuoted) return true;
  if (how !== "blank" && how !== "line" && how !== "is") return true;
  const written = text.slice(value.start, Math.min(value.end, value.start + JUDGED_CHARS));
  if (how === "is" && /\d/.test(written)) return written.length >= (name.expects === "password" ? 6 : 8);
  return written.length >= (how === "blank" ? 12 : 8) && isDrawn(written) && !written.includes("/");
}

function judgeHeader(text: string, value: Value, name: KeyName, how: string): Span | null {
  const written = text.slice(value.start, Math.min(value.end, value.start + JUDGED_CHARS));
  const scheme = SCHEME.exec(written)?.[0].length ?? 0;
  const rest = written.slice(scheme);
  if (rest.length < 6 || isPlaceholder(rest)) return null;
  const isCookie = name.kind === "cookie_header";
  const holds = isCookie
    ? /^[^\s=(]+=[^\s=]{4,}/.test(rest)
    : scheme > 0
      ? !/^\S{0,5}$/.test(rest)
      : isBareCredential(rest, value.isQuoted, how);
  if (!holds || (scheme > 0 && /^[a-z]+(?: [a-z]+)+$/.test(rest))) return null;
  return { start: value.start + scheme, end: value.end, kind: name.kind };
}

/** A scheme that nobody knows, and what stands behind it. */
const OWN_SCHEME = /^[A-Za-z][\w-]{1,31}[ \t]+(?<core>\S+)$/;

/** Whether an Authorization header's whole value is a credential without a scheme. */
export const isRawCredential = (written: string): boolean =>
  written.length >= 6 && !isPlaceholder(written) && isBareCredential(written, true, ":");

/**
 * Without a scheme that is known, one word is the credential, whatever it looks like; but in a program it is a name, and
 * several are a sentence.
 */
function isBareCredential(written: string, isQuoted: boolean, how: string): boolean {
  const core = OWN_SCHEME.exec(written)?.groups?.["core"];
  if (core !== undefined)
    return core.length >= 6 && (/\d/.test(core) || isDrawn(core)) && !isPlaceholder(core);
  if (/\s/.test(written)) return isDrawn(written);
  if (isDrawn(written)) return true;
  // A list of headers' names.
  if (how === ",") return /\d/.test(written);
  if (isQuoted) return true;
  return (
    (how === ":" || (how === "=" && /\d/.test(written))) &&
    !/[,;{}()[\]]$/.test(written) &&
    !isNameInCode(written)
  );
}
