// Regular expressions that somebody else wrote, made safe to run on text that somebody else wrote as well.

import { EXTERNAL_PATTERN_CHARS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";

const SOURCE_CHARS_MAX = 1_000;
const SHORT_REPEAT_MAX = 16;

/** Long repeats in one pattern: each multiplies the worst time by the length of the text. */
const REPEATS_MAX = 2;
const REPEATS_MAX_ANCHORED = 3;

/**
 * Backtracking takes exponential time where a repeated group holds a repeat, and n^k where k repeats follow each other
 * (OWASP, Regular expression Denial of Service). So no repeated group, no back reference, no look-around, few repeats;
 * and text longer than EXTERNAL_PATTERN_CHARS_MAX does not match, which is found out before anything else is tried.
 * @returns a pattern that gives the same answers on short text; null where none is bounded, and then none is tried:
 *   the schema is for the model's mistakes, what may be done is decided by rules; an error where it is no pattern
 */
export function boundPattern(source: string): Result<string | null, string> {
  try {
    void new RegExp(source);
  } catch {
    return err("has a pattern that is no regular expression");
  }
  if (!isBounded(source)) return ok(null);
  return ok(`^(?![\\s\\S]{${EXTERNAL_PATTERN_CHARS_MAX + 1}})[\\s\\S]*?(?:${source})`);
}

function isBounded(source: string): boolean {
  if (source.length > SOURCE_CHARS_MAX || /\\[1-9k]|\(\?(?!:)/.test(source)) return false;
  // What is left has one character for each class and each escape.
  const bare = source
    .replaceAll(/\\[pP]\{[^}]*\}|\\u\{[0-9a-fA-F]+\}|\\./g, "x")
    .replaceAll(/\[[^\]]*\]/g, "x")
    .replaceAll("(?:", "(");
  if (/\)[*+{]/.test(bare)) return false;
  const repeats = [...bare.matchAll(/[*+]|\{(\d+)(,?)(\d*)\}/g)].filter(
    ([sign, low = "0", comma, high = ""]) => {
      if (sign === "*" || sign === "+" || (comma === "," && high === "")) return true;
      return Math.max(Number(low), Number(high)) > SHORT_REPEAT_MAX;
    },
  );
  const isAnchored = source.startsWith("^") && !bare.includes("|");
  return repeats.length <= (isAnchored ? REPEATS_MAX_ANCHORED : REPEATS_MAX);
}
