// The one place where a run changes. Whatever happens to a run becomes writes; they, the events that record them and
// the run's new version are one statement (invariants 1, journal-first, and 11, history is evidence).

import type { Actor, EventKind } from "@assent/contract";
import { assert, unreachable } from "../base/assert.ts";
import { givenData, type Giver, neededData } from "../core/decide/assent-data.ts";
import { actionDigest as digestOfAction } from "../core/decide/action-digest.ts";
import { type ApprovalEvent, approvalTransition } from "../core/run/approval.ts";
import {
  isGateStep,
  isToolStep,
  type Journal,
  type JournalStep,
  type ModelOutcome,
} from "../core/run/journal.ts";
import { isTerminal, type RunEvent, transition } from "../core/run/run.ts";
import { isStepTransitionLegal } from "../core/run/step.ts";
import {
  type ApprovalChange,
  ApprovalTaken,
  type NewApproval,
  type RunRecord,
  type RunWrites,
  type StoreTx,
} from "../ports.ts";
import { escalateLeft } from "./left-effects.ts";
import type { NewStep, Write } from "./write.ts";

/** The bytes of an artifact are not there any more (they had been swept as nobody's). They have to be stored again. */
export class ContentLost extends Error {
  override readonly name = "ContentLost";
}

export type Committed = { readonly run: RunRecord; readonly journal: Journal };

type Context = { readonly now: Date; readonly actor: Actor | null; readonly giver?: Giver };

/** What cannot wait for the one statement: it needs the transaction's other tables, or looks at files. */
type Beside = Extract<Write, { write: "artifact_committed" | "effects_left" }>;

export type Planned = Committed & {
  readonly writes: RunWrites;
  readonly beside: readonly Beside[];
};

/**
 * Works out what the writes make of a run, and the rows that say so. Touches nothing.
 * @returns the run and its journal as they will be after the commit
 * @throws AssertionFailed for an illegal transition: callers ask the tables before they write
 */
export function planCommit(before: Committed, writes: readonly Write[], context: Context): Planned {
  const draft: Draft = {
    run: before.run,
    journal: [...before.journal],
    wakeAt: null,
    opened: [],
    changed: [],
    asked: null,
    decided: [],
    noted: null,
    settled: null,
    chargesAll: false,
    events: [],
    beside: [],
  };
  for (const write of writes) carryOut(draft, write, context);
  const { journal, wakeAt, beside, opened, changed, asked, decided, noted, settled, chargesAll, events } =
    draft;
  assert(events.length > 0, "a commit changes something");
  assert(new Set(changed.map(({ seq }) => seq)).size === changed.length, "a step changes once in a commit");
  const run = { ...draft.run, updatedAt: context.now };
  return {
    run,
    journal,
    beside,
    writes: {
      run: run.id,
      change: { ...run, wakeAt },
      opened,
      changed,
      asked,
      decided,
      noted,
      settled,
      chargesAll,
      events,
      actor: context.actor,
    },
  };
}

/**
 * Carries out the writes on a run that this transaction has locked.
 * @returns the run and its journal as they are after the commit
 * @throws ApprovalTaken when an approval is not any more in the state it was read in
 * @throws AssertionFailed for an illegal transition: callers ask the tables before they write
 */
export async function commit(
  tx: StoreTx,
  before: Committed,
  writes: readonly Write[],
  context: Context,
  write = async (rows: RunWrites): Promise<void> => {
    await tx.runs.write(rows);
  },
): Promise<Committed> {
  const { run, journal, writes: rows, beside } = planCommit(before, writes, context);
  for (const one of beside) {
    if (one.write === "artifact_committed") await keepArtifact(tx, run, one);
    else await escalateLeft(tx, run, one.left, context.now);
  }
  await write(rows);
  return { run, journal };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

type Draft = Mutable<Committed> & {
  journal: JournalStep[];
  wakeAt: Date | null;
  readonly opened: JournalStep[];
  readonly changed: JournalStep[];
  asked: NewApproval | null;
  readonly decided: RunWrites["decided"][number][];
  noted: RunWrites["noted"];
  settled: RunWrites["settled"];
  chargesAll: boolean;
  readonly events: RunWrites["events"][number][];
  readonly beside: Beside[];
};

function record(draft: Draft, kind: EventKind, data: Record<string, unknown>): void {
  const version = draft.run.version + 1;
  draft.run = { ...draft.run, version };
  draft.events.push({ version, kind, data });
}

function carryOut(draft: Draft, write: Write, context: Context): void {
  switch (write.write) {
    case "step_opened":
      openStep(draft, write.step, context);
      return;
    case "step_closed":
      changeStep(draft, write.seq, { ...write, finishedAt: context.now }, context);
      // Something ended: whatever made earlier attempts fail has been overcome.
      draft.run = { ...draft.run, attempt: 0 };
      return;
    case "step_retried":
      changeStep(
        draft,
        write.seq,
        { state: "intended", outcome: null, error: null, finishedAt: null, retriedBySeq: write.gateSeq },
        context,
      );
      return;
    case "approval_opened":
      openApproval(draft, write.approval);
      return;
    case "question_noted":
      assert(draft.noted === null, "a commit puts one question");
      draft.noted = write.noted;
      return;
    case "approval_decided":
      decideApproval(draft, write, context);
      return;
    case "approval_voted":
      recordVote(draft, write, context);
      return;
    case "artifact_committed":
      recordArtifact(draft, write);
      return;
    case "effects_left":
      draft.beside.push(write);
      record(draft, "effects_left", {
        step: write.seq,
        left: write.left.map(({ seq, tool, code }) => ({ step: seq, tool, code })),
      });
      return;
    case "budget_settled":
      assert(draft.settled === null, "a commit settles one call");
      draft.settled = { reservation: write.reservation, spent: write.spent };
      return;
    case "run_woken":
      draft.wakeAt = new Date(context.now.getTime() + (write.delaySeconds ?? 0) * 1000);
      return;
    case "run_moved":
      // A call whose worker is gone, or that is called off, was paid for as far as anybody knows.
      if (LEAVES_CALLS.has(write.event)) draft.chargesAll = true;
      moveRun(draft, write, context);
      return;
    default:
      unreachable(write);
  }
}

const givenBy = (approval: string, { giver }: Context): Record<string, unknown> =>
  giver === undefined ? {} : { given: givenData(approval, giver) };

function recordVote(
  draft: Draft,
  { approval, votes }: Extract<Write, { write: "approval_voted" }>,
  context: Context,
): void {
  record(draft, "approval_voted", {
    approval_id: approval.id,
    step: approval.seq,
    action_digest: approval.actionDigest,
    votes,
    quorum: approval.requirement.quorum,
    ...givenBy(approval.id, context),
  });
}

export async function keepArtifact(
  tx: StoreTx,
  run: RunRecord,
  { artifact, isStored }: Extract<Write, { write: "artifact_committed" }>,
): Promise<void> {
  await tx.artifacts.insert(run.id, { ...artifact, createdAt: run.updatedAt });
  if (!(await isStored())) throw new ContentLost(`the content ${artifact.sha256} is not there`);
}

function recordArtifact(draft: Draft, write: Extract<Write, { write: "artifact_committed" }>): void {
  const { id, name, sha256, size_bytes } = write.artifact;
  draft.beside.push(write);
  record(draft, "artifact_committed", { artifact_id: id, name, sha256, size_bytes });
}

function openApproval(draft: Draft, approval: NewApproval): void {
  assert(draft.asked === null, "a commit asks one question");
  draft.asked = approval;
  const { id, seq, subject, action, actionDigest, requirement, expiresAt } = approval;
  record(draft, "approval_opened", {
    approval_id: id,
    step: seq,
    subject,
    tool: action.tool,
    action_digest: actionDigest,
    expires_at: expiresAt.toISOString(),
    assent: neededData(id, requirement, draft.run.requestedBy),
  });
}

function openStep(draft: Draft, step: NewStep, context: Context): void {
  assert(step.state === "intended" || step.state === "refused", "a step begins as intended or refused");
  const opened: JournalStep = {
    ...step,
    seq: draft.journal.length + 1,
    retriedBySeq: null,
    startedAt: context.now,
    finishedAt: step.state === "refused" ? context.now : null,
  };
  draft.opened.push(opened);
  draft.journal.push(opened);
  // Taking back begins anew, whatever defeated the run's workers before.
  if (step.kind === "rollback") draft.run = { ...draft.run, attempt: 0 };
  const kind = step.state === "refused" ? "step_refused" : "step_intended";
  const gate =
    opened.state === "intended" && opened.approvalId !== null
      ? draft.journal.find((other) => isGateStep(other) && other.approvalId === opened.approvalId)
      : undefined;
  record(draft, kind, { ...stepData(opened), ...approvedData(draft, opened, gate) });
}

function changeStep(
  draft: Draft,
  seq: number,
  change: Pick<JournalStep, "state" | "outcome" | "error" | "finishedAt"> & { retriedBySeq?: number },
  context: Context,
): void {
  const step = draft.journal[seq - 1];
  assert(step !== undefined && step.seq === seq, "only a journaled step can change");
  assert(isStepTransitionLegal(step.state, change.state), `step ${seq}: ${step.state} -> ${change.state}`);
  const { state, outcome, error, finishedAt } = change;
  const startedAt = state === "intended" ? context.now : step.startedAt;
  const retriedBySeq = change.retriedBySeq ?? step.retriedBySeq;
  const changed: JournalStep = { ...step, state, outcome, error, finishedAt, startedAt, retriedBySeq };
  draft.changed.push(changed);
  draft.journal[seq - 1] = changed;
  const kind = state === "intended" ? "step_retried" : STEP_EVENTS[state];
  const gate = state === "intended" ? draft.journal[(retriedBySeq ?? 0) - 1] : undefined;
  record(draft, kind, { ...stepData(changed), ...approvedData(draft, changed, gate) });
}

const STEP_EVENTS = {
  succeeded: "step_succeeded",
  failed: "step_failed",
  refused: "step_refused",
  in_doubt: "step_in_doubt",
} as const;

// Digests and names, no contents: the trail is kept for long and shown widely, prompts and files are not.
function stepData(step: JournalStep): Record<string, unknown> {
  return {
    step: step.seq,
    step_kind: step.kind,
    name: step.name,
    effect: step.effect,
    ...(step.request.kind === "tool"
      ? {
          action_digest: step.request.actionDigest,
          effect_id: step.request.effectId,
          ...(step.request.compensates === undefined ? {} : { compensates: step.request.compensates }),
        }
      : {}),
    ...(step.outcome?.kind === "rollback" ? { taken_back: step.outcome.takenBack } : {}),
    ...(step.request.kind === "model" ? { prompt_digest: step.request.promptDigest } : {}),
    ...(step.decision === null ? {} : { verdict: step.decision.verdict }),
    ...(step.outcome?.kind === "gate" ? { answer: step.outcome.answer } : {}),
    ...(step.error === null ? {} : { error: step.error.code }),
    ...(step.outcome?.kind === "model" ? answerData(step.outcome) : {}),
  };
}

// Of a call that a person agreed to: which word it is made by, and the digest of what is called, as it was asked about. Whoever
// has the log alone holds it against the digest that was approved (invariant 5, assent is exact).
function approvedData(
  { run }: Draft,
  step: JournalStep,
  gate: JournalStep | undefined,
): Record<string, unknown> {
  if (gate === undefined || gate.approvalId === null || !isToolStep(step)) return {};
  const { action, judgement, precondition } = step.request;
  const scope = { tenant: run.tenant, run: run.id, seq: gate.seq };
  return {
    approval_id: gate.approvalId,
    approved_digest: digestOfAction(action, judgement?.labels ?? {}, precondition, scope),
  };
}

const answerData = ({ model, usage, tried }: ModelOutcome): Record<string, unknown> => ({
  model,
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  ...(tried === undefined ? {} : { tried: tried.map((one) => ({ model: one.model, error: one.code })) }),
});

const APPROVAL_EVENTS: { readonly [E in ApprovalEvent]: EventKind } = {
  approved: "approval_approved",
  denied: "approval_denied",
  expired: "approval_expired",
  cancelled: "approval_cancelled",
  spent: "approval_spent",
};

function decideApproval(
  draft: Draft,
  { approval, event, change, kind }: Extract<Write, { write: "approval_decided" }>,
  context: Context,
): void {
  const next = approvalTransition(approval.state, event);
  if (!next.ok) throw new ApprovalTaken(`approval ${approval.id} is ${approval.state}`);
  const after: ApprovalChange = { ...approval, ...change, state: next.value };
  draft.decided.push({ id: approval.id, from: approval.state, change: after });
  const recorded = kind ?? APPROVAL_EVENTS[event];
  record(draft, recorded, {
    approval_id: approval.id,
    step: approval.seq,
    action_digest: after.actionDigest,
    ...(after.actionDigest === approval.actionDigest ? {} : { asked_digest: approval.actionDigest }),
    ...(recorded === "approval_approved" ? givenBy(approval.id, context) : {}),
  });
}

const LEAVES_CALLS: ReadonlySet<RunEvent> = new Set([
  "released",
  "gave_up",
  "attempts_exhausted",
  "cancelled",
]);

function moveRun(draft: Draft, write: Extract<Write, { write: "run_moved" }>, context: Context): void {
  const next = transition(draft.run.state, write.event);
  assert(next.ok, `run: no ${write.event} from ${draft.run.state}`);
  const state = next.value;
  draft.run = {
    ...draft.run,
    state,
    reason: write.reason,
    answer: write.answer ?? draft.run.answer,
    attempt: Math.max(0, draft.run.attempt - (write.isWait === true ? 1 : 0)),
    finishedAt: isTerminal(state) ? context.now : null,
  };
  if (state === "queued") draft.wakeAt = new Date(context.now.getTime() + (write.delaySeconds ?? 0) * 1000);
  record(draft, RUN_EVENTS[write.event], {
    state,
    ...(write.reason === null ? {} : { reason: write.reason.code }),
  });
}

const RUN_EVENTS: { readonly [E in RunEvent]: EventKind } = {
  leased: "run_leased",
  parked: "run_parked",
  released: "run_released",
  resumed: "run_resumed",
  finished: "run_succeeded",
  gave_up: "run_failed",
  attempts_exhausted: "run_dead_lettered",
  cancelled: "run_cancelled",
};
