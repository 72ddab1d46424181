// Takes a request for a run in: one statement holds the idempotency key, the run, which is its own queue message, and
// its first event, so that there is never one of them without the others (invariants 1 and 6).

import { idFromUuid, type RunId, type RunRequest } from "@assent/contract";
import { digestOf } from "../base/digest.ts";
import { err, ok, type Result } from "../base/result.ts";
import { type AgentDefinition, agentVersion, isModelAllowed } from "../core/agent.ts";
import { newRun } from "../core/run/new-run.ts";
import { uuidV7 } from "../core/uuid.ts";
import type {
  Caller,
  Clock,
  IdempotencyKey,
  IdempotencyRecord,
  Models,
  NewAuditEvent,
  NewRun,
  Random,
  RunRecord,
  Store,
  StoreTx,
  Telemetry,
  Workspaces,
} from "../ports.ts";
import type { Capacity } from "./capacity.ts";
import type { Refusal, Submission } from "./harness.ts";
import { fingerprintOf, keyOf, REUSED } from "./kept-answer.ts";
import type { Shown } from "./shown.ts";
import { runSummary } from "./views.ts";

export type AdmissionPorts = {
  readonly store: Store;
  readonly models: Models;
  readonly workspaces: Workspaces;
  /** Names of the workspaces that runs may be given. */
  readonly workspaceNames: readonly string[];
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  readonly clock: Clock;
  readonly random: Random;
  readonly shown: Shown;
  readonly telemetry: Telemetry;
  readonly capacity: Capacity;
};

export const SUBMIT_ROUTE = "POST /api/harness/run";

export async function submitRun(
  ports: AdmissionPorts,
  caller: Caller,
  request: RunRequest,
  key: string,
): Promise<Result<Submission, Refusal>> {
  const now = ports.clock.now();
  const idempotencyKey = keyOf(caller, { route: SUBMIT_ROUTE, key }, now);
  const fingerprint = fingerprintOf({ route: SUBMIT_ROUTE, body: request });
  const planned = await planRun(ports, caller, request, now);
  const full = planned.ok ? await ports.capacity.takeRoom(caller.tenant) : null;
  // A repeat gets the first answer, also when the agent or the workspace it named has gone since, or no room is left.
  if (!planned.ok) return (await answerBefore(ports, caller, idempotencyKey, fingerprint, now)) ?? planned;
  if (full !== null)
    return (await answerBefore(ports, caller, idempotencyKey, fingerprint, now)) ?? err(full);
  const { definition, run } = planned.value;
  const body = JSON.stringify(ports.shown.summary(runSummary({ ...newRun(run), tenant: caller.tenant })));
  // A commit whose outcome is unknown: the key tells, and the answer is the first one.
  const earlier = await ports.store.submit({
    tenant: caller.tenant,
    key: idempotencyKey,
    answer: { fingerprint, status: 202, location: locationOf(run), body },
    run,
    definition,
    event: queuedEvent(caller, run),
  });
  return earlier === null ? ok({ body, runId: run.id, replayed: false }) : replay(earlier, fingerprint);
}

async function answerBefore(
  { store }: AdmissionPorts,
  { tenant }: Caller,
  key: IdempotencyKey,
  fingerprint: string,
  now: Date,
): Promise<Result<Submission, Refusal> | null> {
  const earlier = await store.transaction(tenant, async (tx) => await tx.idempotency.find(key, now), {
    isRepeatable: true,
  });
  return earlier === null ? null : replay(earlier, fingerprint);
}

/** Where a run is found. */
export const locationOf = ({ id }: { readonly id: RunId }): string => `/api/harness/runs/${id}`;

/** @param location of the run that was made, as its answer was kept with it */
export const runAt = (location: string | null): RunId => idFromUuid("run", (location ?? "").slice(-32));

function replay(record: IdempotencyRecord, fingerprint: string): Result<Submission, Refusal> {
  if (record.fingerprint !== fingerprint) return err(REUSED);
  return ok({ body: record.body, runId: runAt(record.location), replayed: true });
}

type PlannedRun = { readonly definition: AgentDefinition; readonly run: NewRun };

export async function planRun(
  ports: AdmissionPorts,
  caller: Caller,
  request: RunRequest,
  now: Date,
): Promise<Result<PlannedRun, Refusal>> {
  const definition = ports.agents.get(request.agent);
  if (definition === undefined)
    return err({
      code: "agent_unknown",
      detail: `There is no agent of that name. There are: ${names(ports.agents.keys())}.`,
    });
  const model = chooseModel(ports, definition, request.model);
  if (!model.ok) return model;
  const workspace = await chooseWorkspace(ports, definition, request.workspace);
  if (!workspace.ok) return workspace;
  return ok({
    definition,
    run: {
      id: idFromUuid("run", uuidV7(now, ports.random.bytes(10))),
      driver: "assent",
      agent: definition.name,
      agentVersion: agentVersion(definition),
      task: request.task,
      workspace: workspace.value,
      model: model.value,
      labels: request.labels ?? {},
      requestedBy: caller.actor,
      traceparent: ports.telemetry.traceparent(),
      createdAt: now,
    },
  });
}

function chooseModel(
  { models }: AdmissionPorts,
  definition: AgentDefinition,
  asked: string | undefined,
): Result<string, Refusal> {
  const model = asked ?? definition.models[0] ?? "";
  if (!isModelAllowed(definition, model))
    return err({
      code: "model_not_allowed",
      detail: `The agent ${definition.name} may use: ${definition.models.join(", ")}.`,
    });
  const callable = models.check(model);
  return callable.ok ? ok(model) : err({ code: "model_not_allowed", detail: callable.error });
}

const invalid = (detail: string): Result<never, Refusal> =>
  err({ code: "invalid_request", detail, errors: [{ pointer: "#/workspace", detail }] });

async function chooseWorkspace(
  ports: AdmissionPorts,
  definition: AgentDefinition,
  asked: string | undefined,
): Promise<Result<NewRun["workspace"], Refusal>> {
  if (definition.workspace === "none")
    return asked === undefined
      ? ok(null)
      : invalid(`The agent ${definition.name} works without a workspace.`);
  if (asked === undefined)
    return invalid(
      `The agent ${definition.name} needs a workspace. There are: ${names(ports.workspaceNames)}.`,
    );
  if (!ports.workspaceNames.includes(asked))
    return err({
      code: "workspace_unknown",
      detail: `There is no workspace of that name. There are: ${names(ports.workspaceNames)}.`,
    });
  const resolved = await ports.workspaces.resolve(asked);
  if (!resolved.ok) return invalid(resolved.error.detail);
  return ok({ name: asked, commit: resolved.value.commit });
}

const names = (all: Iterable<string>): string => [...all].join(", ") || "none";

export async function insertRun(
  tx: StoreTx,
  caller: Caller,
  definition: AgentDefinition,
  run: NewRun,
): Promise<RunRecord> {
  const inserted = await tx.runs.insert(run, definition);
  await tx.audit.append([queuedEvent(caller, run)]);
  return inserted;
}

const queuedEvent = (caller: Caller, run: NewRun): NewAuditEvent => ({
  run: run.id,
  version: 1,
  at: run.createdAt,
  kind: "run_queued",
  actor: caller.actor,
  data: {
    state: "queued",
    agent: run.agent,
    agent_version: run.agentVersion,
    model: run.model,
    task_digest: digestOf("task", run.task),
    key_id: caller.key,
    ...(run.redriveOf === undefined ? {} : { redrive_of: run.redriveOf }),
    ...(run.workspace === null
      ? {}
      : { workspace: run.workspace.name, workspace_commit: run.workspace.commit }),
  },
});
