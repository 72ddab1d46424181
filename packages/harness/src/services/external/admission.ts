// Takes a driven run in: queued and running in one transaction, since no worker is waited for.

import {
  EXTERNAL_AGENT,
  EXTERNAL_MODEL,
  type ExternalRunRequest,
  idFromUuid,
  type RunSummary,
  type WireManifest,
} from "@assent/contract";
import { digestOf } from "../../base/digest.ts";
import { err, ok, type Result } from "../../base/result.ts";
import {
  definitionDigest,
  type ExternalDefinition,
  type ExternalTool,
  pinOwnTool,
  pinTool,
} from "../../core/external.ts";
import { createOriginIndex } from "../../core/label/origins.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { Caller, NewRun, RunRecord, StoreTx, Tools } from "../../ports.ts";
import { locationOf, runAt, SUBMIT_ROUTE } from "../admission.ts";
import { commit } from "../commit.ts";
import type { Refusal, Submission } from "../harness.ts";
import { once } from "../once.ts";
import { runSummary } from "../views.ts";
import type { ExternalPorts } from "./drive.ts";
import { compileInputSchema } from "./input-schema.ts";
import type { Memory } from "./memory.ts";
import { type DrivenRun, openDrivenRun } from "./state.ts";

type Ports = Pick<
  ExternalPorts,
  "store" | "clock" | "random" | "shown" | "telemetry" | "tools" | "answerSeal"
> & { readonly memory: Pick<Memory, "put"> };

export async function submitExternalRun(
  ports: Ports,
  caller: Caller,
  request: ExternalRunRequest,
  key: string,
): Promise<Result<Submission, Refusal>> {
  const begun: { state: DrivenRun | null } = { state: null };
  const { answer, replayed } = await once(
    ports,
    caller,
    { route: SUBMIT_ROUTE, key, body: request, status: 202, secret: false, locationOf },
    async (store) =>
      await store.transaction(caller.tenant, async (tx) => {
        begun.state = null;
        const admitted = await admit(ports, caller, request, tx);
        if (!admitted.ok) return admitted;
        begun.state = admitted.value.state;
        return ok(admitted.value.summary);
      }),
  );
  if (!answer.ok) return answer;
  // Its driver comes back to whoever took the run in, mostly at once.
  if (!replayed && begun.state !== null) ports.memory.put(caller.tenant, begun.state);
  const { body, location } = answer.value;
  return ok({ body, runId: runAt(location), replayed });
}

async function admit(
  ports: Ports,
  caller: Caller,
  request: ExternalRunRequest,
  tx: StoreTx,
): Promise<Result<{ readonly summary: RunSummary; readonly state: DrivenRun }, Refusal>> {
  const now = ports.clock.now();
  const pinned = pinTools(ports.tools, request);
  if (!pinned.ok) return pinned;
  const definition: ExternalDefinition = {
    v: 1,
    system: request.system ?? null,
    approver: request.approver,
    tools: pinned.value,
    ...(request.handles === undefined || request.handles.length === 0 ? {} : { handles: request.handles }),
  };
  const run: NewRun = {
    id: idFromUuid("run", uuidV7(now, ports.random.bytes(10))),
    driver: "external",
    agent: EXTERNAL_AGENT,
    agentVersion: definitionDigest(definition),
    task: request.task,
    workspace: null,
    model: EXTERNAL_MODEL,
    labels: request.labels ?? {},
    requestedBy: caller.actor,
    traceparent: ports.telemetry.traceparent(),
    createdAt: now,
  };
  const started = await begin(tx, caller, definition, run);
  return ok({
    summary: ports.shown.summary(runSummary(started)),
    // As whoever reads it back has it, not as it was sent.
    state: openDrivenRun(createOriginIndex(), structuredClone(definition), started, []),
  });
}

type Fault = { readonly pointer: string; readonly detail: string };

const refused = (detail: string, errors: readonly Fault[]): Result<never, Refusal> =>
  err({ code: "invalid_request", detail, errors });

function pinTools(
  tools: Pick<Tools, "get">,
  request: ExternalRunRequest,
): Result<readonly ExternalTool[], Refusal> {
  const taken = request.tools.map((manifest, index) => pinOne(tools, manifest, `#/tools/${index}`));
  const faults = taken.flatMap((one) => (one.ok ? [] : [one.error]));
  if (faults.length > 0) return refused("A tool cannot be taken back as it says.", faults);
  const pinned = taken.flatMap((one) => (one.ok ? [one.value] : []));
  const errors = pinned.flatMap(({ inputSchema }, index) => {
    const compiled = compileInputSchema(inputSchema);
    return compiled.ok ? [] : [{ pointer: `#/tools/${index}/input_schema`, detail: compiled.error }];
  });
  if (errors.length > 0) return refused("A tool's schema cannot be used.", errors);
  // A misspelt name would leave a result in the model's sight that somebody believes is kept from it.
  const unknown = (request.handles ?? []).flatMap((name, index) =>
    pinned.some((tool) => tool.name === name)
      ? []
      : [{ pointer: `#/handles/${index}`, detail: "names a tool that the run does not have" }],
  );
  return unknown.length === 0 ? ok(pinned) : refused("`handles` names tools of this run.", unknown);
}

function pinOne(
  tools: Pick<Tools, "get">,
  manifest: WireManifest,
  place: string,
): Result<ExternalTool, Fault> {
  if (manifest.compensation?.by !== "harness") return ok(pinTool(manifest));
  const given = Object.keys(manifest).find((field) => field !== "name" && field !== "compensation");
  if (given !== undefined)
    return err({
      pointer: `${place}/${given}`,
      detail: "the manifest of the harness's own tool counts; leave this out",
    });
  const own = tools.get(manifest.name);
  const pinned = own?.compensate === undefined || own.scope === "workspace" ? null : pinOwnTool(own);
  return pinned === null
    ? err({
        pointer: `${place}/compensation`,
        detail: "the harness has no tool of this name that can take a call back",
      })
    : ok(pinned);
}

async function begin(
  tx: StoreTx,
  caller: Caller,
  definition: ExternalDefinition,
  run: NewRun,
): Promise<RunRecord> {
  await tx.externalDefinitions.put(run.agentVersion, definition);
  const inserted = await tx.runs.insert(run, null);
  await tx.audit.append([
    {
      run: run.id,
      version: 1,
      at: run.createdAt,
      kind: "run_queued",
      actor: caller.actor,
      data: {
        state: "queued",
        driver: run.driver,
        agent: run.agent,
        agent_version: run.agentVersion,
        model: run.model,
        approver: definition.approver,
        task_digest: digestOf("task", run.task),
        key_id: caller.key,
      },
    },
  ]);
  const started = await commit(
    tx,
    { run: inserted, journal: [] },
    [{ write: "run_moved", event: "leased", reason: null }],
    { now: run.createdAt, actor: caller.actor },
  );
  return started.run;
}
