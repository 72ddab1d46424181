// Reading JSON that a stranger may have written: size, depth and number of values are bounded before it is parsed.

import { HarmonyError } from "./errors.ts";
import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from "./limits.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
// A repeated byte order mark or a malformed sequence must not decode to something else than what was written.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function refuse(why: string): never {
  throw new HarmonyError("invalid_record", why);
}

function assertBounded(bytes: Uint8Array): void {
  let depth = 0;
  let values = 1;
  let inText = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    if (inText) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === COMMA) values += 1;
    else if (OPENING.has(byte)) {
      depth += 1;
      values += 1;
      if (depth > JSON_DEPTH_MAX) refuse("JSON nested too deep");
    } else if (CLOSING.has(byte)) depth -= 1;
    if (values > JSON_VALUES_MAX) refuse("JSON with too many values");
  }
}

/** The value that the bytes stand for. Throws HarmonyError `invalid_record` for anything else than bounded JSON. */
export function parseBoundedJson(bytes: Uint8Array): unknown {
  assertBounded(bytes);
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return refuse("not JSON in UTF-8");
  }
}
