// What a call was judged on, as the journal keeps it beside the call: enough to explain the decision later, and to judge
// the same call again under other rules.

import type { PolicyBudget } from "./policy-context.ts";
import type { Sha256 } from "../../base/digest.ts";
import type { HandleUse } from "../label/handles.ts";
import type { ActionRequest, ArgumentLabels, Circumstances } from "./action-request.ts";

export type Judgement = {
  readonly labels: ArgumentLabels;
  readonly controlArguments: readonly string[];
  readonly tainted: boolean;
  readonly askable: boolean;
  readonly planned: boolean;
  readonly policyVersion: Sha256;
  /** What was left of the run's budget, where the rules were told; absent in journals of before. */
  readonly budget?: PolicyBudget;
  /** Absent in journals of before. */
  readonly circumstances?: Circumstances;
  /**
   * Of the run's agent as it was defined when a person was asked, where that was not as the run was submitted with;
   * null: it was not defined any more.
   */
  readonly agentVersion?: Sha256 | null;
  /** Values that the model gave by a handle; absent where there are none. */
  readonly handles?: readonly HandleUse[];
};

export function judgementOf(
  request: ActionRequest,
  policyVersion: Sha256,
  budget: PolicyBudget = {},
  handles: readonly HandleUse[] = [],
): Judgement {
  const { labels, controlArguments, tainted, askable, planned, circumstances } = request;
  const judgement = {
    labels,
    controlArguments,
    tainted,
    askable,
    planned,
    policyVersion,
    ...(Object.keys(budget).length === 0 ? {} : { budget }),
    ...(handles.length === 0 ? {} : { handles }),
  };
  return circumstances === undefined ? judgement : { ...judgement, circumstances };
}
