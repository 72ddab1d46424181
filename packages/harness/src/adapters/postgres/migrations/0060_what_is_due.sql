-- What a sweep looks for, without runs that were queued and whose message was lost: a run's row is its message, so there are none.
-- That branch was asked for since the beginning of time, and never found a row. The function of four arguments was called by
-- this one alone.
create or replace function assent.due(at timestamptz, idle_before timestamptz, most integer)
  returns table (why text, tenant_id uuid, run_id uuid, token bigint, approval_id uuid)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  (select 'lease_lost', r.tenant_id, r.id, r.fencing_token, null::uuid
   from assent.runs r
   where r.state = 'running' and r.lease_until is not null and (r.lease_until <= at or not exists (
     select 1 from pg_catalog.pg_locks l
     where l.locktype = 'advisory' and l.classid = assent.worker_lock_class()::oid
       and l.objid = r.lease_worker::oid and l.objsubid = 2 and l.granted
       and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())))
   limit most)
  union all
  (select 'approval_expired', a.tenant_id, a.run_id, null::bigint, a.id
   from assent.approvals a where a.state = 'open' and a.expires_at <= at
   limit most)
  union all
  (select 'driver_idle', r.tenant_id, r.id, null::bigint, null::uuid
   from assent.runs r
   where r.state = 'running' and r.driver = 'external' and r.lease_until is null
     and r.created_at <= idle_before and r.updated_at <= idle_before
     and not exists (
       select 1 from assent.approvals a
       where a.tenant_id = r.tenant_id and a.run_id = r.id and a.state = 'open')
   limit most)
$$;

drop function assent.due(timestamptz, timestamptz, timestamptz, integer);
