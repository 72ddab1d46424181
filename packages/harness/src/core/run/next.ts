// What comes next follows from the journal alone: the same journal gives the same answer in every process, so a
// worker that takes over a run goes on where the last one stopped.

import type { ApprovalId } from "@assent/contract";
import { RUN_STEPS_MAX } from "../../base/limits.ts";
import {
  type GateStep,
  isGateStep,
  isToolStep,
  type Journal,
  type JournalStep,
  lastTurn,
  type StepError,
  type ToolCall,
  type RollbackStep,
  type ToolStep,
} from "./journal.ts";
import { nextToTakeBack, openRollback } from "./rollback.ts";

export type Move =
  /** Ask the model; `again` is the step of an earlier attempt whose answer was lost. */
  | { readonly do: "call_model"; readonly again: JournalStep | null }
  /** A call that no rule has judged yet. */
  | { readonly do: "decide"; readonly call: ToolCall }
  /** A person said yes: dispatch exactly what was approved, spending the approval. */
  | { readonly do: "dispatch"; readonly call: ToolCall; readonly gate: GateStep }
  /** The intent is journaled and the effect may be repeated: carry it out (again) under the same key. */
  | { readonly do: "repeat"; readonly step: ToolStep }
  /** The intent is journaled, the effect must not be repeated, and nobody knows whether it happened. */
  | { readonly do: "doubt"; readonly step: ToolStep }
  /** Ask a person what became of a step in doubt. */
  | { readonly do: "ask_about_doubt"; readonly step: ToolStep }
  /** A person said what became of it. */
  | { readonly do: "settle_doubt"; readonly step: ToolStep; readonly gate: GateStep }
  | { readonly do: "wait"; readonly approvalId: ApprovalId }
  | { readonly do: "finalise"; readonly answer: string; readonly again: JournalStep | null }
  | { readonly do: "give_up"; readonly error: StepError }
  /** The run is being taken back: undo what this step did. */
  | { readonly do: "compensate"; readonly step: ToolStep; readonly rollback: RollbackStep }
  /** All that could be taken back has been tried. */
  | { readonly do: "end_rollback"; readonly rollback: RollbackStep };

/** @param opening what the harness asks for by itself before the model is first called */
export function nextMove(journal: Journal, opening: ToolCall | null = null): Move {
  const rollback = openRollback(journal);
  if (rollback !== undefined) return moveForRollback(rollback, journal);

  const open = journal.find((step) => step.state === "intended");
  if (open !== undefined) return moveForOpenStep(open, journal);

  const doubtful = journal.find((step) => step.state === "in_doubt");
  if (doubtful !== undefined) return moveForDoubt(doubtful, journal);

  if (journal.length >= RUN_STEPS_MAX)
    return { do: "give_up", error: { code: "step_limit", detail: `The run took ${RUN_STEPS_MAX} steps.` } };

  const turn = lastTurn(journal);
  if (turn === undefined) {
    const first = opening === null ? undefined : moveForCall(opening, 0, journal);
    return first ?? { do: "call_model", again: null };
  }
  for (const call of turn.outcome.toolCalls) {
    const move = moveForCall(call, turn.seq, journal);
    if (move !== undefined) return move;
  }
  if (turn.outcome.toolCalls.length > 0) return { do: "call_model", again: null };
  if (turn.outcome.finishReason === "length")
    return {
      do: "give_up",
      error: { code: "answer_cut_off", detail: "The model's answer reached its length limit." },
    };
  return { do: "finalise", answer: turn.outcome.text, again: null };
}

// What was left open when the run began to be taken back is not carried on any more; only what came after it is.
function moveForRollback(rollback: RollbackStep, journal: Journal): Move {
  const after = journal.filter((step) => step.seq > rollback.seq);
  const open = after.find((step) => step.state === "intended");
  if (open !== undefined) return moveForOpenStep(open, journal);
  const doubtful = after.find((step) => step.state === "in_doubt");
  if (doubtful !== undefined) return moveForDoubt(doubtful, journal);
  const step = nextToTakeBack(journal, rollback);
  return step === null ? { do: "end_rollback", rollback } : { do: "compensate", step, rollback };
}

function moveForOpenStep(step: JournalStep, journal: Journal): Move {
  if (isToolStep(step)) return step.effect === "once" ? { do: "doubt", step } : { do: "repeat", step };
  if (isGateStep(step)) {
    if (step.approvalId === null) throw new Error(`gate ${step.seq} has no approval`);
    return { do: "wait", approvalId: step.approvalId };
  }
  if (step.kind === "finalise")
    return { do: "finalise", answer: lastTurn(journal)?.outcome.text ?? "", again: step };
  return { do: "call_model", again: step };
}

function moveForDoubt(step: JournalStep, journal: Journal): Move {
  if (!isToolStep(step)) throw new Error(`step ${step.seq} is in doubt but no tool call`);
  // A gate's word counts once: a step that was tried again because of it, and is in doubt once more, needs a new one.
  const gate = journal.findLast(
    (later): later is GateStep =>
      isGateStep(later) && later.request.doubtfulSeq === step.seq && later.seq > (step.retriedBySeq ?? 0),
  );
  return gate === undefined ? { do: "ask_about_doubt", step } : { do: "settle_doubt", step, gate };
}

// Undefined: this call is done with.
function moveForCall(call: ToolCall, turnSeq: number, journal: Journal): Move | undefined {
  const after = journal.filter((step) => step.seq > turnSeq);
  const done = after.some((step) => isToolStep(step) && step.request.callId === call.id);
  if (done) return undefined;
  // A question that had to be asked again has a later gate; only the newest counts.
  const gate = after.findLast(
    (step): step is GateStep =>
      isGateStep(step) && step.request.callId === call.id && step.request.doubtfulSeq === null,
  );
  if (gate === undefined) return { do: "decide", call };
  return gate.outcome?.answer === "approved" ? { do: "dispatch", call, gate } : undefined;
}
