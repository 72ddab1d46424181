// Content ids: `sha256:` and 64 lower-case hex digits. Every id made here is SHA-256 over a kind and its fields, each
// preceded by its length, so that no two different lists of fields share their bytes (("a","bc") is not ("ab","c"))
// and an id of one kind is never an id of another.

import { hash } from "node:crypto";
import { HarmonyError } from "./errors.ts";

export type ContentId = `sha256:${string}`;

const PREFIX = "sha256:";
const CONTENT_ID = /^sha256:[0-9a-f]{64}$/;

/** A field of an id. `null` is a value of its own: absent is not empty. */
export type IdField = string | null;

/** Text that has exactly one UTF-8 form. A lone surrogate would be hashed and stored as U+FFFD: two texts, one id. */
export function wellFormed(text: string, what: string): string {
  if (typeof text !== "string" || !text.isWellFormed()) {
    throw new HarmonyError("invalid_text", `${what} is not well-formed Unicode text`);
  }
  return text;
}

/**
 * The one check between a caller's text and a path. Bare hex, upper case, other lengths, other algorithms are refused:
 * one id has one spelling. Throws HarmonyError `invalid_id`, never echoing the input.
 */
export function parseId(value: unknown, what: string = "id"): ContentId {
  if (!isId(value)) {
    throw new HarmonyError(
      "invalid_id",
      `${what} is not a content id (sha256: and 64 lower-case hex digits)`,
    );
  }
  return value;
}

export function isId(value: unknown): value is ContentId {
  return typeof value === "string" && CONTENT_ID.test(value);
}

/** `[algorithm, hex]` of an id. Throws HarmonyError `invalid_id`. */
export function splitId(id: string): readonly ["sha256", string] {
  return ["sha256", parseId(id).slice(PREFIX.length)];
}

/** The id in full, or its hex digits alone with `strip` (the name of its file). Throws HarmonyError `invalid_id`. */
export function longId(id: string, options: { strip?: boolean } = {}): string {
  return options.strip === true ? splitId(id)[1] : parseId(id);
}

/** The id of raw bytes or of text's UTF-8 bytes: plain SHA-256, as any other program computes it. */
export function digestId(content: string | Uint8Array): ContentId {
  const bytes = typeof content === "string" ? wellFormed(content, "content") : content;
  return `${PREFIX}${hash("sha256", bytes, "hex")}`;
}

/** A well-formed id for tests and examples, deterministic in `name`; it is the digest of nothing stored. */
export function fakeId(name: string): ContentId {
  return digestId(name);
}

/**
 * The id of a kind of thing with these fields, in this order.
 * Bytes hashed: for the text `assent.harmony/<kind>/v1` and then each field, its length in UTF-8 bytes in decimal, a
 * colon, the bytes, a comma (a netstring); for a null field, a minus sign and a comma.
 */
export function computeId(kind: string, fields: readonly IdField[]): ContentId {
  return `${PREFIX}${hash("sha256", [`assent.harmony/${kind}/v1`, ...fields].map(netstring).join(""), "hex")}`;
}

function netstring(field: IdField): string {
  if (field === null) return "-,";
  return `${Buffer.byteLength(wellFormed(field, "a field of an id"), "utf8")}:${field},`;
}

/** The id of the escalation of a pattern for a reason: deterministic in both. Throws HarmonyError `invalid_id`. */
export function computeEscalationId(patternId: string, reason: string): ContentId {
  return computeId("escalation", [parseId(patternId, "pattern_id"), reason]);
}

/** The id of the n-th time (n >= 2) that a question came up again after it had been resolved; n = 1 is `firstId`. */
export function computeOccurrenceId(firstId: string, occurrence: number): ContentId {
  const first = parseId(firstId, "escalation_id");
  return occurrence === 1 ? first : computeId("escalation-occurrence", [first, String(occurrence)]);
}

/** What makes two questions the same question. Path and author are evidence, not identity. */
export type PatternKey = {
  readonly domain: string;
  /** Whose memory this is (a tenant, a repository). A precedent never crosses it, so it is in the id. */
  readonly scope: string;
  readonly conflictType: string;
  readonly blobFingerprint: string;
};

export function computePatternId(key: PatternKey): ContentId {
  return computeId("pattern", [
    key.domain,
    key.scope,
    key.conflictType,
    parseId(key.blobFingerprint, "blob_fingerprint"),
  ]);
}

/** The id of an answer: the same answer to the same pattern is one resolution, whoever gives it again. */
export function computeResolutionId(patternId: string, strategy: string, result: string | null): ContentId {
  return computeId("resolution", [parseId(patternId, "pattern_id"), strategy, result]);
}
