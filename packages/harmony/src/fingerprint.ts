// What a question is made of, as one id. Sides are unordered: who is "ours" depends on where one stands.

import { computeId, parseId, type ContentId } from "./ids.ts";

/**
 * The exact fingerprint of a conflict between two contents, given by their ids, and of the base they come from where it
 * is known. `blobFingerprint(a, b)` is `blobFingerprint(b, a)`. Throws HarmonyError `invalid_id`.
 */
export function blobFingerprint(oursId: string, theirsId: string, baseId: string | null = null): ContentId {
  const sides = [parseId(oursId, "ours"), parseId(theirsId, "theirs")].toSorted();
  return computeId("blob-fingerprint", [...sides, baseId === null ? null : parseId(baseId, "base")]);
}

/** The fingerprint of a question's shape: what a domain says stays the same when only its values differ. */
export function semanticFingerprint(domain: string, shape: readonly (string | null)[]): ContentId {
  return computeId("semantic-fingerprint", [domain, ...shape]);
}
