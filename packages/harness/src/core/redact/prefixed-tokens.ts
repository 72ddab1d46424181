import { ALNUM, BASE64_MARK, isOf, runEnds, startOfRun } from "./characters.ts";
import { isPlaceholder } from "./placeholders.ts";
import { PREFIX_RULES, type PrefixRule } from "./prefixes.ts";
import { isDrawn, isHex, isWordy, shapeOf } from "./randomness.ts";
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

/** Of a long token this much is looked at to tell whether it was drawn. */
const LOOKED_AT_CHARS = 96;

/** A prefix this short stands in many words: what follows must look drawn beyond doubt. */
const SHORT_PREFIX_CHARS = 3;

/** Prefixes that names in programs begin with as well. */
const WORDS: ReadonlySet<string> = new Set(
  "live_ test_ api- sdk- mob- key- pubkey- secret_ persona_ retool_ rootly_ tines_ polar_ wise_ snyk_ rnd_ tss_ tcl_ access_token$production$ fin_".split(
    " ",
  ),
);

export function findPrefixedTokens(text: string): Span[] {
  const spans: Span[] = [];
  const endOf = runEnds(text);
  for (let at = 0; at + 2 < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127 || FIRST[code] === 0 || !isTokenStart(text, at)) continue;
    const rules = BY_START.get(startCode(text, at));
    const span = rules === undefined ? null : matchRules(text, at, rules, endOf);
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
  if (!isOf(text, at - 1, ALNUM)) return !isInContent(text, at);
  return text.charAt(at - 2) === "\\" || text.charAt(at - 3) === "%";
}

/** Within base64 of an image or a font, every prefix comes up after some `/` or `+`. */
const CONTENT_CHARS = 48;
const isInContent = (text: string, at: number): boolean => {
  const before = text.charCodeAt(at - 1);
  if (before !== 0x2f && before !== 0x2b) return false;
  return startOfRun(text, at, ALNUM | BASE64_MARK, CONTENT_CHARS) === at - CONTENT_CHARS;
};

function matchRules(
  text: string,
  at: number,
  rules: readonly PrefixRule[],
  endOf: (from: number, mask: number) => number,
): Span | null {
  for (const rule of rules) {
    if (!text.startsWith(rule.prefix, at)) continue;
    const body = at + rule.prefix.length;
    const end = trimEnd(text, body, endOf(body, rule.alphabet));
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

/** Letters of one case without a mark between them, this many: no word is so long. */
const UNBROKEN_CHARS = 20;

function isTokenBody(body: string, prefix: string): boolean {
  const shape = shapeOf(body);
  if (shape.distinct < 4 || isPlaceholder(body)) return false;
  if (prefix.length > SHORT_PREFIX_CHARS && !WORDS.has(prefix) && !/^[A-Z]+$/.test(prefix))
    return isHex(body) || shape.oddShare >= ODD_SHARE_AFTER_PREFIX || shape.digits * 2 >= body.length;
  if (isWordy(body)) return false;
  if (shape.marks === 0 && body.length >= UNBROKEN_CHARS && shape.oddShare >= 0.42)
    return shape.digits > 0 || body.length >= 28;
  const isMixed = shape.digits > 1 || (shape.uppers > 2 && shape.lowers > 2) || shape.oddShare > 0.66;
  return isMixed && isDrawn(body, shape);
}
