-- As before, and how long this tenant's own oldest run has been due: tenants take turns, so what another has queued says
-- nothing of how long one's own runs will wait. Runs that no program of this version understands are not late: they wait
-- for a newer one. The older function stays for processes of the version before.
create function assent.queue_load(of_tenant uuid, due_at timestamptz, most integer, newest_version integer)
  returns table (queued bigint, queued_of_tenant bigint, oldest timestamptz, oldest_of_tenant timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $$
  select
    (select count(*) from (
       select from assent.runs r where r.state = 'queued' and r.driver = 'assent' limit most) every_tenant),
    (select count(*) from (
       select from assent.runs r
       where r.tenant_id = of_tenant and r.state = 'queued' and r.driver = 'assent' limit most) own_runs),
    (select min(due.wake_at) from (
       select r.wake_at from assent.runs r
       where r.state = 'queued' and r.driver = 'assent' and r.wake_at <= due_at
         and r.message_version <= newest_version limit most) due),
    (select r.wake_at from assent.runs r
     where r.tenant_id = of_tenant and r.state = 'queued' and r.driver = 'assent' and r.wake_at <= due_at
       and r.message_version <= newest_version
     order by r.wake_at limit 1)
$$;
revoke all on function assent.queue_load(uuid, timestamptz, integer, integer) from public;
grant execute on function assent.queue_load(uuid, timestamptz, integer, integer) to assent_app;
