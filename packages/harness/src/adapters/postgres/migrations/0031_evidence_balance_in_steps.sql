-- The balance of the evidence (0028), without counting what was counted before: a look reads what came since the last
-- even one, and a slice of what is older, so that all of it comes round. `audit_balances` stays for processes of the
-- version before.

create table assent.audit_balanced (
  only_row boolean primary key default true check (only_row),
  -- Every event up to this one has its place in a tree, and no transaction can add one any more.
  event_id bigint not null,
  -- The newest number at the last look, and who might still have written under it or one before.
  next_event_id bigint not null,
  writers text[] not null,
  -- The batch that the next slice begins with.
  slice_tenant uuid not null,
  slice_epoch integer not null,
  slice_first bigint not null
);
insert into assent.audit_balanced
  values (true, 0, 0, '{}', '00000000-0000-0000-0000-000000000000', 0, 0);

-- Numbers of events come from the sequence alone. Whoever could choose one could file an event under a number that was
-- looked at long ago.
revoke insert on assent.audit_events, assent.audit_facts from assent_app;
grant insert (tenant_id, run_id, version, at, kind, actor_id, data, digest) on assent.audit_events to assent_app;
grant insert (tenant_id, subject, version, at, kind, actor_id, data) on assent.audit_facts to assent_app;

-- Who has written, or is about to write, an event in a transaction that has not ended.
create function assent.audit_writers() returns text[] language sql volatile set search_path = '' as $$
  select coalesce(array_agg(distinct l.virtualtransaction), '{}') from pg_catalog.pg_locks l
  where l.locktype = 'relation' and l.mode <> 'AccessShareLock' and l.pid is distinct from pg_catalog.pg_backend_pid()
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
    and l.relation in ('assent.audit_events'::regclass, 'assent.audit_facts'::regclass)
$$;

-- Of what this look reads, for each tenant: events, those of them that stand in a tree, those that wait, places that
-- should be there and entries that are. A part that is not even is read again by every look, until it is. Sub-selects
-- are scalar on purpose: what is written as a join or `exists` may be planned as a scan of a whole table.
create function assent.audit_balance_step(slice_entries integer)
  returns table (tenant_id uuid, events bigint, placed bigint, waiting bigint, size bigint, entries bigint)
  language plpgsql volatile security definer
  set search_path = '' set enable_seqscan = off set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  mark assent.audit_balanced;
  newest bigint;
  writing text[];
  settled bigint;
  stop record;
  balance record;
  is_tail_even boolean := true;
  is_slice_even boolean := true;
begin
  -- What ended before `audit_writers` looked must be visible to the statements after it.
  if pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the balance is counted in read committed only' using errcode = 'AS003';
  end if;
  select * into strict mark from assent.audit_balanced for update;
  -- The number first: whoever was given it, or one before, had the table's lock by then, and keeps it to the end.
  select case when s.is_called then s.last_value else 0 end into newest from assent.audit_event_ids s;
  writing := assent.audit_writers();
  if mark.writers && writing then
    settled := mark.event_id;
  else
    settled := mark.next_event_id;
    mark.next_event_id := newest;
    mark.writers := writing;
  end if;
  select * into stop from (
    select a.tenant_id, a.epoch, a.first,
      sum(cardinality(a.event_ids)) over (order by a.tenant_id, a.epoch, a.first) - cardinality(a.event_ids) as before
    from (
      select b.tenant_id, b.epoch, b.first, b.event_ids from assent.audit_batches b
      where (b.tenant_id, b.epoch, b.first) >= (mark.slice_tenant, mark.slice_epoch, mark.slice_first)
      order by b.tenant_id, b.epoch, b.first limit 1024
    ) a
  ) w where w.before <= greatest(slice_entries, 256) order by w.before desc limit 1;
  for balance in
    with part as (
      select b.tenant_id, b.event_ids, b.first - coalesce(
          lag(b.first + cardinality(b.event_ids)) over (partition by b.tenant_id, b.epoch order by b.first),
          case when (b.tenant_id, b.epoch) = (mark.slice_tenant, mark.slice_epoch) then mark.slice_first else 0 end
        ) as hole
      from assent.audit_batches b
      where (b.tenant_id, b.epoch, b.first) >= (mark.slice_tenant, mark.slice_epoch, mark.slice_first)
        and (b.tenant_id, b.epoch, b.first) <= (stop.tenant_id, stop.epoch, stop.first)
    ), slice as (
      select p.tenant_id, sum(cardinality(p.event_ids))::bigint as entries, sum(p.hole)::bigint as holes,
        sum(s.settled)::bigint as settled, sum(s.found)::bigint as found
      from part p, lateral (
        select count(*) as settled, count(coalesce(
          (select 1 from assent.audit_events e where e.event_id = u.id and e.tenant_id = p.tenant_id limit 1),
          (select 1 from assent.audit_facts f where f.event_id = u.id and f.tenant_id = p.tenant_id limit 1))) as found
        -- What is newer stands in the tail.
        from unnest(p.event_ids) u (id) where u.id <= mark.event_id
      ) s group by p.tenant_id
    ), tail as (
      select n.tenant_id, sum(n.events)::bigint as events from (
        select e.tenant_id, count(*) as events from assent.audit_events e where e.event_id > mark.event_id group by e.tenant_id
        union all
        select f.tenant_id, count(*) from assent.audit_facts f where f.event_id > mark.event_id group by f.tenant_id
      ) n group by n.tenant_id
    )
    select t.id, coalesce(tail.events, 0) as events, (
        select count(*) from assent.audit_batches b, unnest(b.event_ids) u (id)
        where b.tenant_id = t.id and b.last_event > mark.event_id and u.id > mark.event_id) as placed, (
        select count(*) from assent.audit_inbox i, unnest(i.event_ids) u (id)
        where i.tenant_id = t.id and u.id > mark.event_id) as waiting, (
        select coalesce(sum(h.size - coalesce((
          select b.first + cardinality(b.event_ids) from assent.audit_batches b
          where b.tenant_id = h.tenant_id and b.epoch = h.epoch order by b.first desc limit 1), 0)), 0)::bigint
        from assent.audit_heads h where h.tenant_id = t.id) as unfilled,
      coalesce(slice.entries, 0) as entries, coalesce(slice.holes, 0) as holes, coalesce(slice.settled, 0) as settled,
      coalesce(slice.found, 0) as found
    from assent.tenants t left join tail on tail.tenant_id = t.id left join slice on slice.tenant_id = t.id
  loop
    is_tail_even := is_tail_even and balance.events = balance.placed + balance.waiting;
    is_slice_even := is_slice_even and balance.holes = 0 and balance.found = balance.settled;
    tenant_id := balance.id;
    events := balance.events + balance.found;
    placed := balance.placed + balance.settled;
    waiting := balance.waiting;
    size := balance.entries + balance.holes + balance.unfilled;
    entries := balance.entries;
    return next;
  end loop;
  if is_tail_even then
    -- What waits gets its place later: it is looked at until then.
    mark.event_id := greatest(mark.event_id, least(settled, (select min(i.id) - 1 from assent.audit_inbox i)));
  end if;
  if is_slice_even then
    -- It begins with the batch that the one before ended with, so a hole between them is seen; at the end, from the start.
    if stop is null or (stop.tenant_id, stop.epoch, stop.first) = (mark.slice_tenant, mark.slice_epoch, mark.slice_first) then
      mark.slice_tenant := '00000000-0000-0000-0000-000000000000';
      mark.slice_epoch := 0;
      mark.slice_first := 0;
    else
      mark.slice_tenant := stop.tenant_id;
      mark.slice_epoch := stop.epoch;
      mark.slice_first := stop.first;
    end if;
  end if;
  update assent.audit_balanced b set event_id = mark.event_id, next_event_id = mark.next_event_id,
    writers = mark.writers, slice_tenant = mark.slice_tenant, slice_epoch = mark.slice_epoch, slice_first = mark.slice_first;
end
$$;

revoke all on function assent.audit_writers, assent.audit_balance_step from public;
grant execute on function assent.audit_balance_step to assent_app;
