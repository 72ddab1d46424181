// A question that has no answer: looked up by one statement, and remembered within another's.

import { type TenantId, uuidOf } from "@assent/contract";
import { auditToJson, type ConflictPattern, patternToJson, similarityKeysOf } from "@assent/harmony";
import { assert } from "../../../base/assert.ts";
import { splitPersonal } from "../../../core/audit/personal.ts";
import type { NotedQuestion, StoreTx, Unanswered } from "../../../ports.ts";
import type { Query, Scope } from "../rows.ts";
import { AUDIT_KIND } from "./audit.ts";
import { encodeEscalation, escalationFrom } from "./escalations.ts";
import { idBytes } from "./ids.ts";
import { SIGHTINGS_MAX, type Sightings } from "./sightings.ts";

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

export const questionRows = ({ query, tenant }: Scope): StoreTx["questions"] => ({
  async lockOpen(patternId) {
    const [row] = await query<{ id: Buffer }>(
      `select e.id from assent.harmony_escalations e
       where e.tenant_id = $1 and e.status = 'open' and e.id = (
         select n.id from assent.harmony_escalations n
         where n.tenant_id = $1 and n.pattern_id = $2 and n.status = 'open' order by n.escalated_at desc, n.id limit 1)
       for update skip locked`,
      [tenant, idBytes(patternId, "pattern_id")],
    );
    return row === undefined ? null : `sha256:${row.id.toString("hex")}`;
  },
});
