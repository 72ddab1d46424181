// A driver takes back what it did: it is told one effect at a time, newest first, and says what came of each, once.

import {
  type ActionId,
  type CompensationAnswer,
  type CompensationResult,
  type DueCompensation,
  EXTERNAL_AGENT,
} from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { EXTERNAL_TAKE_BACK_MINUTES } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import {
  isToolStep,
  type JournalStep,
  OUTCOME_UNKNOWN,
  type StepError,
  type ToolStep,
} from "../../core/run/journal.ts";
import { nextMove } from "../../core/run/next.ts";
import { compensationsOf, dueAgainAt, isByDriver, openRollback } from "../../core/run/rollback.ts";
import { isTerminal } from "../../core/run/run.ts";
import { endRollback } from "../end-run.ts";
import type { Refusal } from "../harness.ts";
import { intendCompensation } from "../steps/compensation.ts";
import type { Write } from "../write.ts";
import { newUuid } from "./ask.ts";
import { ACTION_NOT_FOUND, commitDriven, type Hold, nextSeq, refuseSteps } from "./drive.ts";
import { compensationOf } from "./hands.ts";
import { toolOf } from "./state.ts";

/** Of an error that a driver reports, as the journal's short reason. */
const DETAIL_CHARS_MAX = 1_000;

/** The harness is at it, or will be at once. */
const SOON_SECONDS = 1;
/** A person is asked. */
const PERSON_SECONDS = 10;

/** How long the run waits for its driver's next word before a worker looks at it. */
const AWAIT_DRIVER: Write = { write: "run_woken", delaySeconds: EXTERNAL_TAKE_BACK_MINUTES * 60 };

export async function nextCompensation(hold: Hold): Promise<Result<CompensationAnswer, Refusal>> {
  const { state } = hold.committed.run;
  if (isTerminal(state)) return ok(endedAnswer(hold));
  if (openRollback(hold.committed.journal) === undefined)
    return err({ code: "run_not_taken_back", detail: `The run is ${state}.` });
  // What a worker holds is the worker's to write; what a person is asked about waits for the person.
  if (state === "running") return ok(later(hold, SOON_SECONDS));
  if (state === "awaiting_approval") return ok(later(hold, PERSON_SECONDS));
  return await handOut(hold);
}

async function handOut(hold: Hold): Promise<Result<CompensationAnswer, Refusal>> {
  for (;;) {
    const move = nextMove(hold.committed.journal);
    const rollback = openRollback(hold.committed.journal);
    assert(rollback !== undefined, "only a run that is being taken back comes here");
    if (move.do === "end_rollback") {
      await endNow(hold);
      return ok(endedAnswer(hold));
    }
    const isOpen = move.do === "repeat" || move.do === "doubt";
    if (isOpen && isByDriver(rollback, move.step.request.compensates ?? 0))
      return ok({ ...head(hold), compensation: dueOf(hold, move.step, true) });
    if (move.do !== "compensate" || !isByDriver(rollback, move.step.seq))
      return ok(later(hold, SOON_SECONDS));
    const waitMs = (dueAgainAt(hold.committed.journal, move.step.seq)?.getTime() ?? 0) - hold.now.getTime();
    if (waitMs > 0) return ok(later(hold, Math.ceil(waitMs / 1000)));
    const full = refuseSteps(hold, 1);
    if (full !== null) return err(full);
    await commitDriven(hold, [intend(hold, move.step), AWAIT_DRIVER]);
    const opened = hold.committed.journal.at(-1);
    assert(opened !== undefined && isToolStep(opened), "the newest step is the compensation");
    // A rule forbids it by now: that effect is left to people, and the next one is looked at.
    if (opened.state === "intended") return ok({ ...head(hold), compensation: dueOf(hold, opened, false) });
  }
}

function intend(hold: Hold, step: ToolStep): Write {
  const { run } = hold.committed;
  const compensation = compensationOf(hold.state.definition, step);
  assert(compensation?.by === "driver", "the driver is told of what it takes back itself");
  const judging = {
    policies: hold.ports.policies,
    run,
    agent: EXTERNAL_AGENT,
    scope: { tenant: run.tenant, run: run.id, seq: nextSeq(hold) },
  };
  const callId: ActionId = `act_${newUuid(hold).replaceAll("-", "")}`;
  return intendCompensation(judging, step, { effect: compensation.effect, callId });
}

function dueOf({ committed: { journal } }: Hold, step: ToolStep, again: boolean): DueCompensation {
  const { compensates = 0, action, callId, effectId } = step.request;
  const done = journal[compensates - 1];
  assert(done !== undefined && isToolStep(done), "a compensation names the call that it takes back");
  assert(step.effect !== "none", "taking back changes something");
  return {
    action_id: callId,
    step: done.seq,
    tool: action.tool,
    arguments: done.request.action.arguments,
    compensates: done.request.effectId,
    output: done.outcome?.output ?? null,
    effect: step.effect,
    effect_id: effectId,
    attempt: compensationsOf(journal, done.seq).length,
    again,
  };
}

export async function reportCompensation(
  hold: Hold,
  id: ActionId,
  body: CompensationResult,
): Promise<Result<CompensationAnswer, Refusal>> {
  const { run, journal } = hold.committed;
  const step = journal.find((each) => isCompensation(each) && each.request.callId === id);
  if (step === undefined || !isToolStep(step)) return err(ACTION_NOT_FOUND);
  if (step.state !== "intended")
    return err({
      code: "result_already_reported",
      detail: `It counts as ${step.state.replace("_", " ")}: it was reported before, or its time was over.`,
    });
  if (run.state !== "queued")
    return err({
      code: "not_ready",
      detail: "The run is looked at just now; repeat the report.",
      retryAfterSeconds: SOON_SECONDS,
    });
  await commitDriven(hold, [closing(hold, step, body), wakeAfter(hold, step, body)]);
  if (nextMove(hold.committed.journal).do === "end_rollback") {
    await endNow(hold);
    return ok(endedAnswer(hold));
  }
  return ok(head(hold));
}

const isCompensation = (step: JournalStep): step is ToolStep =>
  isToolStep(step) && step.request.compensates !== undefined;

function closing({ state }: Hold, step: ToolStep, { output, error, unknown }: CompensationResult): Write {
  const close = (to: "failed" | "in_doubt", { code, detail }: StepError): Write => ({
    write: "step_closed",
    seq: step.seq,
    state: to,
    outcome: null,
    error: { code, detail: detail.slice(0, DETAIL_CHARS_MAX).toWellFormed() },
  });
  if (unknown !== undefined) return close("in_doubt", { code: OUTCOME_UNKNOWN, detail: unknown });
  if (error !== undefined) return close("failed", { code: "reported_error", detail: error });
  const text = typeof output === "string" ? output : JSON.stringify(output);
  const { returns: label } = toolOf(state, step.name);
  const outcome = { kind: "tool", output: text, label } as const;
  return { write: "step_closed", seq: step.seq, state: "succeeded", outcome, error: null };
}

// At once, where a worker has to go on; else once the driver has been silent for long.
function wakeAfter(hold: Hold, step: ToolStep, body: CompensationResult): Write {
  const { journal } = hold.committed;
  const rollback = openRollback(journal);
  assert(rollback !== undefined, "a compensation that is open belongs to a run that is being taken back");
  if (body.unknown !== undefined) return { write: "run_woken" };
  const state = body.error === undefined ? ("succeeded" as const) : ("failed" as const);
  const error = body.error === undefined ? null : { code: "reported_error", detail: "" };
  const after = journal.map((each) => (each.seq === step.seq ? { ...each, state, error } : each));
  const next = nextMove(after);
  const isDrivers = next.do === "compensate" && isByDriver(rollback, next.step.seq);
  return isDrivers ? AWAIT_DRIVER : { write: "run_woken" };
}

// All has been tried: the run ends in the same transaction, and no worker is waited for.
async function endNow(hold: Hold): Promise<void> {
  const { journal, run } = hold.committed;
  const rollback = openRollback(journal);
  assert(rollback !== undefined && run.state === "queued", "a queued run that is taken back ends once");
  const { ending } = rollback.request;
  // What is queued does not fail: it runs for an instant, as it did when it was submitted.
  if (ending === "failed") await commitDriven(hold, [{ write: "run_moved", event: "leased", reason: null }]);
  await commitDriven(hold, endRollback(journal, rollback, ending));
}

const head = ({ committed: { run } }: Hold): CompensationAnswer => ({
  status: run.state,
  ended: isTerminal(run.state),
});
const later = (hold: Hold, seconds: number): CompensationAnswer => ({
  ...head(hold),
  retry_after_seconds: Math.max(seconds, 1),
});
const endedAnswer = (hold: Hold): CompensationAnswer => ({ ...head(hold), ended: true });
