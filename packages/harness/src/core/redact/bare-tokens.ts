// Values that look drawn and stand without a name. What else looks so (digests, ids, images, source maps) has a form,
// a length or a neighbour of its own; a word of credentials shortly before decides where the form leaves it open.

import { ALNUM, BASE64URL, endOfRun, isOf, startOfRun, WORD_MARK } from "./characters.ts";
import { wordsOf, readKeyName } from "./key-names.ts";
import { isPlaceholder } from "./placeholders.ts";
import { isDrawn, isHex, isUuid, isWordy, shapeOf, type Shape } from "./randomness.ts";
import type { Span } from "./span.ts";
import { isVendorValue } from "./values.ts";
import { namesVendor, VENDORS } from "./vendors.ts";

const KIND = "high_entropy";

/** Shorter drawn values are ids and names of bundles as often as secrets. */
const CHARS_MIN = 24;
/** With a word of credentials before it, this much is enough. */
const CHARS_MIN_IN_CONTEXT = 16;
/** Behind the name of a service and an operator, even this much. */
const CHARS_MIN_OF_VENDOR = 12;
/** Longer runs are content: images, fonts, source maps, public keys. */
const CHARS_MAX = 160;
/** A context is what stands on the same line, this far before. */
const CONTEXT_CHARS = 64;

const isRunMark = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code === 0x2b || code === 0x2f || code === 0x3d;
};

export function findBareTokens(text: string): Span[] {
  const spans: Span[] = [];
  for (let at = 0; at < text.length;) {
    if (!isOf(text, at, ALNUM)) {
      at += 1;
      continue;
    }
    let end = at;
    while (end < text.length && (isOf(text, end, BASE64URL) || isRunMark(text, end))) end += 1;
    if (end - at >= CHARS_MIN_OF_VENDOR && isOfVendor(text, at, end))
      spans.push({ start: startOfRun(text, at, WORD_MARK, 4), end, kind: "vendor_credential" });
    else if (end - at >= CHARS_MIN_IN_CONTEXT) {
      const dotted = endOfDotted(text, at, end);
      if (dotted > end) spans.push({ start: at, end: dotted, kind: KIND });
      else judgeRun(text, at, end, spans);
      end = dotted;
    }
    at = end;
  }
  return spans;
}

/** Three parts with dots between them, none of them a word, are one token; returns its end, or `end` where it is none. */
function endOfDotted(text: string, start: number, end: number): number {
  if (text.charAt(end) !== "." || !isOf(text, end + 1, ALNUM)) return end;
  const middle = endOfRun(text, end + 1, BASE64URL, CHARS_MAX);
  if (text.charAt(middle) !== "." || !isOf(text, middle + 1, ALNUM)) return end;
  const last = endOfRun(text, middle + 1, BASE64URL, CHARS_MAX);
  const parts = [text.slice(start, end), text.slice(end + 1, middle), text.slice(middle + 1, last)];
  const [first = "", , third = ""] = parts;
  const shape = shapeOf(parts.join(""));
  const isToken =
    third.length >= CHARS_MIN_IN_CONTEXT && isMixed(shape) && !isWordy(first) && !isWordy(third);
  return isToken && !isPlaceholder(first) && shapeOf(third).oddShare >= 0.5 ? last : end;
}

/** A run with `/`, `+` or `=` in it is one base64 value, a path, or a query: in the latter two each part is judged. */
function judgeRun(text: string, start: number, end: number, spans: Span[]): void {
  const run = text.slice(start, Math.min(end, start + CHARS_MAX + 1));
  if (!/[+/=]/.test(run)) {
    if (end - start <= CHARS_MAX && isSecret(text, start, end, run)) spans.push({ start, end, kind: KIND });
    return;
  }
  if (end - start > CHARS_MAX || isPublicForm(text, start, run)) return;
  const core = run.replace(/=+$/, "");
  const shape = shapeOf(core);
  const isBase64 = !/[=_-]/.test(core) && /[+/]/.test(core) && !/[+/]{2}/.test(core) && isMixed(shape);
  if (isBase64) {
    if (isSecret(text, start, end, run)) spans.push({ start, end, kind: KIND });
    return;
  }
  let from = start;
  for (const part of run.split(/[+/=]+/)) {
    const at = text.indexOf(part, from);
    from = at + part.length;
    if (part.length < CHARS_MIN_IN_CONTEXT) continue;
    // A part of a path is a name of something, and what is assigned to a harmless name is harmless.
    if (text.charAt(at - 1) === "/" || text.charAt(from) === "/") continue;
    if (isSecret(text, at, from, part)) spans.push({ start: at, end: from, kind: KIND });
  }
}

const isMixed = (shape: Shape): boolean =>
  shape.digits > 0 && shape.lowers > 2 && shape.uppers > 2 && shape.oddShare >= 0.62;

/** Lengths of a digest of 128 to 512 bits in base64, with and without padding. */
const DIGEST_CHARS: ReadonlySet<number> = new Set([22, 24, 27, 28, 43, 44, 64, 86, 88]);

function isSecret(text: string, start: number, end: number, run: string): boolean {
  if (isPublicForm(text, start, run) || isPlaceholder(run)) return false;
  const context = contextBefore(text, start);
  if (context === "digest") return false;
  const core = run.replace(/=+$/, "");
  const shape = shapeOf(core);
  if (context === "credential")
    return isDrawn(core, shape) && (shape.digits > 0 || isMixed(shape)) && !isWordy(core);
  if (isHex(core) || isUuid(core) || end - start < CHARS_MIN || !isMixed(shape)) return false;
  const isBase64Digest = /[+/=]/.test(run) && DIGEST_CHARS.has(run.length);
  return !isBase64Digest && shape.digits >= 2 && !isWordy(core) && !isInAddress(text, start);
}

/** Public keys, digests with their algorithm, data URLs, and file names with a digest in them. */
function isPublicForm(text: string, start: number, run: string): boolean {
  if (
    /^(?:AAAA[BCE][23]N|sha\d{1,3}[-_:]|md5[-_:]|iVBORw0KGgo|R0lGOD|\/9j\/|UklGR|PHN2Zy|data[-_:])/.test(run)
  )
    return true;
  const before = text.slice(Math.max(0, start - 16), start);
  return (
    /(?:sha\d{0,3}|md5|h1|base64|blake\w{0,4}|sri)[-:,=~][+/]{0,4}$|(?:\/|@)$/i.test(before) &&
    !/(?:token|secret|key)/i.test(before)
  );
}

/** In a URL or a path: names of documents there are drawn, too. */
function isInAddress(text: string, start: number): boolean {
  const word = text.slice(Math.max(0, start - CONTEXT_CHARS), start);
  return /(?:https?:\/\/|\/)[^\s"'<>]*$/.test(word) && !/[?&][\w.-]{0,30}=$/.test(word);
}

/** Before the value, and behind the name: something that assigns, however it is written. */
const ASSIGNS = /[=:>,|]["'`\s=_-]{0,8}$/;

/**
 * The name of a service shortly before, and something that assigns in between. Names come in more shapes than the
 * rules for names know (`twitterV2`, `travis-ci.org key`); what stands behind them looks drawn all the same.
 */
function isOfVendor(text: string, start: number, end: number): boolean {
  if (end - start > CHARS_MAX || !ASSIGNS.test(text.slice(Math.max(0, start - 10), start))) return false;
  const value = text.slice(start, end);
  if (!isVendorValue(value) || isWordy(value) || isPublicForm(text, start, value)) return false;
  const from = Math.max(startOfLine(text, start), start - CONTEXT_CHARS);
  const before = text.slice(from, start);
  // An address is not a name: `https://api.github.com/…?ref=`.
  if (before.includes("://") || /[/@]$/.test(before)) return false;
  const words = wordsOf(before);
  const isNamed = words.some((word, at) => namesVendor(word) || namesVendor(`${words[at - 1] ?? ""}${word}`));
  return isNamed && !words.some((word) => DIGEST_WORDS.has(word));
}

type Context = "credential" | "digest" | "none";

const DIGEST_WORDS: ReadonlySet<string> = new Set(
  "sha sha1 sha256 sha512 md5 digest checksum integrity hash commit commits revision rev etag fingerprint thumbprint uuid guid crc tree blob merge head merkle resolved trace span request correlation".split(
    " ",
  ),
);
const CREDENTIAL_WORDS: ReadonlySet<string> = new Set(
  "token secret apikey password passwd credential credentials bearer auth pat webhook".split(" "),
);

function contextBefore(text: string, start: number): Context {
  const from = Math.max(startOfLine(text, start), start - CONTEXT_CHARS);
  const words = wordsOf(text.slice(from, start));
  let found: Context = "none";
  // The nearest word speaks.
  for (const [at, word] of words.entries()) {
    if (DIGEST_WORDS.has(word)) found = "digest";
    else if (CREDENTIAL_WORDS.has(word)) found = "credential";
    else if (word === "key" && readKeyName(`${words[at - 1] ?? ""} key`).expects === "secret")
      found = "credential";
    else if (word === "key" && VENDORS.has(words[at - 1] ?? "")) found = "credential";
  }
  return found;
}

function startOfLine(text: string, at: number): number {
  const stop = Math.max(0, at - CONTEXT_CHARS);
  for (let back = at; back > stop; back -= 1) if (text.charAt(back - 1) === "\n") return back;
  return stop;
}
