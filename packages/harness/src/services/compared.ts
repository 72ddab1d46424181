// Earlier answers beside the question that they are shown with: what was asked then, and what differs. Worked out when the
// approval is read, so that no run waits for it; what the earlier question held is shown as a run's values are, without secrets.

import type { Advice, Comparison } from "@assent/contract";
import { type ComparedQuestion, compareQuestions } from "../core/decide/compare-questions.ts";
import type { ApprovalRecord, RunRecord, StoreTx } from "../ports.ts";
import { asAgent, patternOf } from "./precedents.ts";
import type { Shown } from "./shown.ts";

/** Compared of one approval's advice; as many as the memory proposes. */
const COMPARED_MAX = 3;

type Question = { readonly approval: ApprovalRecord; readonly run: RunRecord };
type Words = Pick<Shown, "text" | "arguments">;

/** The approval's advice; what can be compared has a comparison. */
export async function comparedAdvice(
  tx: StoreTx,
  shown: Words,
  approval: ApprovalRecord,
): Promise<readonly Advice[]> {
  const run = approval.advice.length === 0 ? null : await tx.runs.find(approval.run);
  if (run === null) return approval.advice;
  const compared: Advice[] = [];
  for (const [at, one] of approval.advice.entries()) {
    const comparison = at < COMPARED_MAX ? await compare(tx, shown, one, { approval, run }) : null;
    compared.push(comparison === null ? one : { ...one, comparison });
  }
  return compared;
}

/** Null: the answer cannot be read any more. */
async function compare(tx: StoreTx, shown: Words, advice: Advice, now: Question): Promise<Comparison | null> {
  const answer = await tx.memory.findResolution(advice.precedent_id);
  if (answer === null) return null;
  const said = { rationale: shown.text(answer.rationale), revoked_at: answer.revokedAt };
  const before = await questionOf(tx, answer);
  if (before === null)
    return {
      ...said,
      differs: "what was asked then is not kept",
      approval_id: null,
      run_id: null,
      arguments: [],
      arguments_more: 0,
      circumstances: [],
    };
  const values = shown.arguments(before.approval.action.arguments);
  const found = compareQuestions(comparedOf(before), comparedOf(now), values);
  return {
    ...said,
    ...found,
    differs: shown.text(found.differs),
    arguments: found.arguments.map((one) => ({ ...one, pointer: shown.text(one.pointer) })),
    approval_id: before.approval.id,
    run_id: before.run.id,
  };
}

/**
 * What a person had before them when they gave the answer. The answer's own id follows from the question's, and that from the
 * tool, the arguments and their origins: an approval of anything else is not shown for it, whatever names it.
 */
async function questionOf(
  tx: StoreTx,
  answer: Parameters<StoreTx["questions"]["approvalOf"]>[0],
): Promise<Question | null> {
  const id = await tx.questions.approvalOf(answer);
  const approval = id === null ? null : await tx.approvals.find(id);
  const run = approval === null ? null : await tx.runs.find(approval.run);
  if (approval === null || run === null) return null;
  const { patternId } = patternOf({ ...approval, run }, asAgent(run), approval.requestedAt);
  return patternId === answer.patternId ? { approval, run } : null;
}

const comparedOf = ({ approval, run }: Question): ComparedQuestion => ({
  action: approval.action,
  labels: approval.judgement.labels,
  reasons: approval.decision.reasons,
  policyVersion: approval.judgement.policyVersion,
  agentVersion:
    approval.judgement.agentVersion === undefined ? run.agentVersion : approval.judgement.agentVersion,
  workspace: run.workspace?.name ?? null,
  precondition: approval.precondition,
  requester: run.requestedBy.name,
});
