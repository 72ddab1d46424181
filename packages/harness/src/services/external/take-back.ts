// A worker takes a driven run back: it calls the harness's own tools, waits for the driver where that has to act, and asks
// people where the driver is gone or does not know.

import { type Decision, EXTERNAL_AGENT, EXTERNAL_MODEL } from "@assent/contract";
import { EXTERNAL_TAKE_BACK_MINUTES } from "../../base/limits.ts";
import { assert } from "../../base/assert.ts";
import { type AgentDefinition, agentDefinitionSchema } from "../../core/agent.ts";
import type { ExternalDefinition } from "../../core/external.ts";
import { OUTCOME_UNKNOWN, type StepError, type ToolStep } from "../../core/run/journal.ts";
import { type Move, nextMove } from "../../core/run/next.ts";
import { isByDriver, lastWordAt, openRollback } from "../../core/run/rollback.ts";
import { commitHeld, type Held, scopeOfNextStep } from "../held.ts";
import { intendCompensation } from "../steps/compensation.ts";
import { readApproval } from "../steps/dispatch.ts";
import { compensate } from "../steps/tool.ts";
import type { Write } from "../write.ts";
import { compensationOf, definitionOf, DRIVER_IDLE } from "./hands.ts";

/** Of an effect that its driver did not come to take back; from then on it is waited for no more. */
const DRIVER_GONE = "driver_gone";

/** A driven run has no agent of ours; while it is taken back no model is asked, and nothing is judged anew by one. */
export const DRIVEN_AGENT: AgentDefinition = agentDefinitionSchema.parse({
  name: EXTERNAL_AGENT,
  description: "A run that is driven from outside.",
  system: "-",
  models: [EXTERNAL_MODEL],
  tools: [],
  workspace: "none",
});

/**
 * Advances a driven run that is being taken back until it has ended, is parked, or waits for its driver.
 * @param makeMove carries out what is the same for every run; false: the run is parked, ended or given back
 */
export async function takeBackDriven(
  held: Held,
  makeMove: (held: Held, move: Move) => Promise<boolean>,
): Promise<void> {
  const { run } = held.committed;
  const definition = await held.ports.store.transaction(
    run.tenant,
    async (tx) => await definitionOf(tx, run),
    { isRepeatable: true },
  );
  for (;;) {
    const move = nextMove(held.committed.journal);
    const goesOn = (await makeDrivenMove(held, definition, move)) ?? (await makeMove(held, move));
    if (!goesOn) return;
  }
}

// Null: no move of a driven run's own.
async function makeDrivenMove(
  held: Held,
  definition: ExternalDefinition,
  move: Move,
): Promise<boolean | null> {
  // The lease is looked at before anything is done, as in every move.
  if (held.lost.aborted || held.stopping.aborted) return null;
  const rollback = openRollback(held.committed.journal);
  assert(rollback !== undefined, "a worker takes a driven run only to take it back");
  if (move.do === "compensate") {
    if (!isByDriver(rollback, move.step.seq)) return await compensateOwn(held, definition, move.step);
    return await awaitDriver(held, () => [leave(held, definition, move.step)]);
  }
  if (move.do !== "repeat" && move.do !== "doubt" && move.do !== "settle_doubt") return null;
  const { compensates = 0 } = move.step.request;
  if (!isByDriver(rollback, compensates)) return null;
  if (move.do === "settle_doubt") {
    if (move.gate.outcome?.answer !== "approved") return null;
    // Handed out anew, under a key of its own: a person has seen that nothing happened under the first.
    const approval = await readApproval(held, move.gate);
    const error = { code: "not_taken_back", detail: "A person looked, and it had not been taken back." };
    await commitHeld(held, [
      { write: "approval_decided", approval, event: "spent", change: {} },
      { write: "step_closed", seq: move.step.seq, state: "failed", outcome: null, error },
    ]);
    return true;
  }
  const { seq } = move.step;
  const error: StepError = {
    code: OUTCOME_UNKNOWN,
    detail: "The driver was told to, and was not heard of again.",
  };
  return await awaitDriver(held, () => [
    { write: "step_closed", seq, state: "in_doubt", outcome: null, error },
  ]);
}

async function compensateOwn(held: Held, definition: ExternalDefinition, step: ToolStep): Promise<boolean> {
  const compensation = compensationOf(definition, step);
  assert(compensation?.by === "harness", "the hands were read from the same definition");
  return await compensate(held, step, compensation);
}

// The driver has its time, from the last thing that was heard of it; then what it did not do is left to people.
async function awaitDriver(held: Held, overdue: () => readonly Write[]): Promise<boolean> {
  const { journal } = held.committed;
  const rollback = openRollback(journal);
  assert(rollback !== undefined, "a worker takes a driven run only to take it back");
  const isGone =
    rollback.request.reason.code === DRIVER_IDLE ||
    journal.slice(rollback.seq).some(({ error }) => error?.code === DRIVER_GONE);
  const until = lastWordAt(journal, rollback).getTime() + EXTERNAL_TAKE_BACK_MINUTES * 60_000;
  const leftMs = until - held.ports.clock.now().getTime();
  if (!isGone && leftMs > 0) {
    await commitHeld(held, [
      {
        write: "run_moved",
        event: "released",
        reason: { code: "driver_awaited", detail: "Its driver is to take back what it did." },
        delaySeconds: Math.ceil(leftMs / 1000),
        isWait: true,
      },
    ]);
    return false;
  }
  await commitHeld(held, overdue());
  return true;
}

function leave(held: Held, definition: ExternalDefinition, step: ToolStep): Write {
  const opened = intendCompensation(
    {
      policies: held.ports.policies,
      run: held.committed.run,
      agent: EXTERNAL_AGENT,
      scope: scopeOfNextStep(held),
    },
    step,
    { effect: compensationOf(definition, step)?.effect ?? "once" },
  );
  assert(opened.write === "step_opened", "a compensation begins as a step");
  if (opened.step.state === "refused") return opened;
  const error = {
    code: DRIVER_GONE,
    detail: "Its driver did not take it back; look, and take it back by hand.",
  };
  const decision: Decision = { verdict: "deny", reasons: [error] };
  return { write: "step_opened", step: { ...opened.step, state: "refused", decision, error } };
}
