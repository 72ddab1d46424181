// Whether those who agreed to a call were enough of them, and had the right, as the events of the approval say it; see
// core/decide/assent-data.ts. Events of before say less: what they do not say is not known, and is no finding.

import { APPROVING_ROLES, APPROVING_SCOPE } from "../decide/assent-data.ts";
import { type KeyRights, readRight, type Right } from "./key-rights.ts";

type Said = Readonly<Record<string, unknown>>;

type Needed = {
  readonly quorum: number;
  readonly isSeparate: boolean;
  readonly requester: string;
  readonly requesterPerson: string;
  readonly approvers: readonly string[] | null;
};
type Given = {
  readonly by: string;
  readonly person: string;
  readonly entry: string;
  /** Null: an event of before, which does not say it. */
  readonly right: Right | null;
};

/** What is not there is not known; what is there and no such thing is unclear. */
type Told<T> = T | "not known" | "unclear";

export type Voices = {
  readonly needed: Told<Needed>;
  /** Events of before say it with each yes but the last. */
  quorum: number | null;
  /** Different people who have agreed; of whom nobody says which person it is, the principals: those are as many, or more. */
  readonly people: Set<string>;
  /** All who have agreed are among them. */
  isWhole: boolean;
  /** Of each yes it is known whose it was, and by what right. */
  isTold: boolean;
};

/** @param opened what the event says that asked; null where that was not seen */
export function voicesOf(opened: Said | null): Voices {
  const needed = opened === null ? "not known" : readNeeded(opened["assent"]);
  const isSeen = opened !== null;
  const quorum = typeof needed === "string" ? null : needed.quorum;
  return { needed, quorum, people: new Set(), isWhole: isSeen, isTold: isSeen };
}

/** Whether it is known what the approval takes, and whose each yes was and by what right. */
export const isAllTold = ({ needed, isWhole, isTold }: Voices): boolean =>
  typeof needed !== "string" && isWhole && isTold;

const isSaid = (value: unknown): value is Said =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";

function readNeeded(value: unknown): Told<Needed> {
  if (value === undefined) return "not known";
  if (!isSaid(value)) return "unclear";
  const {
    quorum,
    separate_duties: isSeparate,
    requester,
    requester_person: person,
    approvers = null,
  } = value;
  if (typeof quorum !== "number" || !Number.isSafeInteger(quorum) || quorum < 1) return "unclear";
  if (typeof isSeparate !== "boolean" || !isText(requester) || !isText(person)) return "unclear";
  if (approvers !== null && (!Array.isArray(approvers) || !approvers.every(isText))) return "unclear";
  return { quorum, isSeparate, requester, requesterPerson: person, approvers };
}

function readGiven(value: unknown): Told<Given> {
  if (value === undefined) return "not known";
  if (!isSaid(value)) return "unclear";
  const { by, person, entry } = value;
  const right = readRight(value);
  return isText(by) && isText(person) && isText(entry) && right !== "unclear"
    ? { by, person, entry, right }
    : "unclear";
}

export type Yes = {
  readonly said: Said;
  /** Whose entry it is: a principal's id, null for nobody's; undefined where nobody tells. */
  readonly actor: string | null | undefined;
  /** What the log tells of keys. */
  readonly keys: KeyRights;
  /** It is to another call than was asked about. */
  readonly isEdited: boolean;
  /** It is the last one: the approval is given with it. */
  readonly isLast: boolean;
};

type Problem = { readonly code: string; readonly detail: string };

/** Takes one more yes. @returns what is wrong with it, and, of the last one, with all of them */
export function hear(voices: Voices, yes: Yes): readonly Problem[] {
  const problems = [...hearQuorum(voices, yes), ...hearPerson(voices, yes)];
  const { quorum, people, isWhole } = voices;
  if (yes.isLast && isWhole && quorum !== null && people.size < quorum)
    problems.push({ code: "approval_unmet", detail: `takes ${quorum} people, and ${people.size} agreed` });
  return problems;
}

function hearQuorum(voices: Voices, { said: { quorum } }: Yes): readonly Problem[] {
  if (typeof quorum !== "number") return [];
  const before = voices.quorum ?? quorum;
  voices.quorum = before;
  return quorum === before
    ? []
    : [{ code: "approval_unmet", detail: `is said to take ${quorum} people, and took ${before}` }];
}

function hearPerson(voices: Voices, yes: Yes): readonly Problem[] {
  const { needed, people } = voices;
  const given = readGiven(yes.said["given"]);
  if (typeof given !== "string") {
    people.add(given.person);
    if (given.right === null || given.right.rules !== null) voices.isTold = false;
    const reasons = [
      typeof needed === "string" ? null : whyNot(needed, given, yes),
      given.right === null ? null : whyNoRight(given.right, yes),
    ];
    return reasons
      .filter((reason) => reason !== null)
      .map((reason) => ({ code: "approver_unentitled", detail: `has a yes of ${reason}` }));
  }
  voices.isTold = false;
  if (isText(yes.actor)) people.add(yes.actor);
  else voices.isWhole = false;
  return given === "unclear"
    ? [{ code: "event_unclear", detail: "has a yes that does not say whose it is" }]
    : [];
}

/** The rules of core/decide/may-approve.ts. @returns whose yes it is that counts for nothing; null: it counts */
function whyNot(
  { quorum, isSeparate, requester, requesterPerson, approvers }: Needed,
  { by, person, entry }: Given,
  { actor, isEdited }: Yes,
): string | null {
  if (approvers !== null && !approvers.includes(entry)) return "somebody who is not among its approvers";
  if (isSeparate && (actor === requester || person === requesterPerson)) return "who asked for the run";
  if (by !== "human" && approvers === null && (quorum > 1 || isSeparate))
    return "a program where it takes people";
  if (isEdited && (quorum > 1 || isSeparate)) return "who changed the call that others had to agree to";
  return null;
}

/** @returns who it is of whom the log says that he might not approve at all; null: nothing of the kind */
function whyNoRight(right: Right, { actor, keys }: Yes): string | null {
  const { roles, scopes, rules } = right;
  // What other rules take for a right they alone say.
  const isOurs = rules === null;
  if (isOurs && !APPROVING_ROLES.some((role) => roles.includes(role)) && !scopes.includes(APPROVING_SCOPE))
    return "who had no role to approve by";
  return keys.whyNot(right, actor);
}
