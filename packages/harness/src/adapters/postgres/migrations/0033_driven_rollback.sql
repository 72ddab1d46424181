-- A driven run that is taken back is queued and leased like any other: workers call the harness's own tools for it, wait
-- for its driver, and park it while a person is asked. Until then nobody leases one, as before.

alter table assent.runs
  drop constraint runs_lease,
  drop constraint runs_external_never_parked,
  add constraint runs_lease check (
    (lease_until is null) = (lease_worker is null)
    and (lease_until is null or state = 'running')
    and (driver = 'external' or state <> 'running' or lease_until is not null));

-- Nobody but its driver advances one before that.
create function assent.check_driven() returns trigger language plpgsql
  set search_path = '' as $$
begin
  if not exists (
    select 1 from assent.steps s
    where s.tenant_id = new.tenant_id and s.run_id = new.id and s.kind = 'rollback' and s.state = 'intended'
  ) then
    raise exception 'run %: a driven run is queued, leased or parked only to be taken back', new.id
      using errcode = 'AS005';
  end if;
  return new;
end
$$;
create trigger runs_driven before update on assent.runs
  for each row when (new.driver = 'external' and (new.lease_until is not null or new.state = 'awaiting_approval'
    or (new.state = 'queued' and old.state <> 'queued')))
  execute function assent.check_driven();

-- Nearly always empty: what it costs, only such runs pay.
create index runs_driven_ready on assent.runs (tenant_id, wake_at, id) where state = 'queued' and driver = 'external';

-- As take_run, with driven runs that are taken back: those of a tenant come first in its turn. Processes of the version
-- before go on with take_run, and never see one.
create function assent.take_next_queued(turn_after uuid, due_at timestamptz, newest_version integer)
  returns table (taken_tenant uuid, taken_run uuid)
  language plpgsql volatile security definer set search_path = '' as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  start constant uuid := coalesce(turn_after, nobody);
  place uuid := start;
  candidate uuid;
  found_run uuid;
  is_second_round boolean := false;
begin
  loop
    select least(
      (select r.tenant_id from assent.runs r
       where r.state = 'queued' and r.driver = 'assent' and r.tenant_id > place order by r.tenant_id limit 1),
      (select r.tenant_id from assent.runs r
       where r.state = 'queued' and r.driver = 'external' and r.tenant_id > place order by r.tenant_id limit 1)
    ) into candidate;
    if candidate is null then
      if is_second_round then return; end if;
      is_second_round := true;
      place := nobody;
      continue;
    end if;
    if is_second_round and candidate > start then return; end if;
    select r.id into found_run from assent.runs r
    where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'external'
      and r.wake_at <= due_at and r.message_version <= newest_version
    order by r.wake_at, r.id limit 1
    for update skip locked;
    if found_run is null then
      select r.id into found_run from assent.runs r
      where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'assent'
        and r.wake_at <= due_at and r.message_version <= newest_version
      order by r.wake_at, r.id limit 1
      for update skip locked;
    end if;
    if found_run is not null then
      return query select candidate, found_run;
      return;
    end if;
    place := candidate;
  end loop;
end
$$;

create function assent.take_next(turn_after uuid, due_at timestamptz, newest_version integer)
  returns table (taken_tenant uuid, taken_run uuid)
  language plpgsql volatile set search_path = '' as $$
begin
  select t.taken_tenant, t.taken_run into take_next.taken_tenant, take_next.taken_run
    from assent.take_next_queued(turn_after, due_at, newest_version) t;
  if take_next.taken_run is null then return; end if;
  perform set_config('assent.tenant', take_next.taken_tenant::text, true);
  return next;
end
$$;

-- As before, with the leases of driven runs; without a lease nobody has lost one.
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
   where r.state = 'running' and r.driver = 'external' and r.lease_until is null and r.updated_at <= idle_before
     and not exists (
       select 1 from assent.approvals a
       where a.tenant_id = r.tenant_id and a.run_id = r.id and a.state = 'open')
   limit most)
$$;

revoke all on function assent.take_next_queued(uuid, timestamptz, integer),
  assent.take_next(uuid, timestamptz, integer) from public;
grant execute on function assent.take_next_queued(uuid, timestamptz, integer),
  assent.take_next(uuid, timestamptz, integer) to assent_app;
