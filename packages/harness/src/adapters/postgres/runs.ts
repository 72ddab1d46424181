import { idFromUuid, type RunId, type RunState, type TenantId, uuidOf } from "@assent/contract";
import type {
  Fence,
  NewAuditEvent,
  NewRun,
  RunQuery,
  RunRecord,
  StoreTx,
  WholeRun,
  WorkerId,
} from "../../ports.ts";
import type { AgentDefinition } from "../../core/agent.ts";
import { newRun } from "../../core/run/new-run.ts";
import { eventDigest } from "../../core/audit/event.ts";
import { type ApprovalJson, approvalFromJson } from "./approvals.ts";
import { toWire } from "./audit.ts";
import { MESSAGE_VERSION } from "./message-version.ts";
import { GOOD, goodValues } from "./keys.ts";
import { writeHeld } from "./held-writes.ts";
import { unlessTaken, writeCall } from "./run-writes.ts";
import { digestFromBytes, digestToBytes, only, type Scope } from "./rows.ts";
import { type JournalJson, journalFromJson } from "./steps.ts";

type RunRow = {
  id: string;
  driver: "assent" | "external";
  state: RunState;
  version: number;
  agent: string;
  agent_version: Buffer;
  task: string;
  workspace_name: string | null;
  workspace_commit: string | null;
  model: string;
  labels: Record<string, string>;
  requested_by: string;
  requester_kind: "human" | "service" | "agent";
  requester_name: string;
  reason_code: string | null;
  reason_detail: string | null;
  answer: string | null;
  attempt: number;
  fencing_token: string;
  created_at: Date;
  updated_at: Date;
  finished_at: Date | null;
  redrive_of: string | null;
  traceparent: string | null;
};

const SELECT = `
  select r.id, r.driver, r.state, r.version, r.agent, r.agent_version, r.task, r.workspace_name, r.workspace_commit, r.model,
         r.labels, r.requested_by, p.kind as requester_kind, p.name as requester_name, r.reason_code, r.reason_detail,
         r.answer, r.attempt, r.fencing_token, r.created_at, r.updated_at, r.finished_at, r.redrive_of, r.traceparent
  from assent.runs r
  join assent.principals p on p.tenant_id = r.tenant_id and p.id = r.requested_by
  where r.tenant_id = $1`;

function toRecord(tenant: TenantId, row: RunRow): RunRecord {
  return {
    tenant,
    id: idFromUuid("run", row.id),
    driver: row.driver,
    state: row.state,
    version: row.version,
    agent: row.agent,
    agentVersion: digestFromBytes(row.agent_version),
    task: row.task,
    workspace:
      row.workspace_name === null || row.workspace_commit === null
        ? null
        : { name: row.workspace_name, commit: row.workspace_commit },
    model: row.model,
    labels: row.labels,
    requestedBy: {
      id: idFromUuid("prn", row.requested_by),
      kind: row.requester_kind,
      name: row.requester_name,
    },
    reason: row.reason_code === null ? null : { code: row.reason_code, detail: row.reason_detail ?? "" },
    answer: row.answer,
    attempt: row.attempt,
    fencingToken: Number(row.fencing_token),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
    redriveOf: row.redrive_of === null ? null : idFromUuid("run", row.redrive_of),
    traceparent: row.traceparent,
  };
}

export type WholeRow = {
  readonly run: Omit<RunRow, "agent_version" | "created_at" | "updated_at" | "finished_at"> & {
    readonly agent_version: string;
    readonly created_at: string;
    readonly updated_at: string;
    readonly finished_at: string | null;
  };
  readonly journal: JournalJson | null;
  readonly approval: ApprovalJson | null;
};

export const toWhole = (tenant: TenantId, { run, journal, approval }: WholeRow): WholeRun => ({
  run: toRecord(tenant, {
    ...run,
    agent_version: Buffer.from(run.agent_version, "hex"),
    created_at: new Date(run.created_at),
    updated_at: new Date(run.updated_at),
    finished_at: run.finished_at === null ? null : new Date(run.finished_at),
  }),
  journal: journalFromJson(journal),
  approval: approval === null ? null : approvalFromJson(approval),
});

type Told = {
  /** Of each run of ours that is queued, and from when on it may be taken. */
  readonly onQueued: (wakeAt: Date) => void;
  readonly onCallOff: (run: RunId) => void;
};

export function runRows(
  tenantId: TenantId,
  { query, tenant }: Scope,
  { onQueued, onCallOff }: Told,
): StoreTx["runs"] {
  const one = async (condition: string, values: readonly unknown[]): Promise<RunRecord | null> => {
    const [row] = await query<RunRow>(`${SELECT} and ${condition}`, [tenant, ...values]);
    return row === undefined ? null : toRecord(tenantId, row);
  };
  const find = async (id: RunId): Promise<RunRecord | null> => await one("r.id = $2", [uuidOf(id)]);
  const whole = async (run: string | null, approval: string | null): Promise<WholeRun | null> => {
    const [row] = await query<WholeRow>("select * from assent.whole_run($1, $2)", [run, approval]);
    return row === undefined ? null : toWhole(tenantId, row);
  };
  return {
    find,
    findRedrive: async (deadLetter) => await one("r.redrive_of = $2", [uuidOf(deadLetter)]),
    async insert(run, definition): Promise<RunRecord> {
      await insertRun({ query, tenant }, run, definition);
      if (run.driver === "assent") onQueued(run.createdAt);
      return { ...newRun(run), tenant: tenantId };
    },
    lockWhole: async (id) => await whole(uuidOf(id), null),
    async lockOfApproval(id) {
      const found = await whole(null, uuidOf(id));
      return found?.approval == null ? null : { ...found, approval: found.approval };
    },
    lock: async (id) => await one("r.id = $2 for no key update of r", [uuidOf(id)]),
    lockFenced: async (fence: Fence) =>
      await one("r.id = $2 and r.state = 'running' and r.fencing_token = $3 for no key update of r", [
        uuidOf(fence.run),
        fence.token,
      ]),
    list: async (list) => await listRuns(tenantId, { query, tenant }, list),
    ...runWriting({ query, tenant }, onQueued),
    ...ofLease({ query, tenant }, onQueued),
    async lease(worker: WorkerId, until: Date, event: NewAuditEvent): Promise<number> {
      const row = only(
        await query<{ token: string }>("select assent.lease_run($1, $2, $3, $4, $5, $6, $7) as token", [
          uuidOf(event.run),
          worker,
          event.at,
          until,
          event.version,
          JSON.stringify(event.data),
          digestToBytes(eventDigest(toWire(event))),
        ]),
      );
      return Number(row.token);
    },
    async versions(ids: readonly RunId[]): Promise<ReadonlyMap<RunId, number>> {
      const rows = await query<{ id: string; version: number }>(
        "select id, version from assent.runs where tenant_id = $1 and id = any ($2::uuid[])",
        [tenant, ids.map(uuidOf)],
      );
      return new Map(rows.map((row) => [idFromUuid("run", row.id), row.version]));
    },
    callOff: onCallOff,
  };
}

// What whoever has, or had, a lease may change of a run without an event.
function ofLease(
  { query, tenant }: Scope,
  onQueued: (wakeAt: Date) => void,
): Pick<StoreTx["runs"], "renew" | "wake"> {
  return {
    async renew(fence: Fence, until: Date): Promise<boolean> {
      const rows = await query<{ id: string }>(
        `update assent.runs set lease_until = $4
         where tenant_id = $1 and id = $2 and fencing_token = $3 and state = 'running' returning id`,
        [tenant, uuidOf(fence.run), fence.token, until],
      );
      return rows.length === 1;
    },
    async wake(fence: Fence, at: Date): Promise<void> {
      const rows = await query<{ id: string }>(
        `update assent.runs set wake_at = $4
         where tenant_id = $1 and id = $2 and fencing_token = $3 and state = 'queued' and wake_at > $4 returning id`,
        [tenant, uuidOf(fence.run), fence.token, at],
      );
      if (rows.length === 1) onQueued(at);
    },
  };
}

function runWriting(
  { query, tenant }: Scope,
  onQueued: (wakeAt: Date) => void,
): Pick<StoreTx["runs"], "write" | "writeFor" | "writeHeld"> {
  return {
    async write(writes): Promise<void> {
      const { text, values } = writeCall(writes, 1);
      await unlessTaken(async () => await query(`select ${text}`, values));
      if (writes.change.wakeAt !== null) onQueued(writes.change.wakeAt);
    },
    async writeFor(caller, at, writes): Promise<boolean> {
      const held = goodValues(tenant, caller, at);
      const { text, values } = writeCall(writes, held.length + 1);
      const { written } = only(
        await unlessTaken(
          async () =>
            await query<{ written: boolean | null }>(`select case when ${GOOD} then ${text} end as written`, [
              ...held,
              ...values,
            ]),
        ),
      );
      if (written !== null && writes.change.wakeAt !== null) onQueued(writes.change.wakeAt);
      return written !== null;
    },
    async writeHeld(fence, version, writes): Promise<boolean> {
      const written = await writeHeld(query, fence, version, writes);
      if (written && writes.change.wakeAt !== null) onQueued(writes.change.wakeAt);
      return written;
    },
  };
}

async function insertRun(
  { query, tenant }: Scope,
  run: NewRun,
  definition: AgentDefinition | null,
): Promise<void> {
  await query(
    `with kept as (
       insert into assent.agent_versions (tenant_id, digest, definition)
       select $1, $4::bytea, $16::json where $16::json is not null on conflict do nothing)
     insert into assent.runs (tenant_id, id, state, version, agent, agent_version, task, workspace_name,
       workspace_commit, model, labels, requested_by, wake_at, created_at, updated_at, driver, message_version, redrive_of, traceparent)
     values ($1, $2, 'queued', 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11, $12, $13, $14, $15)`,
    [
      tenant,
      uuidOf(run.id),
      run.agent,
      digestToBytes(run.agentVersion),
      run.task,
      run.workspace?.name ?? null,
      run.workspace?.commit ?? null,
      run.model,
      JSON.stringify(run.labels),
      uuidOf(run.requestedBy.id),
      run.createdAt,
      run.driver,
      MESSAGE_VERSION,
      run.redriveOf === undefined ? null : uuidOf(run.redriveOf),
      run.traceparent,
      definition === null ? null : JSON.stringify(definition),
    ],
  );
}

// Keyset pagination: cost does not grow with the number of the page, and no row is skipped or shown twice.
async function listRuns(
  tenantId: TenantId,
  { query, tenant }: Scope,
  list: RunQuery,
): Promise<readonly RunRecord[]> {
  const rows = await query<RunRow>(
    // True of every run: without it the index would be of no use here, as it is to be of none elsewhere (migration 0043).
    `${SELECT}
       and r.driver in ('assent', 'external')
       and ($2::text[] is null or r.state = any ($2))
       and ($3::text is null or r.agent = $3)
       and ($4::text is null or r.labels ->> $4 = $5)
       and ($6::timestamptz is null or (r.created_at, r.id) < ($6, $7::uuid))
     order by r.created_at desc, r.id desc limit $8`,
    [
      tenant,
      list.states,
      list.agent,
      list.label?.name ?? null,
      list.label?.value ?? null,
      list.before?.createdAt ?? null,
      list.before === null ? null : uuidOf(list.before.id),
      list.limit,
    ],
  );
  return rows.map((row) => toRecord(tenantId, row));
}
