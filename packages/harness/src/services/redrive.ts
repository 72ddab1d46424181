// Dead letters are redriven by new runs: the dead one is evidence and stays as it is, the new one names it. Everything is
// judged anew: today's agent, today's rules, today's tools.

import type { RedriveRequest, RunId, RunSummary } from "@assent/contract";
import { AssertionFailed } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isRollbackStep, type Journal, type LeftEffect } from "../core/run/journal.ts";
import { rollbackOutcome } from "../core/run/rollback.ts";
import type { Caller, RunRecord, StoreTx } from "../ports.ts";
import { type AdmissionPorts, insertRun, planRun } from "./admission.ts";
import type { Refusal, Room } from "./harness.ts";
import { runSummary } from "./views.ts";

type Found = {
  readonly dead: RunRecord;
  readonly redriven: RunRecord | null;
  readonly standing: string | null;
};

/** Takes a connection of its own: not for inside a transaction. */
export const takeRoom = async (
  { capacity }: Pick<AdmissionPorts, "capacity">,
  { tenant }: Pick<Caller, "tenant">,
): Promise<Room> => ({ full: await capacity.takeRoom(tenant) });

/** @returns the new run; the one there is already, when the dead letter was redriven before */
export async function redriveRun(
  ports: AdmissionPorts,
  caller: Caller,
  id: RunId,
  request: RedriveRequest,
  room?: Room,
): Promise<Result<RunSummary, Refusal>> {
  const found = await ports.store.transaction(caller.tenant, async (tx) => await look(tx, id), {
    isRepeatable: true,
  });
  if (!found.ok) return found;
  const { dead, redriven, standing } = found.value;
  if (redriven !== null) return ok(ports.shown.summary(runSummary(redriven)));
  // The new run's effects have ids of their own, so no tool would know them for repeats.
  if (standing !== null && request.repeat_effects !== true)
    return err({ code: "effects_standing", detail: standing });
  const { agent, task, model, labels, workspace } = dead;
  const asked = { agent, task, model, labels, ...(workspace === null ? {} : { workspace: workspace.name }) };
  const planned = await planRun(ports, caller, asked, ports.clock.now());
  if (!planned.ok) return planned;
  const { definition, run } = planned.value;
  const full = room === undefined ? await ports.capacity.takeRoom(caller.tenant) : room.full;
  if (full !== null) return err(full);
  return await ports.store.transaction(
    caller.tenant,
    async (tx) => {
      await tx.runs.lock(id);
      const raced = await tx.runs.findRedrive(id);
      const made = raced ?? (await insertRun(tx, caller, definition, { ...run, redriveOf: id }));
      return ok(ports.shown.summary(runSummary(made)));
    },
    { isRepeatable: true },
  );
}

async function look(tx: StoreTx, id: RunId): Promise<Result<Found, Refusal>> {
  const dead = await tx.runs.find(id);
  if (dead === null) return err({ code: "run_not_found", detail: "There is no run with this id." });
  if (dead.state !== "dead_lettered")
    return err({ code: "run_not_dead_lettered", detail: `The run is ${dead.state.replaceAll("_", " ")}.` });
  if (dead.driver === "external")
    return err({
      code: "run_driven",
      detail: "Whoever drove the run knows how to go on, and nobody here does.",
    });
  const redriven = await tx.runs.findRedrive(id);
  return ok({ dead, redriven, standing: await standingOf(tx, id) });
}

const UNREADABLE = "Its journal cannot be read, so nobody knows what it did. Look at its tools, then say so.";

async function standingOf(tx: StoreTx, id: RunId): Promise<string | null> {
  try {
    const left = leftOf(await tx.steps.list(id));
    if (left.length === 0) return null;
    const steps = left.map(({ seq, tool }) => `step ${seq} (${tool})`).join(", ");
    return `What it did was not taken back: ${steps}. The new run may do it again.`;
  } catch (error) {
    if (error instanceof AssertionFailed) return UNREADABLE;
    throw error;
  }
}

// Whoever ended it recorded what stands, if anything does (services/end-run.ts).
function leftOf(journal: Journal): readonly LeftEffect[] {
  const rollback = journal.find((step) => isRollbackStep(step));
  if (rollback === undefined || !isRollbackStep(rollback)) return [];
  return (rollback.outcome ?? rollbackOutcome(journal, rollback)).left;
}
