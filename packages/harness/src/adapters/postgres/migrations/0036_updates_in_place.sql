-- A row that changes is written in its page, and in no index, where no indexed column changes and the page has room. A run
-- changes some ten times, half of them without leaving its state.

-- This one held the time of a run's last change, so every change of every run was written into each index of the table.
-- Who has been left alone for so long has also been there for so long: found by when it came, which does not change.
drop index assent.runs_external_running;
create index runs_driven on assent.runs (created_at) where state = 'running' and driver = 'external';

create or replace function assent.due(at timestamptz, stranded_before timestamptz, idle_before timestamptz, most integer)
  returns table (why text, tenant_id uuid, run_id uuid, token bigint, approval_id uuid)
  language sql stable security definer set search_path = '' as $$
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
  (select 'stranded', r.tenant_id, r.id, null::bigint, null::uuid
   from assent.runs r where r.state = 'queued' and r.driver = 'assent' and r.wake_at <= stranded_before
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

-- Room for what changes; of pages that are written from now on.
alter table assent.runs set (fillfactor = 70);
