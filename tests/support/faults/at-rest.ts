// What the rows of a database must not say once every run has ended.

import { WEBHOOK_EVENTS } from "@assent/contract";
import { type Engine, value } from "../engine.ts";

const AT_REST: Readonly<Record<string, string>> = {
  "a run has not ended": "select 1 from assent.runs where finished_at is null",
  "a step of an ended run is open": `select 1 from assent.steps s join assent.runs r on r.tenant_id = s.tenant_id and r.id = s.run_id
    where r.finished_at is not null and s.state in ('intended', 'in_doubt')`,
  "an approval of an ended run is open": `select 1 from assent.approvals a join assent.runs r on r.tenant_id = a.tenant_id and r.id = a.run_id
    where r.finished_at is not null and a.state in ('open', 'approved')`,
  "a run's version is not its newest event's": `select 1 from assent.runs r where r.version <>
    (select count(*) from assent.audit_events e where e.tenant_id = r.tenant_id and e.run_id = r.id)`,
  "an event without its message, or a message without its event": `select 1
    from (select w.tenant_id, e.run_id, e.version from assent.webhooks w
      join assent.audit_events e on e.tenant_id = w.tenant_id
        and (e.kind in ('approval_opened', 'run_succeeded', 'run_failed', 'run_cancelled', 'run_dead_lettered', 'effects_left')
          or (e.kind like 'approval\\_%' and e.kind not in ('approval_opened', 'approval_voted', 'approval_spent')))) e
    full join (select tenant_id, replace(data ->> 'run_id', 'run_', '')::uuid as run_id, (data ->> 'version')::integer as version
      from assent.webhook_deliveries where data ->> 'run_id' is not null) d using (tenant_id, run_id, version)
    where e.tenant_id is null or d.tenant_id is null or (select count(*) from assent.webhook_deliveries m
      where m.data ->> 'run_id' = 'run_' || replace(run_id::text, '-', '') and (m.data ->> 'version')::integer = version) <> 1`,
  "a key has no answer": "select 1 from assent.idempotency_keys where status is null",
  "something is still set aside for a call": `select 1 from assent.budget_reservations union all
    select 1 from assent.budget_accounts
    where input_reserved <> 0 or output_reserved <> 0 or microdollars_reserved <> 0`,
  "the tenant was charged otherwise than its runs": `select 1 from assent.budget_accounts t
    join (select tenant_id, sum(input_spent) as input, sum(output_spent) as output, sum(calls) as calls
      from assent.budget_accounts where run_id is not null group by tenant_id) r on r.tenant_id = t.tenant_id
    where t.account = 'total' and (t.input_spent <> r.input or t.output_spent <> r.output or t.calls <> r.calls)`,
};

/** Somebody is told of everything from here on; nothing is sent. */
export async function beTold({ harness, caller }: Engine): Promise<void> {
  const request = { url: "https://hooks.example.org/", events: [...WEBHOOK_EVENTS], description: "" };
  value(await harness.webhooks.create(caller, request));
}

/**
 * @param also what holds in one life only; statements that find no row
 * @returns what they say all the same
 */
export async function rowsAtRest(
  { database }: Engine,
  also: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const found: string[] = [];
  for (const [what, sql] of Object.entries({ ...AT_REST, ...also })) {
    const { rowCount } = await database.ownerPool().query(sql);
    if (rowCount !== 0) found.push(what);
  }
  return found;
}
