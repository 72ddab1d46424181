// Arguments that the approver changes: another call, of which they are the author. What is shown is what was read from their text,
// value by value, so that nothing is sent that was not seen.

import type { Approval } from "@assent/contract";
import { type Leaf, leavesOf } from "./leaves.ts";

export type Edit = {
  /** As it stands in the field. */
  readonly text: string;
  /** Null: the text is no JSON object. */
  readonly arguments: Record<string, unknown> | null;
};

export function editOf(text: string): Edit {
  try {
    const read: unknown = JSON.parse(text);
    return { text, arguments: isRecord(read) ? read : null };
  } catch {
    return { text, arguments: null };
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Where several people have to agree, or certain ones, an edit would be news to the others: the server refuses it. */
export const mayEdit = ({ subject, requirement }: Pick<Approval, "subject" | "requirement">): boolean =>
  subject === "action" && requirement.quorum === 1 && !requirement.separate_duties;

/** The values of the changed call. Those that are as they were were chosen by whom they were; every other by the approver. */
export function editedLeaves(
  { action, labels }: Pick<Approval, "action" | "labels">,
  edited: Readonly<Record<string, unknown>>,
): readonly Leaf[] {
  const before = new Map(leavesOf(action.arguments, labels).map((leaf) => [leaf.pointer, leaf]));
  return leavesOf(edited, {}).map((leaf) => {
    const old = before.get(leaf.pointer);
    const isSame = old !== undefined && old.text === leaf.text && old.isText === leaf.isText;
    return isSame ? old : { ...leaf, origin: "approver", sources: [] };
  });
}

/** Values of the call as it was asked about that the changed one has not at their places any more. */
export const leftOut = (before: readonly Leaf[], after: readonly Leaf[]): readonly Leaf[] => {
  const places = new Set(after.map(({ pointer }) => pointer));
  return before.filter(({ pointer }) => !places.has(pointer));
};
