// A question that waits and is answered: the escalation is taken by one statement, and what comes of it is written by another, with the
// memory's fact of it. Many a run ends its wait by it, and whoever answers waits for its round trips.

import { auditToJson, type EscalationRecord } from "@assent/harmony";
import type { ClosedEscalation, QuestionRows, SealedKey } from "../../../ports.ts";
import type { Scope } from "../rows.ts";
import type { Sealing } from "../sealing.ts";
import { AUDIT_KIND, subjectOf } from "./audit.ts";
import { escalationFrom } from "./escalations.ts";
import { idBytes } from "./ids.ts";
import type { Sightings } from "./sightings.ts";

/** The newest that is open and in nobody's hands, by the index of a question's own. */
export const OPEN_ESCALATION = `
  from assent.harmony_escalations e
  where e.tenant_id = $1 and e.status = 'open' and e.id = (
    select n.id from assent.harmony_escalations n
    where n.tenant_id = $1 and n.pattern_id = $2 and n.status = 'open' order by n.escalated_at desc, n.id limit 1)
  for update skip locked`;

type TakenRow = Sightings & { readonly record: unknown };

/** Locked, and what was counted beside its record is taken away, to be written into it. */
async function takeOpen({ query, tenant }: Scope, patternId: string): Promise<EscalationRecord | null> {
  const [row] = await query<TakenRow>(
    `with waiting as materialized (select e.id, e.record ${OPEN_ESCALATION}), taken as (
       delete from assent.harmony_sightings s using waiting w where s.tenant_id = $1 and s.subject = w.id returning s.at)
     select w.record, (select count(*)::int from taken) as sightings, (select max(t.at) from taken t) as sighted_at
     from waiting w`,
    [tenant, idBytes(patternId, "pattern_id")],
  );
  return row === undefined ? null : escalationFrom(row.record, row);
}

// Without a key the table of keys is not named: its lock, which even no row takes, would be in the way of whoever begins the first
// sealing key, and that may be this very transaction further on.
const written = (key: SealedKey | null): string => `
  with closed as (
    update assent.harmony_escalations set status = $3, resolution_id = $4, record = $5
    where tenant_id = $1 and id = $2
  )${key === null ? "" : ", kept as (insert into assent.sealed_keys (tenant_id, id, generation, wrapped) values ($1, $11, $12, $13))"}
  insert into assent.harmony_audit (tenant_id, id, event_type, pattern_id, at, record)
  values ($1, $6, $7, $8, $9, $10)`;

/** As {@link import("../../../ports.ts").QuestionRows.closeOpen} says. */
export async function closeOpen(
  scope: Scope,
  sealing: Sealing,
  patternId: string,
  close: Parameters<QuestionRows["closeOpen"]>[1],
): Promise<ClosedEscalation | null> {
  const open = await takeOpen(scope, patternId);
  if (open === null) return null;
  const { escalation, fact } = close(open);
  const id = idBytes(fact.auditId);
  // Nobody has told of this before: the escalation was open, and is in our hands.
  await sealing.seal(scope, subjectOf(id), AUDIT_KIND, auditToJson(fact), async (record, key) => {
    await scope.query(written(key), [
      scope.tenant,
      idBytes(escalation.escalationId),
      escalation.status,
      escalation.resolutionId === null ? null : idBytes(escalation.resolutionId),
      // A decision always has room: what limits an escalation is what was said when it was opened.
      JSON.stringify(escalation),
      id,
      fact.eventType,
      fact.patternId === null ? null : idBytes(fact.patternId),
      fact.at,
      JSON.stringify(record),
      ...(key === null ? [] : [key.id, key.generation, key.wrapped]),
    ]);
  });
  return { escalation, fact };
}
