// The calls that wait for a person, each with what would come of a yes under what is loaded here and now.

import type { ApprovalId, WaitingCall } from "@assent/contract";
import { ok, type Result } from "../base/result.ts";
import type { AgentDefinition } from "../core/agent.ts";
import { recordOf } from "../core/decide/decision-record.ts";
import type { Policies } from "../core/decide/policy-point.ts";
import { destinationIn } from "../core/tool.ts";
import { planWaiting, type WaitingQuestion } from "../core/decide/waiting.ts";
import type { ApprovalRecord, Caller, RunRecord, Store, StoreTx, Tools } from "../ports.ts";
import type { Page, Refusal } from "./harness.ts";
import { shownAgentVersion } from "./steps/dispatch.ts";

export type WaitingPorts = {
  readonly store: Store;
  readonly tools: Tools;
  readonly policies: Policies;
  readonly agents: ReadonlyMap<string, AgentDefinition>;
};

const CALLS_PER_PAGE = 100;

export async function listWaiting(
  ports: WaitingPorts,
  caller: Caller,
  after: ApprovalId | null,
): Promise<Result<Page<WaitingCall>, Refusal>> {
  return await ports.store.transaction(caller.tenant, async (tx) => {
    const approvals = await tx.approvals.waiting(after, CALLS_PER_PAGE);
    const data: WaitingCall[] = [];
    for (const approval of approvals) {
      // What became of a call in doubt is a fact, whatever the rules are; what they want of a second try is looked at then.
      if (approval.subject !== "action") continue;
      const run = await tx.runs.find(approval.run);
      if (run !== null) data.push(viewOf(approval, await questionOf(tx, run, approval), ports));
    }
    const last = approvals.length === CALLS_PER_PAGE ? approvals.at(-1) : undefined;
    return ok({ data, next_cursor: last?.id ?? null });
  });
}

async function questionOf(tx: StoreTx, run: RunRecord, approval: ApprovalRecord): Promise<WaitingQuestion> {
  const action = approval.editedAction ?? approval.action;
  const driven = run.driver === "external";
  return {
    record: recordOf({
      at: approval.requestedAt,
      tenant: run.tenant,
      run: run.id,
      step: approval.seq,
      requester: run.requestedBy,
      agent: { name: run.agent, version: run.agentVersion },
      action,
      judgement: approval.judgement,
      decision: approval.decision,
    }),
    requirement: approval.requirement,
    agentVersion: shownAgentVersion(approval, run.agentVersion),
    destination: destinationIn(approval.precondition),
    manifest: driven ? null : await tx.manifests.get(action.manifest_digest),
    definition: driven ? null : await tx.agents.get(run.agentVersion),
  };
}

function viewOf(
  approval: ApprovalRecord,
  question: WaitingQuestion,
  { tools, policies, agents }: WaitingPorts,
): WaitingCall {
  const plan = planWaiting(question, {
    policies,
    agents,
    tools,
  });
  const { approvers, quorum, separateDuties, timeoutMs } = approval.requirement;
  return {
    approval_id: approval.id,
    run_id: approval.run,
    step: approval.seq,
    status: approval.state === "approved" ? "approved" : "open",
    summary: approval.summary,
    requested_at: approval.requestedAt.toISOString(),
    expires_at: approval.expiresAt.toISOString(),
    record: question.record,
    requirement: {
      approvers: approvers === undefined ? null : [...approvers],
      quorum,
      separate_duties: separateDuties,
      timeout_ms: timeoutMs,
    },
    agent_version: question.agentVersion,
    destination: question.destination,
    manifest: question.manifest === null ? null : { ...question.manifest },
    outcome: plan.outcome,
    reasons: plan.outcome === "unchanged" ? [] : [...plan.reasons],
  };
}
