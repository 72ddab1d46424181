// Driven runs as the edges see them.

import { EXTERNAL_WAITS_MAX } from "../../base/limits.ts";
import { isTerminal } from "../../core/run/run.ts";
import type { EventWatch } from "../event-watch.ts";
import type { DriverCall, ExternalRuns, Once } from "../harness.ts";
import { nextCompensation, reportCompensation } from "./compensations.ts";
import { drive, type DrivePorts, type ExternalPorts, isDriver } from "./drive.ts";
import { finishRun, storeAnswer } from "./finish.ts";
import type { Memory } from "./memory.ts";
import { proposePlan } from "./plan.ts";
import { proposeAction } from "./propose.ts";
import { readAction, unlessEnded } from "./read-action.ts";
import { reportResult } from "./report.ts";
import { tellModelCalls, tellResult } from "./told.ts";
import { createWaits, type Waits } from "./waits.ts";

export function createExternalRuns(
  external: ExternalPorts,
  watch: EventWatch,
  memory: Memory,
  waits: Waits = createWaits(EXTERNAL_WAITS_MAX),
): ExternalRuns {
  const ports: DrivePorts = { ...external, memory, watch };
  return {
    plan: async (call, body) =>
      await drive(ports, of(call, "plan", body), async (hold) => await proposePlan(hold, body)),
    act: async (call, body) =>
      await unlessEnded(
        ports,
        call,
        await drive(
          ports,
          of(call, "actions", body),
          async (hold) => await proposeAction(hold, body),
          (hold) => {
            tellModelCalls(hold, body.model_calls ?? []);
          },
        ),
      ),
    read: async (read) => await readAction(ports, waits, read),
    report: async (call, action, body) =>
      await drive(
        ports,
        of(call, `actions/${action}/result`, body),
        async (hold) => await reportResult(hold, action, body),
        (hold) => {
          tellResult(hold, action);
        },
      ),
    finish: async (call, body) => await finish(ports, call, body),
    nextCompensation: async (call) =>
      await drive(ports, of(call, "compensations", {}), nextCompensation, undefined, () => null),
    reportCompensation: async (call, action, body) =>
      await drive(
        ports,
        of(call, `compensations/${action}/result`, body),
        async (hold) => await reportCompensation(hold, action, body),
        undefined,
        () => null,
      ),
  };
}

const of = (call: DriverCall, path: string, body: unknown): Parameters<typeof drive>[1] => ({
  ...call,
  route: `POST /api/harness/runs/${call.run}/${path}`,
  body,
});

// The file comes before the transaction that names it, and no file for whoever may not end the run.
async function finish(
  ports: DrivePorts,
  call: DriverCall,
  body: Parameters<ExternalRuns["finish"]>[1],
): Promise<Once> {
  const answer = (await mayEnd(ports, call)) ? await storeAnswer(ports, body) : null;
  return await drive(
    ports,
    of(call, "finish", body),
    async (hold) => await finishRun(hold, body, answer),
    (hold) => {
      tellModelCalls(hold, body.model_calls ?? []);
    },
  );
}

async function mayEnd(ports: DrivePorts, { caller, run: id }: DriverCall): Promise<boolean> {
  const known = ports.memory.peek(caller.tenant, id);
  // It may have ended since: then the file is one that no run comes to name.
  if (known !== null) return known.driver === caller.actor.id;
  const run = await ports.store.transaction(caller.tenant, async (tx) => await tx.runs.find(id));
  return isDriver(run, caller) && !isTerminal(run.state);
}
