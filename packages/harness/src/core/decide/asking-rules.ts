// Which rules wanted a person's word, and whether one person's yes is all that they want.

import type { Decision } from "@assent/contract";
import type { Assent, PolicyRule } from "./policy-annotations.ts";

/** What the text guard is called among rules: no rule's `@id` holds a colon. */
const TEXT_GUARD = "guard:text";

/**
 * By their ids, each once, in order.
 * @param reasons of a decision that wants approval; what else it says (of handles, of what changed) names no rule that asks
 */
export function askingRules(reasons: Decision["reasons"]): readonly string[] {
  const rules = reasons.flatMap(({ code, policy }) =>
    code === "text_guard" ? [TEXT_GUARD] : code === "needs_approval" && policy !== undefined ? [policy] : [],
  );
  return [...new Set(rules)].toSorted();
}

/**
 * What a remembered yes is noted under: the rule as it is, so that another one under its id is not answered by it. Null: it is
 * no rule of these, so nobody can say what it means.
 */
export function noteOfRule(rule: string, rules: readonly PolicyRule[]): string | null {
  if (rule === TEXT_GUARD) return rule;
  const meaning = rules.find(({ id }) => id === rule)?.meaning;
  return meaning === undefined ? null : `${rule}:${meaning.slice("sha256:".length)}`;
}

/** How a person reads the name of what asked. */
export const nameOfRule = (rule: string): string => (rule === TEXT_GUARD ? "the text guard" : rule);

/**
 * What the rules want beyond one person's yes, as a sentence for whoever is asked; null: nothing. A yes is remembered only
 * where it is null, so whatever is wanted more than that is more than any remembered yes was given under.
 */
export function wantedBeyondOne({ quorum, separateDuties, approvers }: Assent): string | null {
  const wanted = [
    ...(quorum > 1 ? [`${quorum} different people`] : []),
    ...(approvers === undefined ? [] : [`the word of ${approvers.join(", ")}`]),
    ...(separateDuties ? ["somebody else than the requester"] : []),
  ];
  return wanted.length === 0 ? null : wanted.join(" and ");
}
