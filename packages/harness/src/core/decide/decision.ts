// The decision point: every tool call of every run passes through here, and what no rule permits is denied.

import type { Action, Decision } from "@assent/contract";

export type DecisionPoint = (action: Action) => Decision;

/**
 * The first rule set: pure reads are permitted, writes need approval, all else is denied.
 * A tool with several harms is judged by the worst of them: only `write` alone can be asked for.
 */
export const firstRules: DecisionPoint = (action) => {
  if (action.effect === "none" && action.harm.length === 0)
    return verdict("permit", "read", "It changes nothing.");
  if (action.harm.length > 0 && action.harm.every((harm) => harm === "write"))
    return verdict("needs_approval", "write", "It writes; a person has to agree.");
  return verdict("deny", "default_deny", "No rule permits this.");
};

function verdict(outcome: Decision["verdict"], policy: string, detail: string): Decision {
  return { verdict: outcome, reasons: [{ code: outcome, policy: `first_rules/${policy}`, detail }] };
}
