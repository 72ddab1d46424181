-- What was recorded, what waits, and what stands in the trees, of every tenant, in one statement: the keeper of the logs
-- holds them against each other by the minute.
create function assent.audit_balances()
  returns table (tenant_id uuid, events bigint, entries bigint, size bigint, waiting bigint)
  language sql stable security definer set search_path = '' as $$
  select t.id,
    (select count(*) from assent.audit_events e where e.tenant_id = t.id)
      + (select count(*) from assent.audit_facts f where f.tenant_id = t.id),
    (select coalesce(sum(cardinality(b.event_ids)), 0)::bigint from assent.audit_batches b where b.tenant_id = t.id),
    (select coalesce(sum(h.size), 0)::bigint from assent.audit_heads h where h.tenant_id = t.id),
    (select coalesce(sum(cardinality(i.event_ids)), 0)::bigint from assent.audit_inbox i where i.tenant_id = t.id)
  from assent.tenants t
$$;

-- Entries of all trees together: how far the evidence has come, telling nothing of any tenant.
create function assent.audit_head_seq() returns bigint
  language sql stable security definer set search_path = '' as $$
  select coalesce(sum(h.size), 0)::bigint from assent.audit_heads h
$$;

revoke all on function assent.audit_balances(), assent.audit_head_seq() from public;
grant execute on function assent.audit_balances(), assent.audit_head_seq() to assent_app;
