-- What the evidence costs a commit, and its keeper a look, in fewer and shorter statements. What is demanded and what is
-- written stay the same.

-- Begins as the tenant that it is about, so that it is one statement. Who repeats it changes nothing.
create function assent.audit_add_checkpoint(tenant uuid, of_epoch integer, of_size bigint, of_note text, at timestamptz)
  returns void language plpgsql set search_path = '' as $$
begin
  perform set_config('assent.tenant', tenant::text, true);
  insert into assent.audit_checkpoints (tenant_id, epoch, size, note, at)
    values (tenant, of_epoch, of_size, of_note, audit_add_checkpoint.at) on conflict do nothing;
end
$$;
revoke all on function assent.audit_add_checkpoint from public;
grant execute on function assent.audit_add_checkpoint to assent_app;

-- As before, but for the usual case: events of one tenant, few enough for one row.
create or replace function assent.audit_file_events() returns trigger language plpgsql security definer
  set search_path = '' as $$
declare
  tenants uuid[];
  ids bigint[];
  images bytea[];
begin
  select array_agg(n.tenant_id), array_agg(n.event_id),
      array_agg(assent.audit_image(n.tenant_id, n.run_id, n.kind, n.data))
    into tenants, ids, images
    from (select * from fresh f order by f.event_id) n;
  if cardinality(ids) <= 256 and tenants[1] = all (tenants) then
    insert into assent.audit_inbox (tenant_id, id, event_ids, states) values (tenants[1], ids[1], ids, images);
    return null;
  end if;
  insert into assent.audit_inbox (tenant_id, id, event_ids, states)
    select f.tenant, min(f.event_id), array_agg(f.event_id order by f.event_id), array_agg(f.image order by f.event_id)
    from (
      select u.tenant, u.event_id, u.image,
        (row_number() over (partition by u.tenant order by u.event_id) - 1) / 256 as part
      from unnest(tenants, ids, images) as u (tenant, event_id, image)
    ) f group by f.tenant, f.part;
  return null;
end
$$;

-- Whether an event of this very transaction says that a step, an approval, a vote or an artifact changed. A run's events
-- are numbered without gaps and its row is locked by whoever adds some, so this transaction's are the newest ones: they
-- are looked at from the end, and no further than to the one that says it. (Past this transaction's own only where none
-- does, and then it is undone.)
create or replace function assent.require_object_event(what text, tenant uuid, run uuid, family text, field text,
                                                       wanted text)
  returns void language plpgsql set search_path = '' as $$
begin
  if (
    select true from assent.audit_events e
    where e.tenant_id = tenant and e.run_id = run and e.xmin = pg_current_xact_id()::xid
      and e.kind like family and e.data ->> field = wanted
    order by e.version desc limit 1
  ) then return; end if;
  raise exception 'a % of run % changed without an audit event', what, run using errcode = 'AS002';
end
$$;

-- The same, for what changes most: one statement a step.
create or replace function assent.require_step_event() returns trigger language plpgsql set search_path = '' as $$
begin
  if (
    select true from assent.audit_events e
    where e.tenant_id = new.tenant_id and e.run_id = new.run_id and e.xmin = pg_current_xact_id()::xid
      and e.kind like 'step\_%' and e.data ->> 'step' = new.seq::text
    order by e.version desc limit 1
  ) then return null; end if;
  raise exception 'a step of run % changed without an audit event', new.run_id using errcode = 'AS002';
end
$$;

-- Numbers of events come from one sequence. Told that they are unique, the planner finds an event by its number at once;
-- not told, and before it has seen the table full, it read all events of the tenant for each one that waited.
create unique index audit_events_by_number on assent.audit_events (event_id);
create unique index audit_facts_by_number on assent.audit_facts (event_id);
drop index assent.audit_events_by_id;
drop index assent.audit_facts_by_id;

-- Committed events that are not in the tree, oldest first: whole rows of the inbox, until there are enough. Each is looked
-- up by its number: written as a join it may be planned as a scan of all that was ever recorded.
create or replace function assent.audit_take(tenant uuid, most integer)
  returns table (event_id bigint, subject text, version integer, at timestamptz, kind text, actor_id uuid, data text,
                 state bytea)
  language sql stable security definer set search_path = '' as $$
  with counted as (
    select i.event_ids, i.states,
      sum(cardinality(i.event_ids)) over (order by i.id rows unbounded preceding) - cardinality(i.event_ids) as before
    from (
      select * from assent.audit_inbox w where w.tenant_id = tenant and tenant = assent.tenant() order by w.id limit most
    ) i
  )
  select n.event_id, found.subject, found.version, found.at, found.kind, found.actor_id, found.data, n.state
  from counted c, unnest(c.event_ids, c.states) as n (event_id, state), lateral (
    (select 'run_' || assent.audit_hex(e.run_id) as subject, e.version, e.at, e.kind, e.actor_id, e.data::text as data
      from assent.audit_events e where e.tenant_id = tenant and e.event_id = n.event_id limit 1)
    union all
    (select f.subject, f.version, f.at, f.kind, f.actor_id, f.data::text
      from assent.audit_facts f where f.tenant_id = tenant and f.event_id = n.event_id limit 1)
  ) found
  where c.before < most
  order by n.event_id
$$;
