import type { PolicySet } from "@assent/contract";
import type { Policies } from "../core/decide/policy-point.ts";

/** The rules as the outside sees them. They name no file: where an installation keeps them is its own. */
export const loadedRules = ({ version, rules }: Pick<Policies, "version" | "rules">): PolicySet => ({
  version,
  rules: rules.map(({ id, effect, description, assent, text }) => ({
    id,
    effect,
    description,
    asks:
      assent === null
        ? null
        : {
            approvers: assent.approvers === undefined ? null : [...assent.approvers],
            quorum: assent.quorum,
            separate_duties: assent.separateDuties,
            timeout_seconds: assent.timeoutMs / 1_000,
          },
    text,
  })),
});
