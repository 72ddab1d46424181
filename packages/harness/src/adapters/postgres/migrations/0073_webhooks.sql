-- Where a tenant is told of what happens (Standard Webhooks), and each message with what became of it. A message is written by the very
-- statement that writes its event, so there is none of what was undone, and none is lost.

create table assent.webhooks (
  tenant_id uuid not null,
  id uuid not null,
  -- Of one tenant's there are so many at most; a place that is left is taken again.
  slot smallint not null check (slot between 0 and 19),
  url text not null check (length(url) <= 2048),
  events text[] not null check (cardinality(events) between 1 and 20),
  description text not null check (length(description) <= 200),
  -- Null: nothing is sent, since that reason was found. What waits stays.
  off_because text check (off_because in ('gone')),
  -- Of the secret, which is derived from the installation's and is nowhere; the one before it is good until then as well.
  generation integer not null default 1 check (generation >= 1),
  previous_until timestamptz,
  -- In a row, the last one among them.
  failures integer not null default 0 check (failures >= 0),
  paused_until timestamptz,
  created_at timestamptz not null,
  created_by uuid not null,
  removed_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, created_by) references assent.principals
);
create unique index webhooks_slot on assent.webhooks (tenant_id, slot) where removed_at is null;

create table assent.webhook_deliveries (
  tenant_id uuid not null,
  id uuid not null,
  webhook_id uuid not null,
  type text not null,
  -- Of the event.
  at timestamptz not null,
  -- What is sent; written once, so that a repeat says the same.
  data json not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
  -- Begun. Whoever ends one says which it was: the number is its fencing token.
  attempts integer not null default 0,
  -- Of them those that say nothing of the receiver: before somebody asked for it again, or called off by ourselves.
  uncounted integer not null default 0 check (uncounted between 0 and attempts),
  -- When the next attempt may begin; of one that is under way, when it counts as lost.
  due_at timestamptz not null,
  -- Since the event, or since somebody asked for it again.
  waits_since timestamptz not null,
  status integer,
  failure text check (length(failure) <= 100),
  ended_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, webhook_id) references assent.webhooks,
  check ((state = 'pending') = (ended_at is null))
);
create index webhook_deliveries_due on assent.webhook_deliveries (tenant_id, webhook_id, due_at) where state = 'pending';
create index webhook_deliveries_newest on assent.webhook_deliveries (webhook_id, at, id);
create index webhook_deliveries_waiting on assent.webhook_deliveries (waits_since) where state = 'pending';
create index webhook_deliveries_ended on assent.webhook_deliveries (ended_at) where state <> 'pending';

do $$
declare
  name text;
begin
  foreach name in array array['webhooks', 'webhook_deliveries']
  loop
    execute format('alter table assent.%I enable row level security', name);
    execute format('alter table assent.%I force row level security', name);
    execute format(
      'create policy tenant_wall on assent.%I to assent_app
         using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant())', name);
    execute format('create policy owner on assent.%I to current_user using (true) with check (true)', name);
  end loop;
end
$$;

-- A thin message: what it is about can be asked for, by whoever may see it.
create function assent.note_for_webhooks() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare
  type_of_it constant text := case
    when new.kind = 'approval_opened' then 'approval.requested'
    when new.kind like 'approval\_%' then 'approval.decided'
    when new.kind = 'effects_left' then 'run.effects_left'
    else 'run.ended'
  end;
begin
  insert into assent.webhook_deliveries (tenant_id, id, webhook_id, type, at, data, due_at, waits_since)
    select new.tenant_id, gen_random_uuid(), w.id, type_of_it, new.at,
      json_strip_nulls(json_build_object(
        'run_id', 'run_' || replace(new.run_id::text, '-', ''),
        'version', new.version,
        'agent', r.agent,
        'status', case when type_of_it = 'run.ended' then substr(new.kind, 5) end,
        'approval_id', new.data ->> 'approval_id',
        'subject', case when type_of_it = 'approval.requested' then new.data ->> 'subject' end,
        'tool', case when type_of_it = 'approval.requested' then new.data ->> 'tool' end,
        'expires_at', case when type_of_it = 'approval.requested' then new.data ->> 'expires_at' end,
        'decision', case when type_of_it = 'approval.decided' then substr(new.kind, 10) end)),
      new.at, new.at
    from assent.webhooks w
    join assent.runs r on r.tenant_id = w.tenant_id and r.id = new.run_id
    where w.tenant_id = new.tenant_id and w.removed_at is null and w.off_because is null
      and type_of_it = any (w.events);
  return null;
end
$$;
create trigger audit_events_told after insert on assent.audit_events
  for each row when (new.kind in ('approval_opened', 'approval_approved', 'approval_denied', 'approval_confirmed',
    'approval_expired', 'approval_cancelled', 'run_succeeded', 'run_failed', 'run_cancelled', 'run_dead_lettered', 'effects_left'))
  execute function assent.note_for_webhooks();

-- What is due, of any tenant, taken until then. A webhook that failed last is tried with one message at a time, and no other is sent
-- to it meanwhile.
create function assent.take_deliveries(as_of timestamptz, taken_until timestamptz, busy uuid[], most integer, of_one integer)
  returns table (tenant_id uuid, webhook_id uuid, url text, generation integer, previous_until timestamptz,
                 failures integer, id uuid, type text, event_at timestamptz, data json, attempt integer, counted integer)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  with open as materialized (
    select w.tenant_id, w.id, w.url, w.generation, w.previous_until, w.failures
    from assent.webhooks w
    where w.removed_at is null and w.off_because is null and (w.paused_until is null or w.paused_until <= as_of)
      and w.id <> all (busy)
      and exists (select from assent.webhook_deliveries d where d.tenant_id = w.tenant_id and d.webhook_id = w.id
                    and d.state = 'pending' and d.due_at <= as_of)
    for no key update of w skip locked
  ), due as materialized (
    select o.*, d.id as delivery
    from open o
    cross join lateral (
      select s.id, s.due_at from assent.webhook_deliveries s
      where s.tenant_id = o.tenant_id and s.webhook_id = o.id and s.state = 'pending' and s.due_at <= as_of
      order by s.due_at limit case when o.failures = 0 then of_one else 1 end for update skip locked) d
    order by d.due_at limit most
  ), taken as (
    update assent.webhook_deliveries d set attempts = d.attempts + 1, due_at = taken_until
    from due where d.tenant_id = due.tenant_id and d.id = due.delivery
    returning due.tenant_id, due.id as webhook_id, due.url, due.generation, due.previous_until, due.failures,
      d.id, d.type, d.at as event_at, d.data, d.attempts, d.attempts - d.uncounted as counted
  ), probed as (
    update assent.webhooks w set paused_until = taken_until
    from due where w.tenant_id = due.tenant_id and w.id = due.id and due.failures > 0
  )
  select t.tenant_id, t.webhook_id, t.url, t.generation, t.previous_until, t.failures, t.id, t.type, t.event_at, t.data, t.attempts,
    t.counted
  from taken t
$$;

-- As before (0068), and whether any message is to be sent: in the one look of an idle process, so that telling nobody costs nothing. A
-- function of its own: processes of the release before know no such row.
create function assent.due_or_waiting(as_of timestamptz, idle_before timestamptz, most integer)
  returns table (why text, tenant_id uuid, run_id uuid, token bigint, approval_id uuid)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select 'message', null::uuid, null::uuid, null::bigint, null::uuid
  where exists (
    select from assent.webhooks w
    where w.removed_at is null and w.off_because is null and (w.paused_until is null or w.paused_until <= as_of)
      and exists (select from assent.webhook_deliveries d where d.tenant_id = w.tenant_id and d.webhook_id = w.id
                    and d.state = 'pending' and d.due_at <= as_of))
  union all
  select q.why, q.tenant_id, q.run_id, q.token, q.approval_id from assent.due_or_queued(as_of, idle_before, most) q
$$;

-- A message that nobody took for so long is no news any more; what has ended is kept for a while, to be looked at.
create function assent.sweep_deliveries(as_of timestamptz, dead_before timestamptz, gone_before timestamptz, most integer) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  behind constant interval := greatest(as_of - pg_catalog.clock_timestamp(), interval '0');
  swept integer;
  now_swept integer;
begin
  -- By a clock that is ahead of the database's nothing ends earlier.
  update assent.webhook_deliveries d set state = 'dead', failure = 'too_old', ended_at = as_of where d.ctid in (
    select s.ctid from assent.webhook_deliveries s
    where s.state = 'pending' and s.waits_since < dead_before - behind and s.due_at <= as_of limit most for update skip locked);
  get diagnostics swept = row_count;
  delete from assent.webhook_deliveries d where d.ctid in (
    select s.ctid from assent.webhook_deliveries s
    where s.state <> 'pending' and s.ended_at < gone_before - behind limit most for update skip locked);
  get diagnostics now_swept = row_count;
  return swept + now_swept;
end
$$;

grant select, insert, update on assent.webhooks, assent.webhook_deliveries to assent_app;
revoke all on function assent.note_for_webhooks, assent.take_deliveries, assent.due_or_waiting, assent.sweep_deliveries from public;
grant execute on function assent.take_deliveries, assent.due_or_waiting, assent.sweep_deliveries to assent_app;
