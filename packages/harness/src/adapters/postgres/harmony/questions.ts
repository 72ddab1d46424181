// A question that has no answer: looked up by one statement, and remembered within another's.

import { approvalIdSchema, idFromUuid, type TenantId, uuidOf } from "@assent/contract";
import {
  AuditEventType,
  auditToJson,
  type ConflictPattern,
  type EscalationRecord,
  isHarmonyError,
  patternToJson,
  similarityKeysOf,
} from "@assent/harmony";
import { assert } from "../../../base/assert.ts";
import { splitPersonal } from "../../../core/audit/personal.ts";
import type { AskedQuestion, NotedQuestion, StoreTx, Unanswered } from "../../../ports.ts";
import { decidingCounts } from "../quality.ts";
import type { Query, Scope } from "../rows.ts";
import type { Sealing } from "../sealing.ts";
import { AUDIT_KIND } from "./audit.ts";
import { closeOpen, OPEN_ESCALATION } from "./closing.ts";
import { encodeEscalation, escalationFrom } from "./escalations.ts";
import { idBytes, idOf } from "./ids.ts";
import { patternOf } from "./patterns.ts";
import { resolutionOf } from "./resolutions.ts";
import { SIGHTINGS_MAX, type Sightings, WITH_SIGHTINGS } from "./sightings.ts";

type UnansweredRow = Sightings & {
  readonly is_known: boolean;
  readonly pattern_sightings: number;
  readonly newest: unknown;
};

const shapeOf = ({ semanticFingerprint }: ConflictPattern): Buffer | null =>
  semanticFingerprint === null ? null : idBytes(semanticFingerprint);

/** As {@link import("../../../ports.ts").Store.lookUpQuestion} says. */
export async function lookUpQuestion(
  query: Query,
  tenant: TenantId,
  pattern: ConflictPattern,
  first: string,
): Promise<Unanswered | null> {
  const [row] = await query<UnansweredRow>(
    "select * from assent.unanswered($1, $2, $3, $4, $5, $6, $7, $8)",
    [
      uuidOf(tenant),
      idBytes(pattern.patternId),
      pattern.scope,
      pattern.domain,
      pattern.conflictType,
      shapeOf(pattern),
      similarityKeysOf(pattern.tokens),
      idBytes(first, "first_id"),
    ],
  );
  // Now and then they are put together into the records; that takes a transaction.
  if (row === undefined || Math.max(row.pattern_sightings, row.sightings) >= SIGHTINGS_MAX) return null;
  return { isKnown: row.is_known, newest: row.newest === null ? null : escalationFrom(row.newest, row) };
}

/**
 * The call that remembers it, its arguments numbered from `first` on; true, or an error that undoes its statement.
 * What asks is an agent, and nothing that it could say is part of the facts: there is nothing to seal in them.
 */
export function noteCall(
  { pattern, isKnown, escalation, recorded, facts }: NotedQuestion,
  first: number,
): { readonly text: string; readonly values: readonly unknown[] } {
  const told = facts.map((fact) => ({
    id: idBytes(fact.auditId),
    type: fact.eventType,
    json: auditToJson(fact),
  }));
  assert(
    told.every(({ json }) => splitPersonal(AUDIT_KIND, json) === null),
    "a question ahead holds nothing that is sealed",
  );
  const given = {
    of_pattern: idBytes(pattern.patternId),
    is_known: isKnown,
    of_scope: pattern.scope,
    of_domain: pattern.domain,
    of_type: pattern.conflictType,
    shape: shapeOf(pattern),
    of_bands: similarityKeysOf(pattern.tokens),
    seen_at: pattern.recordedAt,
    pattern: JSON.stringify(patternToJson(pattern)),
    recorded,
    escalation: idBytes(escalation.escalationId),
    of_first: idBytes(escalation.firstId),
    at_occurrence: escalation.occurrence,
    escalated: encodeEscalation(escalation),
    fact_ids: told.map(({ id }) => id),
    fact_types: told.map(({ type }) => type),
    facts: told.map(({ json }) => JSON.stringify(json)),
  };
  const names = Object.keys(given).map((name, at) => `${name} => $${first + at}`);
  return { text: `assent.note_question(${names.join(", ")})`, values: Object.values(given) };
}

export const questionRows = (
  { query, tenant }: Scope,
  { sealing }: { readonly sealing: Sealing },
): StoreTx["questions"] => ({
  closeOpen: async (patternId, close) => await closeOpen({ query, tenant }, sealing, patternId, close),
  lookUp: async (pattern, first) => await lookUpQuestion(query, idFromUuid("ten", tenant), pattern, first),
  async lockOpen(patternId) {
    const [row] = await query<{ id: Buffer }>(`select e.id ${OPEN_ESCALATION}`, [
      tenant,
      idBytes(patternId, "pattern_id"),
    ]);
    return row === undefined ? null : idOf(row.id);
  },
  async list(statuses, after, limit) {
    const rows = await query<AskedRow>(
      `select ${ASKED} from unnest($2::text[]) as w (status)
       cross join lateral (
         select * from assent.harmony_escalations e
         where e.tenant_id = $1 and e.status = w.status and e.escalated_at >= '-infinity'
           and ($3::timestamptz is null or e.escalated_at <= $3 and (e.escalated_at < $3 or e.id > $4::bytea))
         order by e.escalated_at desc, e.id limit $5) r ${WITH_SIGHTINGS} ${WITH_ANSWER}
       order by r.escalated_at desc, r.id limit $5`,
      [
        tenant,
        [...new Set(statuses)],
        after?.at ?? null,
        after === null ? null : idBytes(after.id, "escalation_id"),
        limit,
      ],
    );
    return rows.map(asked);
  },
  async approvalOf({ patternId, resolutionId, resolvedAt }) {
    // Of its very moment there are few facts.
    const [row] = await query<{ approval: string | null }>(
      `select record -> 'metadata' ->> 'approval_id' as approval from assent.harmony_audit
       where tenant_id = $1 and at = $2 and pattern_id = $3 and event_type = $4
         and record -> 'metadata' ->> 'resolution_id' = $5 order by id limit 1`,
      [
        tenant,
        resolvedAt,
        idBytes(patternId, "pattern_id"),
        AuditEventType.ESCALATION_RESOLVED,
        resolutionId,
      ],
    );
    return approvalIdSchema.safeParse(row?.approval).data ?? null;
  },
  counts: async (since, limit) => await decidingCounts({ query, tenant }, since, limit),
  async find(id) {
    const [row] = await query<AskedRow>(
      `select ${ASKED} from assent.harmony_escalations r ${WITH_SIGHTINGS} ${WITH_ANSWER}
       where r.tenant_id = $1 and r.id = $2`,
      [tenant, idBytes(id, "escalation_id")],
    );
    return row === undefined ? null : asked(row);
  },
});

type AskedRow = Sightings & {
  readonly id: Buffer;
  readonly at: string;
  readonly record: unknown;
  readonly pattern_id: Buffer;
  readonly pattern: unknown;
  readonly answer_id: Buffer | null;
  readonly revoked: boolean | null;
  readonly answer: unknown;
};

const ASKED = `r.id, to_char(r.escalated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, r.record,
  r.pattern_id, s.*, p.record as pattern, a.id as answer_id, a.revoked, a.record as answer`;

const WITH_ANSWER = `
  left join assent.harmony_patterns p on p.tenant_id = $1 and p.id = r.pattern_id
  left join assent.harmony_resolutions a
    on a.tenant_id = $1 and a.pattern_id = r.pattern_id and a.id = r.resolution_id`;

function asked(row: AskedRow): AskedQuestion {
  const { id, pattern_id, answer_id, revoked } = row;
  return {
    escalation: readableEscalation(row),
    pattern: row.pattern === null ? null : patternOf({ id: pattern_id, record: row.pattern }),
    answer:
      answer_id === null || revoked === null
        ? null
        : resolutionOf({ id: answer_id, pattern_id, revoked, record: row.answer }),
    place: { at: row.at, id: idOf(id) },
  };
}

/** Null: the row holds none, or another one. */
function readableEscalation(row: AskedRow): EscalationRecord | null {
  try {
    const read = escalationFrom(row.record, row);
    return read.escalationId === idOf(row.id) ? read : null;
  } catch (error) {
    if (isHarmonyError(error)) return null;
    throw error;
  }
}
