import {
  EscalationRecord,
  HarmonyError,
  type HarmonyStore,
  parseTimestamp,
  recur,
  type Recorded,
} from "@assent/harmony";
import type { Scope } from "../rows.ts";
import { idBytes } from "./ids.ts";
import { type InTenant, LIMIT_MAX } from "./scope.ts";

type EscalationRow = { record: unknown };

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
    loadEscalation: async (id) => await inTenant(async (scope) => await load(scope, id, "")),
    listEscalations: async (filter = {}) =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<EscalationRow>(
          `select record from assent.harmony_escalations
           where tenant_id = $1 and ($2::text is null or status = $2) and ($3::bytea is null or pattern_id = $3)
           order by escalated_at desc, id limit $4`,
          [
            tenant,
            filter.status ?? null,
            filter.patternId === undefined ? null : idBytes(filter.patternId, "pattern_id"),
            filter.limit ?? LIMIT_MAX,
          ],
        );
        return rows.map(({ record }) => EscalationRecord.fromJSON(record));
      }),
    resolveEscalation: async (id, resolutionId, actor, at) => {
      const resolution = `sha256:${idBytes(resolutionId, "resolution_id").toString("hex")}`;
      return await inTenant(async (scope) => {
        const stored = await load(scope, id, " for update");
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

async function load(
  { query, tenant }: Scope,
  id: string,
  lock: "" | " for update",
): Promise<EscalationRecord | null> {
  const [row] = await query<EscalationRow>(
    `select record from assent.harmony_escalations where tenant_id = $1 and id = $2${lock}`,
    [tenant, idBytes(id, "escalation_id")],
  );
  return row === undefined ? null : EscalationRecord.fromJSON(row.record);
}

const encode = (record: EscalationRecord): string => {
  const text = JSON.stringify(record);
  if (Buffer.byteLength(text) > ESCALATION_SIZE_BYTES_MAX)
    throw new HarmonyError("too_large", `an escalation has at most ${ESCALATION_SIZE_BYTES_MAX} bytes`);
  return text;
};

// Each occurrence has its number in a unique key: of many who open the same one, one inserts and the others look again.
async function recordEscalation(scope: Scope, incoming: EscalationRecord): Promise<Recorded> {
  if (incoming.status !== "open") throw new HarmonyError("invalid_record", "an escalation is recorded open");
  for (;;) {
    const newest = await lockNewest(scope, incoming.firstId);
    if (newest === null) {
      if (await insert(scope, incoming)) return { opened: true, record: incoming };
      continue;
    }
    const recurrence = recur(newest, incoming);
    if (recurrence.kind === "seen_already") return { opened: false, record: newest };
    if (recurrence.kind === "counted") {
      await write(scope, recurrence.next);
      return { opened: false, record: recurrence.next };
    }
    if (await insert(scope, recurrence.next)) return { opened: true, record: recurrence.next };
  }
}

async function lockNewest({ query, tenant }: Scope, firstId: string): Promise<EscalationRecord | null> {
  const [row] = await query<EscalationRow>(
    `select record from assent.harmony_escalations where tenant_id = $1 and first_id = $2
     order by occurrence desc limit 1 for update`,
    [tenant, idBytes(firstId, "first_id")],
  );
  return row === undefined ? null : EscalationRecord.fromJSON(row.record);
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
      encode(record),
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
      record.status === "open" ? encode(record) : JSON.stringify(record),
    ],
  );
}

async function mark(
  scope: Scope,
  resolutionId: string,
  at: Date | string,
): Promise<readonly EscalationRecord[]> {
  const rows = await scope.query<EscalationRow>(
    `select record from assent.harmony_escalations where tenant_id = $1 and resolution_id = $2
     order by escalated_at desc, id for update`,
    [scope.tenant, idBytes(resolutionId, "resolution_id")],
  );
  const marked: EscalationRecord[] = [];
  for (const { record } of rows) {
    const stored = EscalationRecord.fromJSON(record);
    const next =
      stored.resolutionRevokedAt === null ? stored.with({ resolutionRevokedAt: parseTimestamp(at) }) : stored;
    if (next !== stored) await write(scope, next);
    marked.push(next);
  }
  return marked;
}
