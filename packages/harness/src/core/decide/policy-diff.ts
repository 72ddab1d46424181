// What another set of rules would have said of calls that were decided already.

import type { Decision } from "@assent/contract";
import { type DecisionRecord, questionOfRecord } from "./decision-record.ts";
import type { Policies } from "./policy-point.ts";

export type DecisionChange = {
  readonly at: string;
  readonly run: DecisionRecord["run_id"];
  readonly step: number;
  readonly tool: string;
  readonly before: { readonly verdict: Decision["verdict"]; readonly policies: readonly string[] };
  readonly after: { readonly verdict: Decision["verdict"]; readonly policies: readonly string[] };
};

export type PolicyDiff = {
  readonly version: string;
  readonly judged: number;
  /** Decided by the same rules with the same verdict. */
  readonly unchanged: number;
  /** The same verdict, by other rules. */
  readonly otherReasons: number;
  /** Another verdict; in the order of the records. */
  readonly changes: readonly DecisionChange[];
};

/** `records` from the present rules; `policies` the ones that might replace them. */
export function diffDecisions(records: Iterable<DecisionRecord>, policies: Policies): PolicyDiff {
  let judged = 0;
  let unchanged = 0;
  let otherReasons = 0;
  const changes: DecisionChange[] = [];
  for (const record of records) {
    judged += 1;
    const { request, budget } = questionOfRecord(record);
    const before = shortOf(record.decision);
    const after = shortOf(policies.decide(request, budget));
    if (before.verdict !== after.verdict)
      changes.push({
        at: record.at,
        run: record.run_id,
        step: record.step,
        tool: record.action.tool,
        before,
        after,
      });
    else if (before.policies.join("\n") === after.policies.join("\n")) unchanged += 1;
    else otherReasons += 1;
  }
  return { version: policies.version, judged, unchanged, otherReasons, changes };
}

// Reasons without a rule (no permit, a failure) are told apart by their code.
function shortOf({ verdict, reasons }: Decision): DecisionChange["before"] {
  return { verdict, policies: reasons.map(({ code, policy }) => policy ?? code).toSorted() };
}
