// The decision point as services and commands see it. The adapter that answers is adapters/cedar.

import type { Sha256 } from "../../base/digest.ts";
import type { ActionRequest } from "./action-request.ts";
import type { PolicyRule } from "./policy-annotations.ts";
import type { PolicyBudget } from "./policy-context.ts";
import type { PolicyVerdict } from "./policy-verdict.ts";

/** One loaded, validated set of rules. */
export type Policies = {
  /** Over the canonical text of every rule and of the schema: another set never shares it. */
  readonly version: Sha256;
  readonly rules: readonly PolicyRule[];
  /** Never throws, never waits: whatever goes wrong is a deny whose reason says what. */
  decide(request: ActionRequest, budget?: PolicyBudget): PolicyVerdict;
};

/** Why a set of rules was not loaded. Nothing is decided by a part of a set. */
export type PolicyRefusal = {
  readonly code:
    | "policy_unreadable"
    | "policy_missing"
    | "policy_syntax"
    | "policy_annotation"
    | "policy_duplicate"
    | "policy_schema";
  readonly file: string;
  /** From 1; null where the fault has no place in the file. */
  readonly line: number | null;
  readonly column: number | null;
  readonly detail: string;
};
