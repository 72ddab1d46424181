// Which keys sign a log stands in it: whoever kept an old one, or found it, signs what he likes for those who still pin it. But
// what he goes on with holds the entry which says that this key signs no more.

import type { VerifierKey } from "@assent/tlog";

/** What an entry at this place says of the keys that signed before it, and that sign from then on. */
export type KeyChange = {
  readonly index: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
};

/** Kinds of the entries that say so. */
export const KEY_CHANGES: readonly string[] = ["key.added", "key.rotated"];

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "");

/** @returns null for what says nothing of it */
export function readKeyChange(index: number, data: unknown): KeyChange | null {
  if (typeof data !== "object" || data === null || !("before" in data) || !("after" in data)) return null;
  const { before, after } = data;
  return isTexts(before) && isTexts(after) ? { index, before, after } : null;
}

// A tenant's log has whole keys, the installation's what stands behind their names.
const names = (texts: readonly string[], { vkey }: VerifierKey): boolean =>
  texts.some((text) => vkey.endsWith(text));

/**
 * @param size of what these keys have signed
 * @returns the place of the entry by which the last of them signs no more; null where one of them does, as far as is known
 */
export function retiredBy(
  changes: readonly KeyChange[],
  size: number,
  signers: readonly VerifierKey[],
): number | null {
  const places = signers.map((key) => {
    // Keys are changed before that is recorded, so what a later entry names may have signed already.
    const last = changes.findLast(({ before, after }) => names(before, key) || names(after, key));
    return last === undefined || last.index >= size || names(last.after, key) ? null : last.index;
  });
  return places.length === 0 || places.includes(null) ? null : Math.max(...places.map((at) => at ?? 0));
}

export const RETIRED = {
  code: "checkpoint_by_retired_key",
  detailOf: (index: number): string => `entry ${index} says that the keys which signed it sign no more`,
} as const;
