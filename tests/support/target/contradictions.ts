// What no database of ours may hold, whatever was killed or broken on the way: each is a statement that finds it.

// At every moment, not only at rest: each of these belongs to one transaction.
export const CONTRADICTIONS: readonly (readonly [what: string, sql: string])[] = Object.entries({
  "a run has no event that says that it was queued": `select 1 from assent.runs r where not exists
    (select from assent.audit_events e where (e.tenant_id, e.run_id, e.version) = (r.tenant_id, r.id, 1))`,
  "a run's version is not its newest event's": `select 1 from assent.runs r where r.version <>
    (select count(*) from assent.audit_events e where e.tenant_id = r.tenant_id and e.run_id = r.id)`,
  "an event has no run": `select 1 from assent.audit_events e where not exists
    (select from assent.runs r where (r.tenant_id, r.id) = (e.tenant_id, e.run_id))`,
  "a step or an approval has no run": `select 1 from
    (select tenant_id, run_id from assent.steps union all select tenant_id, run_id from assent.approvals) s
    where not exists (select from assent.runs r where (r.tenant_id, r.id) = (s.tenant_id, s.run_id))`,
  "a queued run is due at no time": "select 1 from assent.runs where state = 'queued' and wake_at is null",
  "a running run is nobody's": `select 1 from assent.runs where state = 'running' and driver = 'assent'
    and (lease_worker is null or lease_until is null)`,
  "a key has no answer": "select 1 from assent.idempotency_keys where status is null",
  // Of a run that was given up or called off it can stay open what became of a call, and of one whose driver ended it without a
  // word of that; of one of ours that succeeded, nothing can.
  "a step of an ended run is open": `select 1 from assent.steps s
    join assent.runs r on (r.tenant_id, r.id) = (s.tenant_id, s.run_id)
    where r.finished_at is not null
      and (s.state = 'intended' or (s.state = 'in_doubt' and r.state = 'succeeded' and r.driver = 'assent'))`,
  "an approval of an ended run is open": `select 1 from assent.approvals a
    join assent.runs r on (r.tenant_id, r.id) = (a.tenant_id, a.run_id)
    where r.finished_at is not null and a.state in ('open', 'approved')`,
  "a run that succeeded has no artifact": `select 1 from assent.runs r where r.state = 'succeeded'
    and not exists (select from assent.artifacts a where (a.tenant_id, a.run_id) = (r.tenant_id, r.id))`,
});
