-- Messages to webhooks where hundreds of thousands of them wait. Each webhook's first one is asked for, in the order of the index: asked
-- whether "there exists" one, the planner gathered all that were due of all webhooks before it looked at the first.

create function assent.take_deliveries_in_turn(as_of timestamptz, taken_until timestamptz, busy uuid[], sending uuid[], most integer,
    of_one integer)
  returns table (tenant_id uuid, webhook_id uuid, url text, generation integer, previous_until timestamptz,
                 failures integer, id uuid, type text, event_at timestamptz, data json, attempt integer, counted integer)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  with open as materialized (
    select w.tenant_id, w.id, w.url, w.generation, w.previous_until, w.failures
    from assent.webhooks w
    where w.removed_at is null and w.off_because is null and (w.paused_until is null or w.paused_until <= as_of)
      and w.id <> all (busy)
      and (select s.due_at from assent.webhook_deliveries s
           where s.tenant_id = w.tenant_id and s.webhook_id = w.id and s.state = 'pending' order by s.due_at limit 1) <= as_of
    for no key update of w skip locked
  ), found as materialized (
    select o.*, d.id as delivery, d.due_at
    from open o
    cross join lateral (
      select s.id, s.due_at from assent.webhook_deliveries s
      where s.tenant_id = o.tenant_id and s.webhook_id = o.id and s.state = 'pending' and s.due_at <= as_of
      order by s.due_at limit case when o.failures = 0 then of_one else 1 end for update skip locked) d
  ), due as materialized (
    -- The tenant first that has the fewest hands, in the process that asks, and not whose messages are the oldest: a tenant with many slow
    -- receivers has old ones always.
    select f.* from (
      select g.*, cardinality(array_positions(sending, g.tenant_id))
          + row_number() over (partition by g.tenant_id order by g.due_at) as turn
      from found g) f
    order by f.turn, f.due_at limit most
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

-- For processes of the release before, which do not say for whom they send.
create or replace function assent.take_deliveries(as_of timestamptz, taken_until timestamptz, busy uuid[], most integer, of_one integer)
  returns table (tenant_id uuid, webhook_id uuid, url text, generation integer, previous_until timestamptz,
                 failures integer, id uuid, type text, event_at timestamptz, data json, attempt integer, counted integer)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from assent.take_deliveries_in_turn(as_of, taken_until, busy, '{}', most, of_one)
$$;

-- Since when the message could be sent that waits longest; null where none waits but for its time, or its receiver's.
create function assent.oldest_delivery(as_of timestamptz) returns timestamptz
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select min(greatest(d.due_at, w.paused_until))
  from assent.webhooks w
  cross join lateral (
    select s.due_at from assent.webhook_deliveries s
    where s.tenant_id = w.tenant_id and s.webhook_id = w.id and s.state = 'pending' order by s.due_at limit 1) d
  where w.removed_at is null and w.off_because is null and (w.paused_until is null or w.paused_until <= as_of) and d.due_at <= as_of
$$;

-- As before (0073).
create or replace function assent.due_or_waiting(as_of timestamptz, idle_before timestamptz, most integer)
  returns table (why text, tenant_id uuid, run_id uuid, token bigint, approval_id uuid)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select 'message', null::uuid, null::uuid, null::bigint, null::uuid where assent.oldest_delivery(as_of) is not null
  union all
  select q.why, q.tenant_id, q.run_id, q.token, q.approval_id from assent.due_or_queued(as_of, idle_before, most) q
$$;

revoke all on function assent.take_deliveries_in_turn, assent.oldest_delivery from public;
grant execute on function assent.take_deliveries_in_turn, assent.oldest_delivery to assent_app;
