-- External runs: an agent loop outside of this harness drives them, so no worker ever leases one.

alter table assent.runs add column driver text not null default 'assent' check (driver in ('assent', 'external'));

-- A run of ours is leased exactly while it is running; a driven one never is.
do $$
declare
  name text;
begin
  for name in
    select c.conname from pg_catalog.pg_constraint c
    where c.conrelid = 'assent.runs'::regclass and c.contype = 'c'
      and (pg_catalog.pg_get_constraintdef(c.oid) like '%lease_until%'
        or pg_catalog.pg_get_constraintdef(c.oid) like '%lease_worker%')
  loop
    execute format('alter table assent.runs drop constraint %I', name);
  end loop;
end
$$;
alter table assent.runs
  add constraint runs_lease check (
    (state = 'running' and driver = 'assent') = (lease_until is not null)
    and (lease_until is null) = (lease_worker is null)),
  -- Queued for an instant of its first transaction only, and never parked: approvals wait beside it, not in its way.
  add constraint runs_external_never_parked check (driver = 'assent' or state <> 'awaiting_approval');

create index runs_external_running on assent.runs (updated_at) where state = 'running' and driver = 'external';

-- Who drives a run is decided once: a driven run must never reach a worker, nor one of ours a driver.
create function assent.refuse_new_driver() returns trigger language plpgsql
  set search_path = '' as $$
begin
  raise exception 'run %: who drives a run never changes', new.id using errcode = 'AS004';
end
$$;
create trigger runs_driver before update on assent.runs
  for each row when (old.driver is distinct from new.driver) execute function assent.refuse_new_driver();

-- System prompt, approver and manifests as they were submitted, by digest: the run names it as its agent version.
create table assent.external_definitions (
  tenant_id uuid not null references assent.tenants,
  digest bytea not null check (octet_length(digest) = 32),
  definition json not null,
  primary key (tenant_id, digest),
  foreign key (tenant_id, digest) references assent.agent_versions
);
alter table assent.external_definitions enable row level security;
alter table assent.external_definitions force row level security;
create policy tenant_wall on assent.external_definitions to assent_app
  using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant());
create policy owner on assent.external_definitions to current_user using (true) with check (true);
grant select, insert on assent.external_definitions to assent_app;

-- As before, but driven runs are not leased, so they are lost only when their driver is: when nobody has written to
-- one for long, and no person is being asked about it.
drop function assent.due(timestamptz, timestamptz, integer);
create function assent.due(at timestamptz, stranded_before timestamptz, idle_before timestamptz, most integer)
  returns table (why text, tenant_id uuid, run_id uuid, token bigint, approval_id uuid)
  language sql stable security definer set search_path = '' as $$
  (select 'lease_lost', r.tenant_id, r.id, r.fencing_token, null::uuid
   from assent.runs r
   where r.state = 'running' and r.driver = 'assent' and (r.lease_until <= at or not exists (
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
   where r.state = 'running' and r.driver = 'external' and r.updated_at <= idle_before
     and not exists (
       select 1 from assent.approvals a
       where a.tenant_id = r.tenant_id and a.run_id = r.id and a.state = 'open')
   limit most)
$$;
revoke all on function assent.due(timestamptz, timestamptz, timestamptz, integer) from public;
grant execute on function assent.due(timestamptz, timestamptz, timestamptz, integer) to assent_app;
