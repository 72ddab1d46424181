-- As before (0074), but that an attempt of which nobody said what became of it says nothing of the receiver: whoever made it has died. A
-- program that dies again and again had used up a message's attempts within minutes. While one is under way, its status is 0.
-- And webhooks are chosen before they are locked: all that were due were, and four messages of each, whenever a hand was free.

create or replace function assent.take_deliveries_in_turn(as_of timestamptz, taken_until timestamptz, busy uuid[], sending uuid[], most integer,
    of_one integer)
  returns table (tenant_id uuid, webhook_id uuid, url text, generation integer, previous_until timestamptz,
                 failures integer, id uuid, type text, event_at timestamptz, data json, attempt integer, counted integer)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  with open as materialized (
    select w.tenant_id, w.id, (
        select s.due_at from assent.webhook_deliveries s
        where s.tenant_id = w.tenant_id and s.webhook_id = w.id and s.state = 'pending' order by s.due_at limit 1) as first_due
    from assent.webhooks w
    where w.removed_at is null and w.off_because is null and (w.paused_until is null or w.paused_until <= as_of)
      and w.id <> all (busy)
  ), chosen as materialized (
    -- No more than could be taken, and as many again that another process may be at just now: to lock a row is to write it.
    select w.tenant_id, w.id, w.url, w.generation, w.previous_until, w.failures
    from (
      select o.tenant_id, o.id from open o where o.first_due <= as_of
      order by cardinality(array_positions(sending, o.tenant_id))
          + row_number() over (partition by o.tenant_id order by o.first_due), o.first_due
      limit 2 * most) c
    join assent.webhooks w on w.tenant_id = c.tenant_id and w.id = c.id
    where w.removed_at is null and w.off_because is null and (w.paused_until is null or w.paused_until <= as_of)
    for no key update of w skip locked
  ), found as materialized (
    select o.*, d.id as delivery, d.due_at
    from chosen o
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
    update assent.webhook_deliveries d
    set attempts = d.attempts + 1, due_at = taken_until, status = 0,
      uncounted = d.uncounted + case when d.status = 0 then 1 else 0 end
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
