// What the rules say of one call of a driven run, on what the harness saw and on nothing that the driver says.

import type { Decision } from "@assent/contract";
import type { ActionRequest } from "../../core/decide/action-request.ts";
import type { Ruling } from "../../core/decide/ruling.ts";
import { controlArgumentsOf, type ExternalTool, externalAction } from "../../core/external.ts";
import type { Judged } from "../../core/run/journal.ts";
import type { RunRecord } from "../../ports.ts";
import type { ExternalPorts } from "./drive.ts";
import type { PlannedPlace } from "./plan-match.ts";
import { type DrivenRun, schemaNamesOf } from "./state.ts";

type Args = Readonly<Record<string, unknown>>;

export type Judgement = { readonly decision: Decision; readonly judged: Judged };

export function judge(
  ports: Pick<ExternalPorts, "policies">,
  state: DrivenRun,
  run: RunRecord,
  call: { readonly tool: ExternalTool; readonly args: Args; readonly planned: PlannedPlace | null },
): Judgement {
  const { labels } = state.index.label(call.args, schemaNamesOf(state, call.tool));
  const request = requestOf(state, run, call, labels);
  const ruling = ports.policies.decide(request);
  return {
    decision: withNobody(ruling.decision, request.askable),
    judged: {
      labels,
      tainted: request.tainted,
      policyVersion: ruling.policyVersion,
      assent: ruling.assent,
      planned: call.planned,
    },
  };
}

/** The rules again, on what a call was judged by before: they may have changed while a person thought. */
export function judgeAgain(
  ports: Pick<ExternalPorts, "policies">,
  state: DrivenRun,
  run: RunRecord,
  call: { readonly tool: ExternalTool; readonly args: Args },
  judged: Judged,
): Ruling {
  const request = requestOf(state, run, { ...call, planned: judged.planned }, judged.labels);
  return ports.policies.decide({ ...request, tainted: judged.tainted || state.tainted });
}

function requestOf(
  state: DrivenRun,
  run: RunRecord,
  {
    tool,
    args,
    planned,
  }: { readonly tool: ExternalTool; readonly args: Args; readonly planned: PlannedPlace | null },
  labels: ActionRequest["labels"],
): ActionRequest {
  return {
    tenant: run.tenant,
    run: run.id,
    requester: run.requestedBy,
    agent: { name: run.agent, version: run.agentVersion },
    action: externalAction(tool, args),
    controlArguments: controlArgumentsOf(tool, args),
    labels,
    tainted: state.tainted,
    askable: state.definition.approver === "ask",
    planned: planned !== null,
  };
}

function withNobody(decision: Decision, askable: boolean): Decision {
  if (askable || decision.verdict !== "needs_approval") return decision;
  return {
    verdict: "deny",
    reasons: [
      ...decision.reasons,
      { code: "nobody_to_ask", detail: "It would need a person's approval, and nobody can be asked." },
    ],
  };
}
