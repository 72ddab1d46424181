// A person's word on one exact action. It is given once, binds to the digest of what was shown, and sets the run going.

import { deadline } from "./deadline.ts";
import { type Action, type Approval, type ApproveRequest, REMEMBER_DAYS_DEFAULT } from "@assent/contract";
import { isHarmonyError } from "@assent/harmony";
import { canonicalJson } from "../base/canonical-json.ts";
import type { Sha256 } from "../base/digest.ts";
import { err, ok, type Result } from "../base/result.ts";
import { goingOf, manifestDigest } from "../core/tool.ts";
import type { Access } from "../core/access/access-point.ts";
import { actionDigest } from "../core/decide/action-digest.ts";
import { countVotes, refuseApprover } from "../core/decide/may-approve.ts";
import type { Policies } from "../core/decide/policy-point.ts";
import { originsOfRun } from "../core/label/origins-of-run.ts";
import { usesLeft } from "../core/label/handles.ts";
import { type GateOutcome, isGateStep, type Journal } from "../core/run/journal.ts";
import { isTerminal } from "../core/run/run.ts";
import type {
  ApprovalChange,
  ApprovalRecord,
  Caller,
  Clock,
  RunRecord,
  Store,
  StoreTx,
  Tool,
  Tools,
} from "../ports.ts";
import type { AgentDefinition } from "../core/agent.ts";
import { type BudgetRouting, budgetOfRun } from "./budget-of-run.ts";
import { commit } from "./commit.ts";
import type { Write } from "./write.ts";
import { judge, type Judged } from "./judge.ts";
import type { Edit, PlannedDecision, Refusal } from "./harness.ts";
import { isRevoked, mayGiveYes, tell } from "./precedents.ts";
import { refuseEnded, unlessEnded, writingFor } from "./still-good.ts";
import { actionOf } from "./steps/tool.ts";
import { approvalView } from "./views.ts";
import type { OpenWorkspace } from "./workspace-of-run.ts";

export type ApprovalPorts = {
  readonly store: Store;
  readonly tools: Tools;
  readonly openWorkspace: OpenWorkspace;
  readonly policies: Policies;
  readonly access: Access;
  readonly clock: Clock;
  readonly routing: BudgetRouting;
};

const NOT_FOUND: Refusal = { code: "approval_not_found", detail: "There is no approval with this id." };

export async function decideApproval(
  ports: ApprovalPorts,
  caller: Caller,
  request: ApproveRequest,
  planned?: PlannedDecision,
): Promise<Result<Approval, Refusal>> {
  const edit = planned ?? (await planDecision(ports, caller, request));
  if (!edit.ok) return edit;
  const decide = async (tx: StoreTx): Promise<Result<Approval, Refusal>> => {
    // The run's lock orders racing decisions, the expiry and a cancellation: what is read before it may be stale.
    const found = await tx.runs.lockOfApproval(request.approval_id);
    if (found === null) return err(NOT_FOUND);
    const { run, journal, approval } = found;
    if (approval.state !== "open") return answerAgain(approval, journal, request);
    const now = ports.clock.now();
    const isVote = request.decision === "approve" && approval.requirement.quorum > 1;
    const refusal =
      refuseDecision(run, approval, request, now) ??
      refuseCaller(run, approval, caller, request) ??
      // Of several people's words each is told how many there are now; else it is asked with the write.
      (isVote ? await refuseEnded(tx, caller, now) : null);
    if (refusal !== null) return err(refusal);
    if (await isTakenBack(tx, run, approval, request, now)) return err(TAKEN_BACK);
    const voting = await vote(tx, run, approval, caller, request, now);
    if (!voting.ok) return voting;
    const votes = voting.value;
    if (votes === "given before") return ok(approvalView(approval));
    const voted = isVote ? { ...approval, votes } : approval;
    const isLast = request.decision !== "approve" || votes >= approval.requirement.quorum;
    const writes: Write[] = isLast
      ? decisionWrites(caller, run, approval, request, edit.value, now)
      : [{ write: "approval_voted", approval, votes }];
    const context = { now, actor: caller.actor, giver: { ...caller, rules: ports.access.ownRules } };
    await commit(tx, { run, journal }, writes, context, writingFor(tx, caller, now));
    if (!isLast) return ok(approvalView(voted));
    await teach(tx, ports.policies, run, approval, request, edit.value, caller, now);
    return ok(approvalView({ ...voted, ...decided(caller, request, edit.value, now) }));
  };
  try {
    return await unlessEnded(async () => await ports.store.transaction(caller.tenant, decide));
  } catch (error) {
    if (!isHarmonyError(error) || error.code !== "invalid_record") throw error;
    return err({
      code: "decision_not_possible",
      detail: `It cannot be remembered: ${error.message}. Decide it once, without having it remembered.`,
    });
  }
}

const TAKEN_BACK: Refusal = {
  code: "decision_not_possible",
  detail:
    "This answer was given for good before, and taken back. Decide it once, without having it remembered.",
};

async function isTakenBack(
  tx: StoreTx,
  run: RunRecord,
  { subject, action, judgement, precondition }: ApprovalRecord,
  request: ApproveRequest,
  now: Date,
): Promise<boolean> {
  if (request.decision === "confirm" || request.remember !== true || subject !== "action") return false;
  return await isRevoked(tx, { run, action, judgement, precondition }, request.decision, now);
}

/** What the word makes of the approval. */
const decided = (
  { actor }: Caller,
  request: ApproveRequest,
  edit: Edit | null,
  now: Date,
): Pick<ApprovalChange, "state" | "decidedAt" | "decidedBy" | "comment"> & Partial<Edit> => ({
  state: request.decision === "deny" ? "denied" : "approved",
  decidedAt: now,
  decidedBy: actor,
  comment: request.comment ?? null,
  ...edit,
});

function refuseDecision(
  run: RunRecord,
  approval: ApprovalRecord,
  request: ApproveRequest,
  now: Date,
): Refusal | null {
  if (isTerminal(run.state)) return { code: "run_already_finished", detail: `The run is ${run.state}.` };
  if (approval.expiresAt <= now)
    return { code: "approval_expired", detail: `It expired at ${approval.expiresAt.toISOString()}.` };
  if (request.decision !== "deny" && request.action_digest !== approval.actionDigest)
    return { code: "approval_digest_mismatch", detail: "What waits is not what you were shown." };
  if (request.decision !== "confirm" && request.remember === true && !isRepeatable(approval, request))
    return {
      code: "decision_not_possible",
      detail:
        "This may be decided once, but not for good: untrusted text chose its target, it spends or destroys, the run made it before, the rules say who has to agree, or it was edited.",
    };
  if (request.decision !== "confirm" && request.remember_days !== undefined && request.remember !== true)
    return { code: "decision_not_possible", detail: "`remember_days` says nothing without `remember`." };
  if (request.decision === "confirm" && approval.subject !== "in_doubt")
    return {
      code: "decision_not_possible",
      detail: "Only a call whose outcome is unknown can be confirmed; this one has not been made.",
    };
  return null;
}

// What becomes of a call in doubt is a fact, and an edited action answers another question: neither is remembered.
async function teach(
  tx: StoreTx,
  policies: Policies,
  run: RunRecord,
  approval: ApprovalRecord,
  request: ApproveRequest,
  edit: Edit | null,
  caller: Caller,
  now: Date,
): Promise<void> {
  if (approval.subject !== "action" || request.decision === "confirm") return;
  const { action, judgement, precondition } = approval;
  const told = {
    decision: edit === null ? request.decision : "deny",
    comment: request.comment ?? null,
    remember: request.remember === true && edit === null,
    days: request.remember_days ?? REMEMBER_DAYS_DEFAULT,
    reasons: approval.decision.reasons,
    approvalId: approval.id,
    policies,
  } as const;
  await tell(tx, { run, action, judgement, precondition }, told, caller, now);
}

const isEdit = (request: ApproveRequest): boolean =>
  request.decision === "approve" && request.arguments !== undefined;

function refuseCaller(
  run: RunRecord,
  { requirement }: Pick<ApprovalRecord, "requirement">,
  { actor }: Caller,
  request: ApproveRequest,
): Refusal | null {
  if (request.decision !== "approve") return null;
  return refuseApprover(requirement, run.requestedBy, actor, isEdit(request));
}

/** How many people have said yes, this one included. */
async function vote(
  tx: StoreTx,
  run: RunRecord,
  { id, requirement, actionDigest: digest }: ApprovalRecord,
  { actor }: Caller,
  request: ApproveRequest,
  now: Date,
): Promise<Result<number | "given before", Refusal>> {
  if (request.decision !== "approve" || requirement.quorum === 1) return ok(1);
  const given = await tx.approvals.voters(id, digest);
  if (given.some((voter) => voter.id === actor.id)) return ok("given before");
  const counted = countVotes(requirement, run.requestedBy, given, actor);
  if ("same" in counted)
    return err({
      code: "four_eyes",
      detail: `${counted.same.name} has agreed already, and is the same person; it takes ${requirement.quorum} different ones.`,
    });
  await tx.approvals.vote(id, actor.id, digest, now);
  return ok(counted.votes);
}

const isRepeatable = (approval: ApprovalRecord, request: ApproveRequest): boolean =>
  approval.subject === "action" &&
  (request.decision === "approve"
    ? request.arguments === undefined && mayGiveYes(approval.requirement, approval)
    : approval.requirement.quorum === 1);

// The same word again gets the same answer and changes nothing; any other word comes too late.
function answerAgain(
  approval: ApprovalRecord,
  journal: Journal,
  request: ApproveRequest,
): Result<Approval, Refusal> {
  if (approval.state === "expired")
    return err({
      code: "approval_expired",
      detail: `It expired at ${approval.expiresAt.toISOString()}.`,
    });
  const given = journal.find((step) => isGateStep(step) && step.seq === approval.seq)?.outcome;
  const answer = given?.kind === "gate" ? given.answer : null;
  const same =
    (request.decision === "deny" && answer === "denied") ||
    (request.decision === "confirm" &&
      answer === "confirmed" &&
      request.action_digest === approval.actionDigest) ||
    (request.decision === "approve" && answer === "approved" && isSameAction(approval, request));
  if (same) return ok(approvalView(approval));
  return err({
    code: "approval_already_decided",
    detail: `It is ${approval.state}${approval.decidedBy === null ? "" : `, decided by ${approval.decidedBy.name}`}.`,
  });
}

function isSameAction(
  approval: ApprovalRecord,
  request: Extract<ApproveRequest, { decision: "approve" }>,
): boolean {
  if (request.arguments === undefined)
    return approval.editedAction === null && request.action_digest === approval.actionDigest;
  return (
    approval.editedAction !== null &&
    canonicalJson(approval.editedAction.arguments) === canonicalJson(request.arguments)
  );
}

function decisionWrites(
  caller: Caller,
  run: RunRecord,
  approval: ApprovalRecord,
  request: ApproveRequest,
  edit: Edit | null,
  now: Date,
): Write[] {
  const answer = ANSWERS[request.decision];
  const { state, ...change } = decided(caller, request, edit, now);
  const { comment } = change;
  const outcome: GateOutcome = { kind: "gate", answer, comment, editedAction: edit?.editedAction ?? null };
  return [
    {
      write: "approval_decided",
      approval,
      event: state === "denied" ? "denied" : "approved",
      ...(answer === "confirmed" ? { kind: "approval_confirmed" as const } : {}),
      change,
    },
    { write: "step_closed", seq: approval.seq, state: "succeeded", outcome, error: null },
    // A driven run never stopped: its driver asks for the decision (services/external/read-action.ts). One that is taken
    // back did, as every other.
    ...(run.state === "running" ? [] : [{ write: "run_moved", event: "resumed", reason: null } as const]),
  ];
}

const ANSWERS = { approve: "approved", deny: "denied", confirm: "confirmed" } as const;

const refuse = (detail: string): Result<never, Refusal> => err({ code: "edit_refused", detail });

/**
 * Worked out before the transaction, since it reads files and may ask a tool's server; the digest makes sure that nothing
 * moved in between.
 */
export async function planDecision(
  ports: ApprovalPorts,
  caller: Caller,
  request: ApproveRequest,
): Promise<PlannedDecision> {
  if (request.decision !== "approve" || request.arguments === undefined) return ok(null);
  const args = request.arguments;
  const found = await ports.store.transaction(caller.tenant, async (tx) => {
    const approval = await tx.approvals.find(request.approval_id);
    if (approval === null) return null;
    const run = await tx.runs.find(approval.run);
    const definition = run === null ? null : await tx.agents.get(run.agentVersion);
    if (run === null || definition === null) return null;
    return { approval, run, definition, journal: await tx.steps.list(run.id) };
  });
  if (found === null) return err(NOT_FOUND);
  const { approval, run, journal } = found;
  // Whether it is too late is for the transaction to say, in its own words.
  if (approval.state !== "open" || isTerminal(run.state)) return ok(null);
  // Whoever may not decide gets the same answer with an edit as without: what the rules and the tool would say of
  // other arguments is not for them to find out.
  const refusal =
    refuseDecision(run, approval, request, ports.clock.now()) ?? refuseCaller(run, approval, caller, request);
  if (refusal !== null) return err(refusal);
  if (approval.subject === "in_doubt")
    return refuse("The call may have happened already; its arguments cannot change any more.");
  // The call is made outside, by whoever proposed it: nothing here could make them send other arguments.
  if (run.driver === "external")
    return refuse("The call is carried out outside; deny it, and let the agent propose the changed one.");
  const tool = ports.tools.get(approval.action.tool);
  if (tool === undefined) return refuse(`There is no tool ${approval.action.tool} any more.`);
  // Whoever edits has the old definition and the old place before them; their yes must not reach what they did not see.
  if (
    manifestDigest(tool.manifest) !== approval.action.manifest_digest ||
    goingOf(tool, approval.precondition) !== "there"
  )
    return refuse(
      "The tool is not the one that was asked about any more. Approve the call as it stands, and it is asked anew; or deny it.",
    );
  const action: Action = actionOf(tool, args);
  const { judgement, verdict } = judgeEdit(ports, found, tool, action);
  if (verdict.verdict === "deny") return refuse(verdict.reasons.map((reason) => reason.detail).join(" "));
  // The rules may want more of the changed call than of the one that was asked about: other people, or more of them.
  const lacking =
    verdict.assent === null ? null : refuseCaller(run, { requirement: verdict.assent }, caller, request);
  if (lacking !== null) return refuse(`Of the changed call the rules want more. ${lacking.detail}`);
  using limit = deadline(EDIT_SECONDS_MAX * 1000);
  const { signal } = limit;
  const workspace = await ports.openWorkspace(run, journal, signal);
  if (!workspace.ok) return refuse(workspace.error.detail);
  const effectId: Sha256 = approval.actionDigest;
  const plan = await tool.plan(args, {
    workspace: workspace.value,
    effectId,
    tenant: run.tenant,
    signal,
  });
  if (!plan.ok) return refuse(plan.error.detail);
  const { precondition, preview } = plan.value;
  const scope = { tenant: run.tenant, run: run.id, seq: approval.seq };
  return ok({
    editedAction: action,
    // Whoever edits has the same before them as whoever was asked.
    judgement: { ...approval.judgement, ...judgement },
    precondition,
    preview,
    actionDigest: actionDigest(action, judgement.labels, precondition, scope),
  });
}

type Found = {
  readonly approval: ApprovalRecord;
  readonly run: RunRecord;
  readonly definition: AgentDefinition;
  readonly journal: Journal;
};

function judgeEdit(
  ports: ApprovalPorts,
  { approval, run, definition, journal }: Found,
  tool: Tool,
  action: Action,
): Judged {
  const origins = originsOfRun(definition, run.task, journal);
  const budget = budgetOfRun(ports.routing, definition, journal);
  const uses = usesLeft(approval.judgement.handles ?? [], approval.action.arguments, action.arguments);
  return judge(
    ports.policies,
    { run, definition, journal, origins, tools: ports.tools, budget },
    tool.manifest,
    action,
    uses,
  );
}

/** Working out what an edit would change reads a few files; longer means that something is stuck. */
const EDIT_SECONDS_MAX = 30;
