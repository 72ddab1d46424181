-- Slots of workers are shared: nobody's long runs keep another tenant's from being begun.

-- As before; and where the transaction says how many runs of one tenant may be under way at the same time
-- (assent.tenant_slots), whoever has as many is passed over. What is counted must not change until the run is leased: so
-- two transactions do not give out slots of one tenant at the same time, and who comes second is told of it as of a lock.
create or replace function assent.take_next_queued(turn_after uuid, due_at timestamptz, newest_version integer)
  returns table (taken_tenant uuid, taken_run uuid)
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  start constant uuid := coalesce(turn_after, nobody);
  slots constant integer := nullif(current_setting('assent.tenant_slots', true), '')::integer;
  place uuid := start;
  candidate uuid;
  found_run uuid;
  is_second_round boolean := false;
  is_locked boolean := false;
begin
  loop
    select least(
      (select r.tenant_id from assent.runs r
       where r.state = 'queued' and r.driver = 'assent' and r.tenant_id > place order by r.tenant_id limit 1),
      (select r.tenant_id from assent.runs r
       where r.state = 'queued' and r.driver = 'external' and r.tenant_id > place order by r.tenant_id limit 1)
    ) into candidate;
    if candidate is null and not is_second_round then
      is_second_round := true;
      place := nobody;
      continue;
    end if;
    if candidate is null or (is_second_round and candidate > start) then
      if is_locked then return query select null::uuid, null::uuid; end if;
      return;
    end if;
    place := candidate;
    if slots is not null then
      continue when assent.slots_held(candidate, slots) >= slots;
      if not pg_try_advisory_xact_lock(assent.slot_lock_class(), hashtext(candidate::text)) then
        is_locked := true;
        continue;
      end if;
      -- Counted again: somebody may have leased one between the count and the lock.
      continue when assent.slots_held(candidate, slots) >= slots;
    end if;
    select r.id into found_run from assent.runs r
    where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'external'
      and r.wake_at <= due_at and r.message_version <= newest_version
    order by r.wake_at, r.id limit 1
    for no key update skip locked;
    if found_run is null then
      select r.id into found_run from assent.runs r
      where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'assent'
        and r.wake_at <= due_at and r.message_version <= newest_version
      order by r.wake_at, r.id limit 1
      for no key update skip locked;
    end if;
    if found_run is not null then
      return query select candidate, found_run;
      return;
    end if;
    is_locked := is_locked or exists (
      select 1 from assent.runs r
      where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'assent'
        and r.wake_at <= due_at and r.message_version <= newest_version
    ) or exists (
      select 1 from assent.runs r
      where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'external'
        and r.wake_at <= due_at and r.message_version <= newest_version
    );
  end loop;
end
$$;

-- Of advisory locks: whose slots are being given out. Another class than that of workers.
create function assent.slot_lock_class() returns integer language sql immutable
  set search_path = pg_catalog, pg_temp as $$ select 1095978836 $$;

-- Runs of this tenant that workers hold, counted no further than that. Of all runs, few are held: as many as there are slots.
create function assent.slots_held(of_tenant uuid, most integer) returns bigint
  language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select count(*) from (
    select from assent.runs r
    where r.state = 'running' and r.lease_until is not null and r.tenant_id = of_tenant limit most
  ) held
$$;

create function assent.take_leased_within(tenant_slots integer, turn_after uuid, due_at timestamptz, newest_version integer,
                                          worker integer, until timestamptz, attempts_max integer)
  returns table (taken_tenant uuid, taken_run uuid, is_leased boolean, failure text, run json, journal json, approval json)
  language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('assent.tenant_slots', tenant_slots::text, true);
  return query select * from assent.take_leased(turn_after, due_at, newest_version, worker, until, attempts_max);
end
$$;

-- Who holds how many slots, and whose runs have been due since `due_at`: of all who hold any, and of the next who wait in turn,
-- up to so many. Asked where all slots of a worker are held for long.
create function assent.slots(turn_after uuid, due_at timestamptz, newest_version integer, waiting_max integer)
  returns table (tenant_id uuid, held bigint, is_waiting boolean)
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  start constant uuid := coalesce(turn_after, nobody);
  place uuid := start;
  candidate uuid;
  waiting uuid[] := '{}';
  is_second_round boolean := false;
begin
  loop
    exit when cardinality(waiting) >= waiting_max;
    select least(
      (select r.tenant_id from assent.runs r
       where r.state = 'queued' and r.driver = 'assent' and r.tenant_id > place order by r.tenant_id limit 1),
      (select r.tenant_id from assent.runs r
       where r.state = 'queued' and r.driver = 'external' and r.tenant_id > place order by r.tenant_id limit 1)
    ) into candidate;
    if candidate is null and not is_second_round then
      is_second_round := true;
      place := nobody;
      continue;
    end if;
    exit when candidate is null or (is_second_round and candidate > start);
    place := candidate;
    if exists (
      select 1 from assent.runs r
      where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'assent'
        and r.wake_at <= due_at and r.message_version <= newest_version
    ) or exists (
      select 1 from assent.runs r
      where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'external'
        and r.wake_at <= due_at and r.message_version <= newest_version
    ) then
      waiting := waiting || candidate;
    end if;
  end loop;
  return query
    with holding as (
      select r.tenant_id, count(*) as held from assent.runs r
      where r.state = 'running' and r.lease_until is not null group by r.tenant_id
    )
    select coalesce(h.tenant_id, w.tenant_id), coalesce(h.held, 0), w.tenant_id is not null
    from unnest(waiting) with ordinality w(tenant_id, place) full join holding h on h.tenant_id = w.tenant_id
    order by w.place nulls last;
end
$$;

revoke all on function assent.slot_lock_class, assent.slots_held, assent.take_leased_within, assent.slots from public;
grant execute on function assent.take_leased_within, assent.slots to assent_app;
