// What the rules say of one call of a driven run, on what the harness saw and on nothing that the driver says.

import type { Decision } from "@assent/contract";
import type { ActionRequest } from "../../core/decide/action-request.ts";
import { circumstancesOf } from "../../core/decide/circumstances.ts";
import { type Judgement, judgementOf } from "../../core/decide/judgement.ts";
import type { Policies } from "../../core/decide/policy-point.ts";
import type { Assent } from "../../core/decide/policy-annotations.ts";
import { controlArgumentsOf, type ExternalTool, externalAction } from "../../core/external.ts";
import { describeUse, type HandleUse, labelsOfUses } from "../../core/label/handles.ts";
import { isPieced } from "../../core/label/pairing.ts";
import type { RunRecord } from "../../ports.ts";
import { showsKept } from "./kept.ts";
import { toolsDeclared } from "./plan-match.ts";
import { type DrivenRun, schemaNamesOf } from "./state.ts";

type Args = Readonly<Record<string, unknown>>;

export type DrivenCall = {
  readonly tool: ExternalTool;
  /** As they are carried out. */
  readonly args: Args;
  readonly planned: boolean;
  /** Values that the model gave by a handle. */
  readonly uses?: readonly HandleUse[];
};

export type Judged = {
  readonly decision: Decision;
  readonly judgement: Judgement;
  /** What an approval has to fulfil; set exactly where the verdict is `needs_approval`. */
  readonly requirement: Assent | null;
};

export function judge(policies: Policies, state: DrivenRun, run: RunRecord, call: DrivenCall): Judged {
  const { tool, args, planned, uses = [] } = call;
  const labels = { ...state.index.label(args, schemaNamesOf(state, tool)).labels, ...labelsOfUses(uses) };
  const tainted = state.tainted || showsKept(state, labels, uses);
  const controlArguments = controlArgumentsOf(tool, args);
  const request: ActionRequest = {
    tenant: run.tenant,
    run: run.id,
    requester: run.requestedBy,
    agent: { name: run.agent, version: run.agentVersion },
    action: externalAction(tool, args),
    controlArguments,
    labels,
    tainted,
    askable: state.definition.approver === "ask",
    planned,
    circumstances: circumstancesOf(
      { tool: tool.name, arguments: args },
      // A plan says in any language which acts are the task's, and then nothing but the plan does.
      {
        named: toolsDeclared(state) ?? state.named,
        pieced: tainted && isPieced(run.task, { tool: tool.name, controlArguments, labels }, state.known),
        alarm: state.index.alarm(),
      },
      state.journal,
    ),
  };
  const verdict = policies.decide(request);
  const judgement = judgementOf(request, policies.version, {}, uses);
  const handed = uses.map((use) => ({
    code: "handle",
    detail: describeUse(use, state.journal[use.step - 1]?.name ?? ""),
  }));
  const decision: Decision = { verdict: verdict.verdict, reasons: [...verdict.reasons, ...handed] };
  if (decision.verdict !== "needs_approval") return { decision, judgement, requirement: null };
  // Whatever the rules make of it: what nobody can be asked about is a deny.
  if (!request.askable || verdict.assent === null)
    return {
      decision: { verdict: "deny", reasons: [...decision.reasons, NOBODY] },
      judgement,
      requirement: null,
    };
  return { decision, judgement, requirement: verdict.assent };
}

const NOBODY: Decision["reasons"][number] = {
  code: "nobody_to_ask",
  detail: "It would need a person's approval, and nobody can be asked.",
};
