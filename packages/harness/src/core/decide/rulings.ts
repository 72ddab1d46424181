import type { PolicyVerdict } from "./policy-verdict.ts";
import type { Policies as PolicyPoint } from "./policy-point.ts";
import type { AssentRequirement, Policies } from "./ruling.ts";

/** A set of rules as the services ask it: the decision, whose word it needs, and under which version it was made. */
export function asRulings(policies: Pick<PolicyPoint, "version" | "decide">): Policies {
  return {
    version: policies.version,
    decide: (request) => {
      const { verdict, reasons, assent } = policies.decide(request);
      return {
        decision: { verdict, reasons },
        assent: assent === null ? null : requirementOf(assent),
        policyVersion: policies.version,
      };
    },
  };
}

const requirementOf = (assent: NonNullable<PolicyVerdict["assent"]>): AssentRequirement => ({
  approvers: assent.approvers ?? null,
  quorum: assent.quorum,
  separateDuties: assent.separateDuties,
  timeoutMs: assent.timeoutMs,
});
