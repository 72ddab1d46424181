// Records as the outside sees them. Every field is named here: what is not, does not leave.

import type { Approval, Artifact, Run, RunSummary, Step } from "@assent/contract";
import { unreachable } from "../base/assert.ts";
import {
  isRollbackStep,
  isToolStep,
  type Journal,
  type JournalStep,
  type RollbackStep,
  usageOf,
} from "../core/run/journal.ts";
import { toldLabels } from "../core/decide/decision-record.ts";
import { isByDriver, leftInWords, rollbackOutcome, stillDue } from "../core/run/rollback.ts";
import type { AccountState, ApprovalRecord, RunRecord } from "../ports.ts";
import { chargesView } from "./models/spending.ts";

const RESULT_CHARS_MAX = 4_000;

export function runSummary(run: RunRecord): RunSummary {
  return {
    id: run.id,
    status: run.state,
    agent: run.agent,
    agent_version: run.agentVersion,
    task: run.task,
    workspace: run.workspace === null ? null : { ...run.workspace },
    model: run.model,
    labels: { ...run.labels },
    requested_by: run.requestedBy,
    reason: run.reason,
    attempt: run.attempt,
    version: run.version,
    created_at: run.createdAt.toISOString(),
    updated_at: run.updatedAt.toISOString(),
    finished_at: run.finishedAt?.toISOString() ?? null,
    ...(run.redriveOf === null ? {} : { redrive_of: run.redriveOf }),
  };
}

export function runView(
  run: RunRecord,
  journal: Journal,
  approvals: readonly ApprovalRecord[],
  artifacts: readonly Artifact[],
  charged?: AccountState,
): Run {
  const usage = usageOf(journal);
  return {
    ...runSummary(run),
    answer: run.answer,
    usage: {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      ...(charged === undefined ? {} : { charged: chargesView(charged) }),
    },
    steps: journal.map(stepView),
    approvals: approvals.map(approvalView),
    artifacts: [...artifacts],
    ...rollbackView(journal),
  };
}

function rollbackView(journal: Journal): Pick<Run, "rollback"> {
  const step = journal.find((each) => isRollbackStep(each));
  if (step === undefined || !isRollbackStep(step)) return {};
  const { takenBack, left } = step.outcome ?? rollbackOutcome(journal, step);
  const due = stillDue(journal, step);
  return {
    rollback: {
      ending: step.request.ending,
      ended: step.state !== "intended",
      taken_back: [...takenBack],
      left: left
        .filter(({ seq }) => step.state !== "intended" || !due.includes(seq))
        .map(({ seq, tool, code, detail }) => ({ step: seq, tool, code, detail })),
      ...(step.state === "intended" ? { due: dueOf(journal, step, due) } : {}),
    },
  };
}

const dueOf = (
  journal: Journal,
  rollback: RollbackStep,
  due: readonly number[],
): NonNullable<Run["rollback"]>["due"] =>
  due.map((seq) => ({
    step: seq,
    tool: journal[seq - 1]?.name ?? "",
    by: isByDriver(rollback, seq) ? "driver" : "harness",
  }));

function stepView(step: JournalStep): Step {
  return {
    seq: step.seq,
    kind: step.kind,
    // The model that answered, which after a failover is not the one that was asked first.
    name: step.outcome?.kind === "model" ? step.outcome.model : step.name,
    state: step.state,
    effect: step.effect,
    effect_id: isToolStep(step) ? step.request.effectId : null,
    ...(isToolStep(step) ? { arguments: step.request.action.arguments } : {}),
    ...(isToolStep(step) && step.request.compensates !== undefined
      ? { compensates: step.request.compensates }
      : {}),
    decision: step.decision,
    approval_id: step.approvalId,
    result: resultText(step),
    error: step.error,
    started_at: step.startedAt.toISOString(),
    finished_at: step.finishedAt?.toISOString() ?? null,
  };
}

function resultText({ outcome }: JournalStep): string | null {
  if (outcome === null) return null;
  switch (outcome.kind) {
    case "model": {
      const calls = outcome.toolCalls.map((call) => `→ ${call.tool}`);
      return shorten([outcome.text, ...calls].filter((line) => line !== "").join("\n"));
    }
    case "tool":
      return shorten(outcome.output);
    case "gate":
      return shorten(outcome.comment === null ? outcome.answer : `${outcome.answer}: ${outcome.comment}`);
    case "finalise":
      return shorten(outcome.answer);
    case "rollback": {
      const { takenBack, left } = outcome;
      const taken = takenBack.length === 0 ? "" : `Taken back: steps ${takenBack.join(", ")}.`;
      return shorten([taken, leftInWords(left)].filter((text) => text !== "").join(" "));
    }
    default:
      return unreachable(outcome);
  }
}

// Cut between code points, so that no half of a surrogate pair is left over.
function shorten(text: string): string {
  if (text.length <= RESULT_CHARS_MAX) return text;
  return `${text
    .slice(0, RESULT_CHARS_MAX)
    .toWellFormed()
    .replace(/\uFFFD$/u, "")}… (${text.length} characters)`;
}

export function approvalView(approval: ApprovalRecord): Approval {
  return {
    id: approval.id,
    run_id: approval.run,
    step: approval.seq,
    status: approval.state,
    subject: approval.subject,
    action: approval.action,
    action_digest: approval.actionDigest,
    summary: approval.summary,
    preview: approval.preview,
    decision: approval.decision,
    labels: toldLabels(approval.judgement.labels),
    requirement: {
      approvers: approval.requirement.approvers === undefined ? null : [...approval.requirement.approvers],
      quorum: approval.requirement.quorum,
      separate_duties: approval.requirement.separateDuties,
    },
    advice: [...approval.advice],
    votes: approval.votes,
    edited_arguments: approval.editedAction?.arguments ?? null,
    requested_at: approval.requestedAt.toISOString(),
    expires_at: approval.expiresAt.toISOString(),
    decided_at: approval.decidedAt?.toISOString() ?? null,
    decided_by:
      approval.decidedBy === null ? null : { id: approval.decidedBy.id, name: approval.decidedBy.name },
    comment: approval.comment,
  };
}
