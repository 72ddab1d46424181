import { idFromUuid, type TenantId } from "@assent/contract";
import {
  type EscalationFilter,
  EscalationRecord,
  HarmonyError,
  type HarmonyStore,
  parseTimestamp,
  recur,
  type Recorded,
} from "@assent/harmony";
import type { Query, Scope } from "../rows.ts";
import { idBytes } from "./ids.ts";
import { type InTenant, LIMIT_MAX } from "./scope.ts";
import {
  addSighting,
  later,
  SIGHTINGS_MAX,
  type Sightings,
  takeSightings,
  WITH_SIGHTINGS,
} from "./sightings.ts";

type EscalationRow = Sightings & { readonly record: unknown };

type EscalationPart = Pick<
  HarmonyStore,
  "recordEscalation" | "loadEscalation" | "listEscalations" | "resolveEscalation" | "markEscalations"
>;

/** The limit of the files holds here too: a record that one store takes, the other does. */
const ESCALATION_SIZE_BYTES_MAX = 16_384;

export function escalationPart(inTenant: InTenant): EscalationPart {
  return {
    recordEscalation: async (record) =>
      await inTenant(async (scope) => await recordEscalation(scope, record)),
    loadEscalation: async (id) => await inTenant(async (scope) => await load(scope, id)),
    listEscalations: async (filter = {}) =>
      await inTenant(async (scope) => await listEscalations(scope, filter)),
    resolveEscalation: async (id, resolutionId, actor, at) => {
      const resolution = `sha256:${idBytes(resolutionId, "resolution_id").toString("hex")}`;
      return await inTenant(async (scope) => {
        const stored = await lock(scope, idBytes(id, "escalation_id"), "wait");
        if (stored === null) return false;
        if (stored.status === "resolved")
          throw new HarmonyError("already_resolved", `escalation ${id} is already resolved`, {
            record: stored,
          });
        await write(
          scope,
          stored.with({
            status: "resolved",
            resolutionId: resolution,
            resolvedBy: actor,
            resolvedAt: parseTimestamp(at),
          }),
        );
        return true;
      });
    },
    markEscalations: async (resolutionId, at) =>
      await inTenant(async (scope) => await mark(scope, resolutionId, at)),
  };
}

// Said or left out, not compared with null: else a plan that is kept would have to read all that there are.
async function listEscalations(
  { query, tenant }: Scope,
  { status, patternId, limit }: EscalationFilter,
): Promise<readonly EscalationRecord[]> {
  const values: unknown[] = [tenant, limit ?? LIMIT_MAX];
  const also = (column: string, value: unknown): string =>
    value === undefined ? "" : ` and r.${column} = $${values.push(value)}`;
  // What is true of all lets the list of all be used; a question's own are found by the question.
  const which =
    patternId === undefined
      ? " and r.escalated_at >= '-infinity'"
      : also("pattern_id", idBytes(patternId, "pattern_id"));
  const rows = await query<EscalationRow>(
    `select r.record, s.* from assent.harmony_escalations r ${WITH_SIGHTINGS}
     where r.tenant_id = $1${which}${also("status", status)} order by r.escalated_at desc, r.id limit $2`,
    values,
  );
  return rows.map((row) => escalationFrom(row.record, row));
}

async function load({ query, tenant }: Scope, id: string): Promise<EscalationRecord | null> {
  const [row] = await query<EscalationRow>(
    `select r.record, s.* from assent.harmony_escalations r ${WITH_SIGHTINGS} where r.tenant_id = $1 and r.id = $2`,
    [tenant, idBytes(id, "escalation_id")],
  );
  return row === undefined ? null : escalationFrom(row.record, row);
}

/** From its row. */
export const escalationFrom = (record: unknown, seen: Sightings): EscalationRecord =>
  seenEscalation(EscalationRecord.fromJSON(record), seen);

/** As often as its record counts it, and as often as it was seen since. */
function seenEscalation(stored: EscalationRecord, { sightings, sighted_at }: Sightings): EscalationRecord {
  if (sightings === 0) return stored;
  return stored.with({
    seenCount: stored.seenCount + sightings,
    lastSeenAt: parseTimestamp(later(stored.lastSeenAt, sighted_at)),
  });
}

/** To be written next: what was counted beside the record is taken into it. */
async function lock(scope: Scope, id: Buffer, busy: "wait" | "leave it"): Promise<EscalationRecord | null> {
  const [row] = await scope.query<{ record: unknown }>(
    `select record from assent.harmony_escalations where tenant_id = $1 and id = $2
     for update${busy === "wait" ? "" : " skip locked"}`,
    [scope.tenant, id],
  );
  if (row === undefined) return null;
  return seenEscalation(EscalationRecord.fromJSON(row.record), await takeSightings(scope, id));
}

export const encodeEscalation = (record: EscalationRecord): string => {
  const text = JSON.stringify(record);
  if (Buffer.byteLength(text) > ESCALATION_SIZE_BYTES_MAX)
    throw new HarmonyError("too_large", `an escalation has at most ${ESCALATION_SIZE_BYTES_MAX} bytes`);
  return text;
};

// Each occurrence has its number in a unique key: of many who open the same one, one inserts and the others look again.
async function recordEscalation(scope: Scope, incoming: EscalationRecord): Promise<Recorded> {
  if (incoming.status !== "open") throw new HarmonyError("invalid_record", "an escalation is recorded open");
  for (;;) {
    const row = await newestRow(scope, incoming.firstId);
    if (row === undefined) {
      if (await insert(scope, incoming)) return { opened: true, record: incoming };
      continue;
    }
    const newest = escalationFrom(row.record, row);
    const recurrence = recur(newest, incoming);
    if (recurrence.kind === "seen_already") return { opened: false, record: newest };
    if (recurrence.kind === "counted") {
      await count(scope, recurrence.next, row);
      return { opened: false, record: recurrence.next };
    }
    if (await insert(scope, recurrence.next)) return { opened: true, record: recurrence.next };
  }
}

// Without a lock: whoever is asked may decide it at this moment, and then this was seen just before that.
async function count(
  scope: Scope,
  { escalationId, lastSeenAt }: EscalationRecord,
  { sightings }: Sightings,
): Promise<void> {
  const id = idBytes(escalationId);
  await addSighting(scope, id, lastSeenAt);
  if (sightings < SIGHTINGS_MAX) return;
  const stored = await lock(scope, id, "leave it");
  if (stored !== null) await write(scope, stored);
}

async function newestRow({ query, tenant }: Scope, firstId: string): Promise<EscalationRow | undefined> {
  const [row] = await query<EscalationRow>(
    `select r.record, s.* from assent.harmony_escalations r ${WITH_SIGHTINGS}
     where r.tenant_id = $1 and r.first_id = $2 order by r.occurrence desc limit 1`,
    [tenant, idBytes(firstId, "first_id")],
  );
  return row;
}

async function insert({ query, tenant }: Scope, record: EscalationRecord): Promise<boolean> {
  const rows = await query<{ id: Buffer }>(
    `insert into assent.harmony_escalations (tenant_id, id, first_id, occurrence, pattern_id, status, escalated_at, record)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id`,
    [
      tenant,
      idBytes(record.escalationId),
      idBytes(record.firstId),
      record.occurrence,
      idBytes(record.patternId),
      record.status,
      record.escalatedAt,
      encodeEscalation(record),
    ],
  );
  return rows.length === 1;
}

async function write({ query, tenant }: Scope, record: EscalationRecord): Promise<void> {
  await query(
    `update assent.harmony_escalations set status = $3, resolution_id = $4, record = $5
     where tenant_id = $1 and id = $2`,
    [
      tenant,
      idBytes(record.escalationId),
      record.status,
      record.resolutionId === null ? null : idBytes(record.resolutionId),
      // A decision always has room: what limits an escalation is what was said when it was opened.
      record.status === "open" ? encodeEscalation(record) : JSON.stringify(record),
    ],
  );
}

async function mark(
  scope: Scope,
  resolutionId: string,
  at: Date | string,
): Promise<readonly EscalationRecord[]> {
  const rows = await scope.query<{ readonly id: Buffer; readonly record: unknown }>(
    `select id, record from assent.harmony_escalations where tenant_id = $1 and resolution_id = $2
     order by escalated_at desc, id for update`,
    [scope.tenant, idBytes(resolutionId, "resolution_id")],
  );
  const marked: EscalationRecord[] = [];
  for (const { id, record } of rows) {
    const stored = EscalationRecord.fromJSON(record);
    const seen = seenEscalation(stored, await takeSightings(scope, id));
    const next =
      seen.resolutionRevokedAt === null ? seen.with({ resolutionRevokedAt: parseTimestamp(at) }) : seen;
    if (next !== stored) await write(scope, next);
    marked.push(next);
  }
  return marked;
}

/** As {@link import("../../../ports.ts").Store.unansweredEscalations} says. */
export async function unansweredEscalations(
  query: Query,
  before: Date,
  limit: number,
): Promise<readonly { readonly tenant: TenantId; readonly id: string }[]> {
  const rows = await query<{ tenant_id: string; escalation_id: Buffer }>(
    "select * from assent.unanswered_escalations($1, $2)",
    [before, limit],
  );
  return rows.map(({ tenant_id: tenant, escalation_id: id }) => ({
    tenant: idFromUuid("ten", tenant),
    id: `sha256:${id.toString("hex")}`,
  }));
}
