// Between records and the bytes of their files.

import { parseBoundedJson } from "../bounded-json.ts";
import { HarmonyError, isHarmonyError } from "../errors.ts";

/**
 * Compact JSON in UTF-8, which `fromJson` reads: what is refused here (`too_large`, or what the reader throws) can never
 * get lost at read.
 */
export function encodeRecord(
  json: unknown,
  sizeBytesMax: number,
  fromJson: (value: unknown) => unknown,
): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(json), "utf8");
  if (bytes.length > sizeBytesMax) {
    throw new HarmonyError("too_large", `the record takes ${bytes.length} bytes, more than ${sizeBytesMax}`, {
      sizeBytes: bytes.length,
      sizeBytesMax,
    });
  }
  fromJson(parseBoundedJson(bytes));
  return bytes;
}

/** The record, or null when the bytes are not one, or when it is not the one that its name says. */
export function decodeRecord<T>(
  bytes: Uint8Array,
  fromJson: (value: unknown) => T,
  isNamed: (record: T) => boolean,
): T | null {
  try {
    const record = fromJson(parseBoundedJson(bytes));
    return isNamed(record) ? record : null;
  } catch (error) {
    if (isHarmonyError(error)) return null;
    throw error;
  }
}

/** `sha256:` id of a file named `<64 hex>.json`. */
export const idOfName = (name: string): string => `sha256:${name.slice(0, 64)}`;
export const RECORD_NAME: RegExp = /^[0-9a-f]{64}\.json$/;

/** For a writer that was told "it is there already" of a file that is not the record: to believe it would be to lose the record. */
export const inTheWay = (path: string, what: string): HarmonyError =>
  new HarmonyError("invalid_record", `${path} is in the way and is not ${what}; move it away`, { path });
