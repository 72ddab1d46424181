-- What one commit of a run writes, in one statement: a commit then costs one round trip, and no transaction stays open
-- while the program thinks. Groups that are left out write nothing. Rows and triggers are the same as before.

-- Events come last: what is filed with them is how their objects look when all has been written.
create function assent.write_run(
  of_run uuid, to_state text, to_version integer, at timestamptz,
  attempts integer, ended timestamptz default null, why_code text default null, why text default null,
  answer_given text default null, wake timestamptz default null, format integer default null,
  event_versions integer[] default null, event_kinds text[] default null, event_actor uuid default null,
  event_data json[] default null, event_digests bytea[] default null,
  opened_seqs integer[] default null, opened_kinds text[] default null, opened_names text[] default null,
  opened_states text[] default null, opened_effects text[] default null, opened_requests json[] default null,
  opened_decisions json[] default null, opened_approvals uuid[] default null, opened_outcomes json[] default null,
  opened_errors json[] default null, opened_ends timestamptz[] default null, opened_compensates integer[] default null,
  changed_seqs integer[] default null, changed_states text[] default null, changed_outcomes json[] default null,
  changed_errors json[] default null, changed_starts timestamptz[] default null, changed_ends timestamptz[] default null,
  changed_retries integer[] default null,
  settled uuid default null, settled_input bigint default null, settled_output bigint default null,
  settled_microdollars bigint default null, charge_all boolean default false,
  decided uuid[] default null, decided_from text[] default null, decided_to text[] default null,
  decided_digests bytea[] default null, decided_edits json[] default null, decided_at timestamptz[] default null,
  decided_by uuid[] default null, decided_comments text[] default null, decided_preconditions text[] default null,
  decided_previews text[] default null, decided_judgements json[] default null,
  asked uuid default null, asked_seq integer default null, asked_subject text default null,
  asked_action json default null, asked_digest bytea default null, asked_summary text default null,
  asked_preview text default null, asked_precondition text default null, asked_decision json default null,
  asked_judgement json default null, asked_requirement json default null, asked_advice json default null,
  asked_at timestamptz default null, asked_until timestamptz default null, asked_manifest_digest bytea default null,
  asked_manifest json default null)
  returns boolean language plpgsql set search_path = '' as $$
declare
  tenant uuid := assent.tenant();
  done integer;
begin
  if decided is not null then
    update assent.approvals a set state = d.state, action_digest = d.digest, edited_action = d.edit, decided_at = d.at,
        decided_by = d.by, comment = d.comment, precondition = d.precondition, preview = d.preview,
        judgement = d.judgement
      from unnest(decided, decided_from, decided_to, decided_digests, decided_edits, write_run.decided_at,
          write_run.decided_by, decided_comments, decided_preconditions, decided_previews, decided_judgements)
        as d (id, before, state, digest, edit, at, by, comment, precondition, preview, judgement)
      where a.tenant_id = tenant and a.id = d.id and a.state = d.before;
    get diagnostics done = row_count;
    if done <> cardinality(decided) then
      raise exception 'an approval of run % is decided or spent already', of_run using errcode = 'AS006';
    end if;
  end if;
  if opened_seqs is not null then
    insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, decision, approval_id, outcome,
        error, started_at, finished_at, compensates)
      select tenant, of_run, s.seq, s.kind, s.name, s.state, s.effect, s.request, s.decision, s.approval, s.outcome,
        s.error, write_run.at, s.finished, s.compensates
      from unnest(opened_seqs, opened_kinds, opened_names, opened_states, opened_effects, opened_requests,
          opened_decisions, opened_approvals, opened_outcomes, opened_errors, opened_ends, opened_compensates)
        as s (seq, kind, name, state, effect, request, decision, approval, outcome, error, finished, compensates);
  end if;
  if changed_seqs is not null then
    update assent.steps s set state = c.state, outcome = c.outcome, error = c.error, started_at = c.started,
        finished_at = c.finished, retried_by = c.retried
      from unnest(changed_seqs, changed_states, changed_outcomes, changed_errors, changed_starts, changed_ends,
          changed_retries) as c (seq, state, outcome, error, started, finished, retried)
      where s.tenant_id = tenant and s.run_id = of_run and s.seq = c.seq;
    get diagnostics done = row_count;
    if done <> cardinality(changed_seqs) then
      raise exception 'run %: a step that changes is in the journal', of_run using errcode = 'AS001';
    end if;
  end if;
  if asked is not null then
    if asked_manifest is not null then
      insert into assent.tool_manifests (tenant_id, digest, manifest)
        values (tenant, asked_manifest_digest, asked_manifest) on conflict do nothing;
    end if;
    insert into assent.approvals (tenant_id, id, run_id, seq, state, subject, action, action_digest, summary, preview,
        precondition, decision, judgement, requirement, advice, requested_at, expires_at)
      values (tenant, asked, of_run, asked_seq, 'open', asked_subject, asked_action, asked_digest, asked_summary,
        asked_preview, asked_precondition, asked_decision, asked_judgement, asked_requirement, asked_advice,
        write_run.asked_at, asked_until);
  end if;
  if settled is not null then
    perform assent.settle_budget(settled, settled_input, settled_output, settled_microdollars);
  end if;
  if charge_all then perform assent.charge_reservations(of_run); end if;
  update assent.runs r set state = to_state, version = to_version, reason_code = why_code, reason_detail = why,
      answer = answer_given, attempt = attempts, finished_at = ended, updated_at = write_run.at,
      wake_at = coalesce(wake, r.wake_at),
      message_version = case when to_state = 'queued' then format else r.message_version end,
      lease_worker = case when to_state = 'running' then r.lease_worker end,
      lease_until = case when to_state = 'running' then r.lease_until end
    where r.tenant_id = tenant and r.id = of_run;
  if not found then raise exception 'run % is not there', of_run using errcode = 'AS001'; end if;
  insert into assent.audit_events (tenant_id, run_id, version, at, kind, actor_id, data, digest)
    select tenant, of_run, e.version, write_run.at, e.kind, event_actor, e.data, e.digest
    from unnest(event_versions, event_kinds, event_data, event_digests) as e (version, kind, data, digest);
  return true;
end
$$;

-- 'held': locked, and under this lease at this version. 'written': an attempt whose answer was lost was kept after all.
-- 'lost': the lease is another's.
create function assent.hold_run(of_tenant uuid, of_run uuid, token bigint, at_version integer, to_version integer)
  returns text language plpgsql set search_path = '' as $$
declare
  run record;
begin
  perform set_config('assent.tenant', of_tenant::text, true);
  select r.state, r.version, r.fencing_token into run from assent.runs r
    where r.tenant_id = of_tenant and r.id = of_run for update;
  if run is null or run.fencing_token <> token then return 'lost'; end if;
  -- Nobody else writes under this token, so the version tells.
  if run.version = to_version and to_version > at_version then return 'written'; end if;
  if run.state <> 'running' or run.version <> at_version then return 'lost'; end if;
  return 'held';
end
$$;

-- Sets aside what a call may cost, under the lease.
create function assent.begin_call(
  of_tenant uuid, of_run uuid, token bigint, at_version integer, to_version integer,
  settled uuid, settled_input bigint, settled_output bigint, settled_microdollars bigint,
  reservation uuid, of_step integer, asked_model text, at timestamptz, names text[],
  input_max bigint[], output_max bigint[], microdollars_max bigint[],
  input bigint, output bigint, microdollars bigint, step_calls_max integer, retries_max integer)
  returns table (hold text, refused text, at_account text, spent bigint, reserved bigint, most bigint, calls_of_step integer)
  language plpgsql set search_path = '' as $$
begin
  hold := assent.hold_run(of_tenant, of_run, token, at_version, to_version);
  if hold = 'lost' then return next; return; end if;
  if hold = 'held' and exists (
    select 1 from assent.budget_reservations r where r.tenant_id = of_tenant and r.id = reservation
  ) then hold := 'written'; end if;
  if hold = 'written' then
    select a.step_calls into calls_of_step from assent.budget_accounts a
      where a.tenant_id = of_tenant and a.run_id = of_run;
    return next; return;
  end if;
  -- First what the call before cost, or that would stand in this one's way.
  if settled is not null then
    perform assent.settle_budget(settled, settled_input, settled_output, settled_microdollars);
  end if;
  return query select hold, b.* from assent.reserve_budget(reservation, of_run, of_step, asked_model, at, names,
    input_max, output_max, microdollars_max, input, output, microdollars, step_calls_max, retries_max) b;
end
$$;

-- Gives a queued run that is locked to a worker, and records it.
create function assent.lease_run(
  of_run uuid, worker integer, at timestamptz, until timestamptz, event_version integer, event_data json,
  event_digest bytea)
  returns bigint language plpgsql set search_path = '' as $$
declare
  tenant uuid := assent.tenant();
  token bigint;
begin
  update assent.runs r set lease_worker = worker, lease_until = until, fencing_token = r.fencing_token + 1,
      state = 'running', version = event_version, attempt = r.attempt + 1, updated_at = lease_run.at,
      reason_code = null, reason_detail = null
    where r.tenant_id = tenant and r.id = of_run and r.version = event_version - 1
    returning r.fencing_token into token;
  if token is null then raise exception 'run % is not as it was locked', of_run using errcode = 'AS001'; end if;
  insert into assent.audit_events (tenant_id, run_id, version, at, kind, actor_id, data, digest)
    values (tenant, of_run, event_version, lease_run.at, 'run_leased', null, event_data, event_digest);
  return token;
end
$$;

revoke all on function assent.write_run, assent.hold_run, assent.begin_call, assent.lease_run from public;
grant execute on function assent.write_run, assent.hold_run, assent.begin_call, assent.lease_run to assent_app;
