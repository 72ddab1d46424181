// Who may say yes, and who counts as somebody else. Principals are credentials' owners: a person can own several, and a
// service's is in the hands of whoever runs it. A no is never refused for who says it: it lets nothing happen.

import type { Actor } from "@assent/contract";
import { approverEntry, type Assent, personNamed } from "./policy-annotations.ts";

type Voter = Pick<Actor, "id" | "kind" | "name">;

export type MayNot = {
  readonly code: "not_an_approver" | "four_eyes" | "edit_refused";
  readonly detail: string;
};

const personOf = (actor: Voter): string => personNamed(approverEntry(actor));

const isSomebodyElse = (one: Voter, other: Voter): boolean =>
  one.id !== other.id && personOf(one) !== personOf(other);

/** Where it takes more than one person, what a program says counts only where the rule itself names the program. */
const countsAsPerson = ({ approvers, quorum, separateDuties }: Assent, { kind }: Voter): boolean =>
  kind === "human" || approvers !== undefined || (quorum === 1 && !separateDuties);

/**
 * @param isEdited the yes is to other arguments than were asked about
 * @returns why this yes counts for nothing; null: it counts
 */
export function refuseApprover(
  requirement: Assent,
  requester: Voter,
  actor: Voter,
  isEdited: boolean,
): MayNot | null {
  if (requirement.approvers !== undefined && !requirement.approvers.includes(approverEntry(actor)))
    return { code: "not_an_approver", detail: `It is for ${requirement.approvers.join(", ")} to approve.` };
  if (requirement.separateDuties && actor.id === requester.id)
    return { code: "four_eyes", detail: "The run was asked for with this principal's key." };
  if (requirement.separateDuties && !isSomebodyElse(actor, requester))
    return { code: "four_eyes", detail: `The run was asked for by ${requester.name}, the same person.` };
  if (!countsAsPerson(requirement, actor))
    return {
      code: "not_an_approver",
      detail: `It takes people, and a service counts only where the rule names it: "${approverEntry(actor)}" among its @approvers.`,
    };
  if (!isEdited) return null;
  if (requirement.quorum > 1)
    return {
      code: "edit_refused",
      detail: "Several people have to agree on it; an edit would be news to the others.",
    };
  // Of a call that was edited the approver is the author.
  if (requirement.separateDuties)
    return {
      code: "edit_refused",
      detail: "Who makes it and who agrees have to be different people; deny it, and say what to change.",
    };
  return null;
}

/**
 * One more yes beside those that were given. What does not count (a program before rested on it) is passed over.
 * @returns how many different people have agreed then, this one included; or whose yes was this person's already
 */
export function countVotes(
  requirement: Assent,
  requester: Voter,
  given: readonly Voter[],
  actor: Voter,
): { readonly votes: number } | { readonly same: Voter } {
  const counted = given.filter((voter) => refuseApprover(requirement, requester, voter, false) === null);
  const same = counted.find((voter) => !isSomebodyElse(voter, actor));
  if (same !== undefined) return { same };
  return { votes: new Set([...counted, actor].map(personOf)).size };
}
