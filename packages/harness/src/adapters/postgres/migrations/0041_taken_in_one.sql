-- What a worker asks to get its next run: one statement, which takes it, leases it and reads it, in the place of five.

-- As before, but a run is passed over only where another transaction changes it, not where rows that refer to it are being
-- written. And where nothing was found because all that is due was passed over, that is said, by a row of nulls: whoever has
-- it locked may leave it as it is, and it would wait for the next look, which can be seconds later.
create or replace function assent.take_next_queued(turn_after uuid, due_at timestamptz, newest_version integer)
  returns table (taken_tenant uuid, taken_run uuid)
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  start constant uuid := coalesce(turn_after, nobody);
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
    place := candidate;
  end loop;
end
$$;

-- As before, with that lock: who only refers to a run need not wait for who changes it.
create or replace function assent.whole_run(of_run uuid, of_approval uuid)
  returns table (run json, journal json, approval json) language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  tenant uuid := assent.tenant();
  found_run uuid := of_run;
begin
  if of_run is null then
    select a.run_id into found_run from assent.approvals a where a.tenant_id = tenant and a.id = of_approval;
  end if;
  perform from assent.runs r where r.tenant_id = tenant and r.id = found_run for no key update;
  if not found then return; end if;
  select row_to_json(x) into whole_run.run from (
    select r.id, r.driver, r.state, r.version, r.agent, encode(r.agent_version, 'hex') as agent_version, r.task,
      r.workspace_name, r.workspace_commit, r.model, r.labels, r.requested_by, p.kind as requester_kind,
      p.name as requester_name, r.reason_code, r.reason_detail, r.answer, r.attempt, r.fencing_token, r.created_at,
      r.updated_at, r.finished_at, r.redrive_of, r.traceparent
    from assent.runs r join assent.principals p on p.tenant_id = r.tenant_id and p.id = r.requested_by
    where r.tenant_id = tenant and r.id = found_run
  ) x;
  select json_agg(x) into whole_run.journal from (
    select s.seq, s.kind, s.name, s.state, s.effect, s.request, s.decision, s.approval_id, s.outcome, s.error,
      s.retried_by, s.started_at, s.finished_at
    from assent.steps s where s.tenant_id = tenant and s.run_id = found_run order by s.seq
  ) x;
  select row_to_json(x) into whole_run.approval from (
    select a.id, a.run_id, a.seq, a.state, a.subject, a.action, encode(a.action_digest, 'hex') as action_digest,
      a.summary, a.preview, a.precondition, a.decision, a.judgement, a.requirement, a.advice, a.edited_action,
      a.requested_at, a.expires_at, a.decided_at, a.decided_by, p.kind as decider_kind, p.name as decider_name, a.comment,
      (select count(*) from assent.approval_votes v where v.tenant_id = tenant and v.approval_id = a.id
        and v.action_digest = a.action_digest) as votes
    from assent.approvals a left join assent.principals p on p.tenant_id = a.tenant_id and p.id = a.decided_by
    where a.tenant_id = tenant and a.run_id = found_run
      and case when of_approval is null then a.state = 'approved' else a.id = of_approval end
    order by a.seq desc limit 1
  ) x;
  return next;
end
$$;

create or replace function assent.hold_run(of_tenant uuid, of_run uuid, token bigint, at_version integer, to_version integer)
  returns text language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run record;
begin
  perform set_config('assent.tenant', of_tenant::text, true);
  select r.state, r.version, r.fencing_token into run from assent.runs r
    where r.tenant_id = of_tenant and r.id = of_run for no key update;
  if run is null or run.fencing_token <> token then return 'lost'; end if;
  -- Nobody else writes under this token, so the version tells.
  if run.version = to_version and to_version > at_version then return 'written'; end if;
  if run.state <> 'running' or run.version <> at_version then return 'lost'; end if;
  return 'held';
end
$$;

-- A row of nulls: all that is due is locked by others. Neither leased nor failed: its attempts are used up, and it has to be ended by who can say so. Failed: something about
-- this very run keeps it from being leased; nothing of it is changed. What the database cannot do at all is an error.
create function assent.take_leased(turn_after uuid, due_at timestamptz, newest_version integer, worker integer,
                                   until timestamptz, attempts_max integer)
  returns table (taken_tenant uuid, taken_run uuid, is_leased boolean, failure text, run json, journal json, approval json)
  language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  leased record;
  data text;
begin
  select t.taken_tenant, t.taken_run into take_leased.taken_tenant, take_leased.taken_run
    from assent.take_next_queued(turn_after, due_at, newest_version) t;
  if not found then return; end if;
  if take_leased.taken_run is null then
    return next;
    return;
  end if;
  perform set_config('assent.tenant', take_leased.taken_tenant::text, true);
  is_leased := false;
  begin
    update assent.runs r set lease_worker = worker, lease_until = until, fencing_token = r.fencing_token + 1,
        state = 'running', version = r.version + 1, attempt = r.attempt + 1, updated_at = due_at,
        reason_code = null, reason_detail = null
      where r.tenant_id = take_leased.taken_tenant and r.id = take_leased.taken_run and r.attempt < attempts_max
      returning r.version, r.fencing_token, r.attempt into leased;
    if found then
      data := format('{"attempt":%s,"fencing_token":%s,"state":"running","worker":%s}',
        leased.attempt, leased.fencing_token, worker);
      -- Digested as every event is (core/audit/event.ts): its canonical form after the name of what it is.
      insert into assent.audit_events (tenant_id, run_id, version, at, kind, actor_id, data, digest)
        values (take_leased.taken_tenant, take_leased.taken_run, leased.version, due_at, 'run_leased', null, data::json,
          sha256(convert_to(format(E'assent/event/v1\n{"actor":null,"at":"%s","data":%s,"kind":"run_leased","run_id":"run_%s","v":1,"version":%s}',
            to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), data,
            assent.audit_hex(take_leased.taken_run), leased.version), 'UTF8')));
      select w.run, w.journal, w.approval into take_leased.run, take_leased.journal, take_leased.approval
        from assent.whole_run(take_leased.taken_run, null) w;
      is_leased := true;
    end if;
  exception when others then
    if sqlstate ~ '^(?:08|40|53|55|57|58|25P0|XX|AS016)' then raise; end if;
    is_leased := false;
    failure := sqlerrm;
    take_leased.run := null;
    take_leased.journal := null;
    take_leased.approval := null;
  end;
  return next;
end
$$;

revoke all on function assent.take_leased from public;
grant execute on function assent.take_leased to assent_app;
