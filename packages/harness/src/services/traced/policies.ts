import type { Policies } from "../../core/decide/policy-point.ts";
import { ASSENT } from "../../core/telemetry/names.ts";
import type { Telemetry } from "../../ports.ts";

export function countedPolicies(policies: Policies, telemetry: Telemetry): Policies {
  return {
    ...policies,
    get version() {
      return policies.version;
    },
    get rules() {
      return policies.rules;
    },
    decide: (request, budget) => {
      const verdict = policies.decide(request, budget);
      const rule = verdict.reasons[0]?.policy ?? verdict.reasons[0]?.code ?? "none";
      telemetry.count("assent.policy.decisions", {
        [ASSENT.verdict]: verdict.verdict,
        [ASSENT.rule]: rule,
      });
      return verdict;
    },
  };
}
