// A call as it stands before its approver: as it was asked about, or as they changed it.

import type { Approval } from "@assent/contract";
import { useCallback, useMemo, useState } from "react";
import { type Edit, editedLeaves, leftOut } from "./editing.ts";
import { type Leaf, leavesOf } from "./leaves.ts";

export type Edited = {
  /** Null: nobody is changing it. */
  readonly edit: Edit | null;
  readonly onEdit: (edit: Edit | null) => void;
  /** As often as something was changed in it, back to what was asked about as well. */
  readonly edition: number;
  /** Every value as it would be sent. */
  readonly leaves: readonly Leaf[];
  /** Of what was asked about. */
  readonly leftOut: readonly Leaf[];
  /** What a yes carries out in place of what was asked about; null: just that. */
  readonly instead: Readonly<Record<string, unknown>> | null;
};

export function useEdited(approval: Approval): Edited {
  const [{ edit, edition }, setEdit] = useState<Pick<Edited, "edit" | "edition">>({ edit: null, edition: 0 });
  const onEdit = useCallback((changed: Edit | null) => {
    setEdit((before) => ({ edit: changed, edition: before.edition + 1 }));
  }, []);
  const original = useMemo(() => leavesOf(approval.action.arguments, approval.labels), [approval]);
  const changed = edit?.arguments ?? null;
  const leaves = useMemo(
    () => (changed === null ? original : editedLeaves(approval, changed)),
    [approval, original, changed],
  );
  const missing = leftOut(original, leaves);
  const isAsAsked = missing.length === 0 && leaves.every(({ origin }) => origin !== "approver");
  return { edit, onEdit, edition, leaves, leftOut: missing, instead: isAsAsked ? null : changed };
}
