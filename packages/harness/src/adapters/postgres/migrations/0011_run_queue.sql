-- The queue is the run's own row (docs/decisions/0008): a run that is queued and due is a message, and taking it is the
-- same transaction as leasing it. So there is nothing to deliver twice, to lose, or to clean up after.

-- Which format a program must understand to go on with what was queued. A worker takes what it understands and leaves
-- the rest queued for a newer one: nothing is lost in a rolling upgrade, whoever queued it.
alter table assent.runs add column message_version smallint not null default 1 check (message_version >= 1);

drop index assent.runs_queued;
create index runs_ready on assent.runs (tenant_id, wake_at, id) where state = 'queued' and driver = 'assent';

-- The next run that is due, of the tenant that follows the given one in turn, locked until the transaction ends. Tenants
-- take turns, so that however much one has queued, each other waits for one run of it and no more. Runs that another
-- transaction is taking are passed over. Ids only; the caller's tenant has to be set before anything else is seen.
create function assent.take_queued(turn_after uuid, due_at timestamptz, newest_version integer)
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
    select r.tenant_id into candidate from assent.runs r
    where r.state = 'queued' and r.driver = 'assent' and r.tenant_id > place
    order by r.tenant_id limit 1;
    if candidate is null then
      if is_second_round then return; end if;
      is_second_round := true;
      place := nobody;
      continue;
    end if;
    if is_second_round and candidate > start then return; end if;
    select r.id into found_run from assent.runs r
    where r.tenant_id = candidate and r.state = 'queued' and r.driver = 'assent'
      and r.wake_at <= due_at and r.message_version <= newest_version
    order by r.wake_at, r.id limit 1
    for update skip locked;
    if found_run is not null then
      return query select candidate, found_run;
      return;
    end if;
    place := candidate;
  end loop;
end
$$;

-- As before without the runs whose message was lost: there is no message beside the run any more. The older function
-- stays for processes of the version before, which run beside this one during an upgrade.
create function assent.due(at timestamptz, idle_before timestamptz, most integer)
  returns table (why text, tenant_id uuid, run_id uuid, token bigint, approval_id uuid)
  language sql stable security definer set search_path = '' as $$
  select d.why, d.tenant_id, d.run_id, d.token, d.approval_id
  from assent.due(at, '-infinity'::timestamptz, idle_before, most) d
$$;

revoke all on function assent.take_queued(uuid, timestamptz, integer) from public;
revoke all on function assent.due(timestamptz, timestamptz, integer) from public;
grant execute on function assent.take_queued(uuid, timestamptz, integer),
  assent.due(timestamptz, timestamptz, integer) to assent_app;
