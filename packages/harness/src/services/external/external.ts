// Driven runs as the edges see them.

import type {
  ActionAnswer,
  ActionId,
  ExternalRunRequest,
  FinishRequest,
  PlanRequest,
  ProposedAction,
  ResultRequest,
  RunId,
} from "@assent/contract";
import type { Result } from "../../base/result.ts";
import { err } from "../../base/result.ts";
import { isTerminal } from "../../core/run/run.ts";
import type { Caller } from "../../ports.ts";
import type { EventWatch } from "../event-watch.ts";
import type { Refusal, Submission } from "../harness.ts";
import { submitExternalRun } from "./admission.ts";
import { drive, type Driven, type DrivePorts, type ExternalPorts, isDriver, RUN_NOT_FOUND } from "./drive.ts";
import { finishRun, storeAnswer } from "./finish.ts";
import { createMemory } from "./memory.ts";
import { proposePlan } from "./plan.ts";
import { proposeAction } from "./propose.ts";
import { type ActionRead, readAction } from "./read-action.ts";
import { reportResult } from "./report.ts";

/** Who sends it, about which run, and under which idempotency key (null: it may be repeated at the sender's risk). */
export type DriverCall = { readonly caller: Caller; readonly run: RunId; readonly key: string | null };

type Answered = Promise<Result<Driven, Refusal>>;

export type ExternalRuns = {
  submit(caller: Caller, request: ExternalRunRequest, key: string): Promise<Result<Submission, Refusal>>;
  plan(call: DriverCall, body: PlanRequest): Answered;
  act(call: DriverCall, body: ProposedAction): Answered;
  read(read: ActionRead): Promise<Result<ActionAnswer, Refusal>>;
  report(call: DriverCall, action: ActionId, body: ResultRequest): Answered;
  finish(call: DriverCall, body: FinishRequest): Answered;
};

export function createExternalRuns(external: ExternalPorts, watch: EventWatch): ExternalRuns {
  const ports: DrivePorts = { ...external, memory: createMemory(), watch };
  const waits = { open: 0 };
  return {
    submit: async (caller, request, key) => await submitExternalRun(ports, caller, request, key),
    plan: async (call, body) =>
      await drive(ports, of(call, "plan", body), async (hold) => await proposePlan(hold, body)),
    act: async (call, body) =>
      await drive(ports, of(call, "actions", body), async (hold) => await proposeAction(hold, body)),
    read: async (read) => await readAction(ports, waits, read),
    report: async (call, action, body) =>
      await drive(
        ports,
        of(call, `actions/${action}/result`, body),
        async (hold) => await reportResult(hold, action, body),
      ),
    finish: async (call, body) => await finish(ports, call, body),
  };
}

const of = (call: DriverCall, path: string, body: unknown): Parameters<typeof drive>[1] => ({
  ...call,
  route: `POST /api/harness/runs/${call.run}/${path}`,
  body,
});

// The file comes before the transaction that names it, and no file for whoever may not end the run.
async function finish(ports: DrivePorts, call: DriverCall, body: FinishRequest): Answered {
  const run = await ports.store.transaction(call.caller.tenant, async (tx) => await tx.runs.find(call.run));
  if (!isDriver(run, call.caller)) return err(RUN_NOT_FOUND);
  const answer = isTerminal(run.state) ? null : await storeAnswer(ports.files, body);
  return await drive(ports, of(call, "finish", body), async (hold) => await finishRun(hold, body, answer));
}
