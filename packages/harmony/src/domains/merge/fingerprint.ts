// What makes two conflicts the same conflict: base and the unordered pair of sides. Measured (spec/harmony.md, 4e): in
// 88% of repetitions with swapped sides the text that was chosen is right again, so the order of sides is no identity.

import { createHash } from "node:crypto";
import { blobFingerprint, semanticFingerprint } from "../../fingerprint.ts";
import { digestId, type ContentId } from "../../ids.ts";
import { hashToken } from "../../similarity/minhash.ts";
import { ConflictType } from "../../vocabulary.ts";
import { liftConflict } from "./template.ts";
import { featuresOf } from "./tokens.ts";

/** The three texts that are asked about; `base` is null when the conflict style did not tell it. */
export type ConflictTexts = { readonly base: string | null; readonly ours: string; readonly theirs: string };

/** The name under which patterns of conflicts are kept. */
export const MERGE_DOMAIN = "merge";

/** Tokens kept with a pattern; the least by hash, so that two texts keep the same ones of those they share. */
const FEATURES_MAX = 512;
/** Longer tokens (data in strings) are kept by digest: a pattern's tokens are short. */
const FEATURE_LENGTH_MAX = 64;
/** Characters of each text that are looked at: bundles of megabytes are told apart by their beginning. */
const FEATURE_TEXT_LENGTH_MAX = 65_536;

/** The exact fingerprint: deterministic, the same with the sides swapped; a missing base is not an empty one. */
export function fingerprintConflict({ base, ours, theirs }: ConflictTexts): ContentId {
  return blobFingerprint(digestId(ours), digestId(theirs), base === null ? null : digestId(base));
}

/** The same for every conflict of one shape, whatever its names and numbers; null when it is too large to lift. */
export function fingerprintShape(texts: ConflictTexts): ContentId | null {
  const lifted = liftConflict(texts);
  return lifted === null ? null : semanticFingerprint(MERGE_DOMAIN, [lifted.shape]);
}

const digest = (text: string): string =>
  createHash("sha256").update(text, "utf8").digest("base64url").slice(0, 22);

/** The tokens by which similar conflicts are found: a bottom-k sample (Cohen 1997), at most 512, sorted. */
export function tokensOfConflict({ base, ours, theirs }: ConflictTexts): readonly string[] {
  const texts = [base ?? "", ours, theirs].map((text) =>
    text.slice(0, FEATURE_TEXT_LENGTH_MAX).toWellFormed(),
  );
  const features = [...featuresOf(texts.join("\n"))].map((feature) =>
    feature.length > FEATURE_LENGTH_MAX ? digest(feature) : feature,
  );
  if (features.length <= FEATURES_MAX) return features.toSorted();
  return features
    .map((feature) => ({ feature, hash: hashToken(feature) }))
    .toSorted((a, b) => a.hash - b.hash || (a.feature < b.feature ? -1 : 1))
    .slice(0, FEATURES_MAX)
    .map(({ feature }) => feature)
    .toSorted();
}

/** Both sides put text where the base has none, or both changed what it has. */
export function conflictTypeOf({ base }: ConflictTexts): ConflictType {
  return base === "" ? ConflictType.BOTH_ADDED : ConflictType.BOTH_MODIFIED;
}

/** UTF-8 bytes of the three texts. */
export function conflictSizeBytes({ base, ours, theirs }: ConflictTexts): number {
  return (
    Buffer.byteLength(base ?? "", "utf8") +
    Buffer.byteLength(ours, "utf8") +
    Buffer.byteLength(theirs, "utf8")
  );
}
