// What can be answered, and in which words: of a call whose outcome is unknown a yes means that it is made again.

import type { Approval } from "@assent/contract";

export type Verb = "approve" | "deny" | "confirm";

/** The call is known to have happened; what it did in the run's copy of its workspace is gone. */
export const isAboutLostCopy = ({ decision }: Pick<Approval, "decision">): boolean =>
  decision.reasons.some(({ code }) => code === "workspace_not_restored");

type Named = { readonly verb: Verb; readonly name: string; readonly key: string | null };

/**
 * @param isEdited a yes is to another call than was asked about
 * @param count of the calls that are answered at once, this one included
 */
export function verbsOf(
  approval: Pick<Approval, "decision" | "subject">,
  isEdited = false,
  count = 1,
): readonly Named[] {
  if (isAboutLostCopy(approval))
    return [
      { verb: "deny", name: "End the run", key: "d" },
      { verb: "confirm", name: "Go on without what it did", key: null },
      { verb: "approve", name: "Make it again, on a fresh copy", key: "a" },
    ];
  if (approval.subject === "in_doubt")
    return [
      { verb: "deny", name: "Give it up", key: "d" },
      { verb: "confirm", name: "It did happen", key: null },
      { verb: "approve", name: "It did not happen: try again", key: "a" },
    ];
  if (count > 1)
    return [
      { verb: "deny", name: `Deny all ${count}`, key: "d" },
      { verb: "approve", name: `Approve all ${count} once`, key: "a" },
    ];
  return [
    { verb: "deny", name: "Deny", key: "d" },
    { verb: "approve", name: isEdited ? "Approve as changed" : "Approve once", key: "a" },
  ];
}
