-- How full the queue is, for admission: counts of at most so many rows, so that asking costs the same however full it
-- is. Of other tenants nothing is told but their sum.
create function assent.queue_load(of_tenant uuid, due_at timestamptz, most integer)
  returns table (queued bigint, queued_of_tenant bigint, oldest timestamptz)
  language sql stable security definer set search_path = '' as $$
  select
    (select count(*) from (
       select from assent.runs r where r.state = 'queued' and r.driver = 'assent' limit most) every_tenant),
    (select count(*) from (
       select from assent.runs r
       where r.tenant_id = of_tenant and r.state = 'queued' and r.driver = 'assent' limit most) own_runs),
    (select min(due.wake_at) from (
       select r.wake_at from assent.runs r
       where r.state = 'queued' and r.driver = 'assent' and r.wake_at <= due_at limit most) due)
$$;
revoke all on function assent.queue_load(uuid, timestamptz, integer) from public;
grant execute on function assent.queue_load(uuid, timestamptz, integer) to assent_app;
