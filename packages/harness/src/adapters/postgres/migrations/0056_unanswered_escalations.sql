-- Questions about actions that were put so long ago that nobody can wait for an answer any more: ids only, of any tenant. What
-- effects were left behind by runs waits for a person for ever, and is not among them.
create function assent.unanswered_escalations(before timestamptz, most integer)
  returns table (tenant_id uuid, escalation_id bytea)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select found.tenant_id, found.id from assent.tenants t, lateral (
    select e.tenant_id, e.id from assent.harmony_escalations e
    where e.tenant_id = t.id and e.status = 'open' and e.escalated_at < before
      and coalesce((e.record->>'last_seen_at')::timestamptz, e.escalated_at) < before
      and (select p.domain from assent.harmony_patterns p where p.tenant_id = e.tenant_id and p.id = e.pattern_id) = 'approval'
      -- Rows of before there were such have no sightings, nor has a question that was put once.
      and coalesce((select max(s.at)::timestamptz from assent.harmony_sightings s
        where s.tenant_id = e.tenant_id and s.subject = e.id) < before, true)
    limit most
  ) found limit most
$$;
revoke all on function assent.unanswered_escalations(timestamptz, integer) from public;
grant execute on function assent.unanswered_escalations(timestamptz, integer) to assent_app;
