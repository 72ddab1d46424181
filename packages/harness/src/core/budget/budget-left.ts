// What is left of a run's budget, as its journal has it: for rules, which judge the same journal alike in any process. A
// call that is under way is not counted yet; no call of a model goes beyond the ledgers, whatever a rule says.

import type { PolicyBudget } from "../decide/policy-context.ts";
import { type Catalogue, costOf, profileOf } from "../route/profile.ts";
import { isModelStep, type Journal, usageOf } from "../run/journal.ts";
import type { Limits } from "./settings.ts";

/** Never below zero. Left out where the run has no such limit, and the costs where a model had no price. */
export function budgetLeft(limits: Limits, catalogue: Catalogue, journal: Journal): PolicyBudget {
  const used = usageOf(journal);
  const { inputTokens, outputTokens, microdollars } = limits;
  const cost = microdollars === null ? null : costOfRun(catalogue, journal);
  return {
    ...(inputTokens === null || outputTokens === null
      ? {}
      : {
          tokensLeft:
            Math.max(0, inputTokens - used.inputTokens) + Math.max(0, outputTokens - used.outputTokens),
        }),
    ...(microdollars === null || cost === null ? {} : { microdollarsLeft: Math.max(0, microdollars - cost) }),
  };
}

function costOfRun(catalogue: Catalogue, journal: Journal): number | null {
  let sum = 0;
  for (const step of journal) {
    if (!isModelStep(step) || step.outcome === null) continue;
    const cost = costOf(profileOf(catalogue, step.outcome.model), step.outcome.usage);
    if (cost === null) return null;
    sum += cost;
  }
  return sum;
}
