-- One look of an idle process, where there had been two: what a sweep looks for, and whether any run is queued at all. The
-- first of its rows says that. A function of its own: processes of the release before ask assent.due, and know no such row.
create function assent.due_or_queued(at timestamptz, idle_before timestamptz, most integer)
  returns table (why text, tenant_id uuid, run_id uuid, token bigint, approval_id uuid)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  -- In the order of their indexes, as those who take a run ask: never through the table, however uncounted it is.
  (select 'queued', r.tenant_id, r.id, null::bigint, null::uuid
   from assent.runs r where r.state = 'queued' and r.driver = 'assent'
   order by r.tenant_id, r.wake_at, r.id limit 1)
  union all
  (select 'queued', r.tenant_id, r.id, null::bigint, null::uuid
   from assent.runs r where r.state = 'queued' and r.driver = 'external'
   order by r.tenant_id, r.wake_at, r.id limit 1)
  union all
  select d.why, d.tenant_id, d.run_id, d.token, d.approval_id from assent.due(at, idle_before, most) d
$$;

revoke all on function assent.due_or_queued(timestamptz, timestamptz, integer) from public;
grant execute on function assent.due_or_queued(timestamptz, timestamptz, integer) to assent_app;
