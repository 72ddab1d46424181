import { ALNUM, endOfRun, isOf } from "./characters.ts";
import { isPlaceholder } from "./placeholders.ts";
import { PREFIX_RULES, type PrefixRule } from "./prefixes.ts";
import { isDrawn, isHex, shapeOf } from "./randomness.ts";
import type { Span } from "./span.ts";

/** Rules by the first two characters of their prefix, longest prefix first. */
const BY_START: ReadonlyMap<number, readonly PrefixRule[]> = groupRules();

function groupRules(): Map<number, PrefixRule[]> {
  const groups = new Map<number, PrefixRule[]>();
  for (const rule of PREFIX_RULES.toSorted((a, b) => b.prefix.length - a.prefix.length)) {
    const start = startCode(rule.prefix, 0);
    groups.set(start, [...(groups.get(start) ?? []), rule]);
  }
  return groups;
}

function startCode(text: string, at: number): number {
  return (text.charCodeAt(at) << 8) | (text.charCodeAt(at + 1) & 0xff);
}

const FIRST: Uint8Array = new Uint8Array(128);
for (const { prefix } of PREFIX_RULES) FIRST[prefix.charCodeAt(0)] = 1;

/** No token of these makers is longer; what is, is cut into several. */
const TOKEN_CHARS_MAX = 65_536;

/** Of a long token this much is looked at to tell whether it was drawn. */
const LOOKED_AT_CHARS = 200;

/** A prefix this short, or made of letters only, stands in many words: what follows must look drawn beyond doubt. */
const SHORT_PREFIX_CHARS = 3;

export function findPrefixedTokens(text: string): Span[] {
  const spans: Span[] = [];
  for (let at = 0; at + 2 < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127 || FIRST[code] === 0 || !isTokenStart(text, at)) continue;
    const rules = BY_START.get(startCode(text, at));
    const span = rules === undefined ? null : matchRules(text, at, rules);
    if (span === null) continue;
    spans.push(span);
    at = span.end - 1;
  }
  return spans;
}

/**
 * A token begins where no letter or digit stands before it; but the last character of an escape (`\n`, `%3D`) is no
 * part of a word.
 */
export function isTokenStart(text: string, at: number): boolean {
  if (!isOf(text, at - 1, ALNUM)) return true;
  return text.charAt(at - 2) === "\\" || text.charAt(at - 3) === "%";
}

function matchRules(text: string, at: number, rules: readonly PrefixRule[]): Span | null {
  for (const rule of rules) {
    if (!text.startsWith(rule.prefix, at)) continue;
    const body = at + rule.prefix.length;
    const end = trimEnd(text, body, endOfRun(text, body, rule.alphabet, TOKEN_CHARS_MAX));
    if (end - body < rule.charsMin) continue;
    const looked = text.slice(body, Math.min(end, body + LOOKED_AT_CHARS));
    if (isTokenBody(looked, rule.prefix)) return { start: at, end, kind: rule.kind };
  }
  return null;
}

/** A full stop after a token ends the sentence, not the token. */
function trimEnd(text: string, from: number, end: number): number {
  let last = end;
  while (last > from && (text.charAt(last - 1) === "." || text.charAt(last - 1) === "~")) last -= 1;
  return last;
}

/** Least share of odd pairs behind a prefix that is a proof by itself; made-up examples are words (0.2). */
const ODD_SHARE_AFTER_PREFIX = 0.34;

function isTokenBody(body: string, prefix: string): boolean {
  const shape = shapeOf(body);
  const isWeak = prefix.length <= SHORT_PREFIX_CHARS || /^(?:[a-z]+[-_.]|[A-Za-z]+)$/.test(prefix);
  if (isWeak) {
    // As a rule these have digits, or both cases; a slug of words has neither.
    const isMixed = shape.digits > 1 || (shape.uppers > 2 && shape.lowers > 2) || shape.oddShare > 0.66;
    return isMixed && isDrawn(body, shape) && !isSlug(body);
  }
  if (shape.distinct < 4 || isPlaceholder(body)) return false;
  return isHex(body) || shape.oddShare >= ODD_SHARE_AFTER_PREFIX || shape.digits * 2 >= body.length;
}

/** Short parts between dashes: words and versions, not a token. */
function isSlug(body: string): boolean {
  const parts = body.split(/[-_./]/);
  return parts.length > 3 && body.length / parts.length < 8 && !/^[0-9a-f-]+$/.test(body);
}
