// C2SP tlog-checkpoint: a note that says how many entries a log has and what its tree's root is.

import { type Hash, isHash } from "./hash.ts";
import { fail, ok, type Result } from "./result.ts";
import { decodeBase64, encodeBase64, parseDecimal } from "./text.ts";

export type Checkpoint = {
  /** Which log: the first line, not empty. */
  readonly origin: string;
  /** Entries, up to 2^53 - 1. */
  readonly size: number;
  readonly root: Hash;
  /** Further lines, opaque; none is empty. */
  readonly extensions: readonly string[];
};

/** The note's text: origin, size, root, extensions, a line each. */
export const formatCheckpoint = ({ origin, size, root, extensions }: Checkpoint): string =>
  [origin, String(size), encodeBase64(root), ...extensions, ""].join("\n");

/** Reads a note's text. It says nothing about who signed it: see `openCheckpoint`. */
export function parseCheckpoint(text: string): Result<Checkpoint> {
  const lines = text.split("\n");
  if (lines.pop() !== "") return fail("malformed checkpoint: no last newline");
  const [origin, sizeLine, rootLine, ...extensions] = lines;
  if (origin === undefined || origin === "" || sizeLine === undefined || rootLine === undefined)
    return fail("malformed checkpoint: origin, size and root are three lines");
  const size = parseDecimal(sizeLine);
  if (size === null) return fail("malformed checkpoint: the size is not a decimal without leading zeros");
  const root = decodeBase64(rootLine);
  if (root === null || !isHash(root)) return fail("malformed checkpoint: the root is not 32 bytes in base64");
  if (extensions.includes("")) return fail("malformed checkpoint: an empty line");
  return ok({ origin, size, root, extensions });
}
