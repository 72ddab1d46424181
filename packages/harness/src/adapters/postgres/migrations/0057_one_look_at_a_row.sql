-- What a commit of a run costs in the database. What is demanded of rows and what is written stay the same.

-- --- one look at each row --------------------------------------------------------------------------------------

-- A check is read from its text, and planned, at each statement that writes the table; so is the condition of a trigger; and
-- a transition was looked up by a statement of its own. A run changes ten times, its steps as often: together they were
-- a tenth of what Postgres did for it. Here each table has one check, and one function that looks at what changes; both are
-- planned once a connection.

-- Compares with constants; migrations that change assent.legal_transitions call this, and a test compares the two.
create procedure assent.compile_transitions() language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format(
    'create or replace function assent.is_transition_legal(machine text, before text, after text) returns boolean
       language sql immutable parallel safe
       return machine || '':'' || before || '':'' || after = any (array[%s])',
    (select string_agg(quote_literal(t.machine || ':' || t.from_state || ':' || t.to_state), ', '
        order by t.machine, t.from_state, t.to_state) from assent.legal_transitions t));
end
$$;
call assent.compile_transitions();
revoke all on procedure assent.compile_transitions from public;
revoke all on function assent.is_transition_legal from public;
grant execute on function assent.is_transition_legal to assent_app;

-- As a check would say it, with its name.
create function assent.refuse_row(of_table text, what text) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'new row for relation "%" violates check constraint "%"', of_table, what
    using errcode = 'check_violation', schema = 'assent', table = of_table, constraint = what;
end
$$;
revoke all on function assent.refuse_row from public;
grant execute on function assent.refuse_row to assent_app;

create function assent.guard_run() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if new.redrive_of is not null then
      if not exists (
        select 1 from assent.runs r
        where r.tenant_id = new.tenant_id and r.id = new.redrive_of and r.state = 'dead_lettered'
      ) then
        raise exception 'run % redrives %, which is no dead letter', new.id, new.redrive_of using errcode = 'AS004';
      end if;
    end if;
    if assent.is_transition_legal('run', '', new.state) is not true then
      raise exception 'illegal transition of a run:  -> %', new.state using errcode = 'AS001';
    end if;
  else
    if new.driver = 'external' and (new.lease_until is not null or new.state = 'awaiting_approval'
        or new.state = 'queued' and old.state <> 'queued') then
      if not exists (
        select 1 from assent.steps s
        where s.tenant_id = new.tenant_id and s.run_id = new.id and s.kind = 'rollback' and s.state = 'intended'
      ) then
        raise exception 'run %: a driven run is queued, leased or parked only to be taken back', new.id
          using errcode = 'AS005';
      end if;
    end if;
    if old.driver is distinct from new.driver then
      raise exception 'run %: who drives a run never changes', new.id using errcode = 'AS004';
    end if;
    if old.redrive_of is distinct from new.redrive_of then
      raise exception 'run %: what a run redrives never changes', new.id using errcode = 'AS004';
    end if;
    if new.state is distinct from old.state then
      if new.state in ('succeeded', 'failed', 'cancelled', 'dead_lettered') then
        if exists (
          select 1 from assent.steps s
          where s.tenant_id = new.tenant_id and s.run_id = new.id and s.kind = 'rollback'
            and (new.state = 'succeeded' or (s.state = 'intended' and new.state <> 'dead_lettered'))
        ) then
          raise exception 'run % cannot be % while or after it is taken back', new.id, new.state using errcode = 'AS005';
        end if;
      end if;
      if assent.is_transition_legal('run', old.state, new.state) is not true then
        raise exception 'illegal transition of a run: % -> %', old.state, new.state using errcode = 'AS001';
      end if;
    end if;
    if new.version < old.version or (new.state <> old.state and new.version = old.version) then
      raise exception 'run %: a change of state must raise the version', new.id using errcode = 'AS002';
    end if;
  end if;
  return new;
end
$$;

create function assent.guard_step() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if assent.is_transition_legal('step', '', new.state) is not true then
      raise exception 'illegal transition of a step:  -> %', new.state using errcode = 'AS001';
    end if;
  elsif new.state is distinct from old.state then
    if assent.is_transition_legal('step', old.state, new.state) is not true then
      raise exception 'illegal transition of a step: % -> %', old.state, new.state using errcode = 'AS001';
    end if;
  end if;
  return new;
end
$$;

create function assent.guard_approval() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if assent.is_transition_legal('approval', '', new.state) is not true then
      raise exception 'illegal transition of a approval:  -> %', new.state using errcode = 'AS001';
    end if;
  elsif new.state is distinct from old.state then
    if assent.is_transition_legal('approval', old.state, new.state) is not true then
      raise exception 'illegal transition of a approval: % -> %', old.state, new.state using errcode = 'AS001';
    end if;
  end if;
  return new;
end
$$;

-- Checks stay checks, so that rows which no trigger sees (of a restored dump) meet them as well; but one a table, which says
-- what each of those before it said, under its name. As there: what is not known is no violation, and columns that must not
-- be null say so themselves.
create function assent.is_run_sound(
  state text, version integer, attempt integer, workspace_name text, workspace_commit text, driver text, finished_at timestamptz,
  lease_worker integer, lease_until timestamptz, message_version smallint, traceparent text)
  returns boolean language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if attempt < 0 then perform assent.refuse_row('runs', 'runs_attempt_check'); end if;
  if (workspace_name is null) <> (workspace_commit is null) then perform assent.refuse_row('runs', 'runs_check'); end if;
  if (state in ('succeeded', 'failed', 'cancelled', 'dead_lettered')) <> (finished_at is not null) then
    perform assent.refuse_row('runs', 'runs_check3');
  end if;
  if driver not in ('assent', 'external') then perform assent.refuse_row('runs', 'runs_driver_check'); end if;
  if (lease_until is null) <> (lease_worker is null) or (lease_until is not null and state <> 'running')
    or (driver <> 'external' and state = 'running' and lease_until is null)
  then perform assent.refuse_row('runs', 'runs_lease'); end if;
  if message_version < 1 then perform assent.refuse_row('runs', 'runs_message_version_check'); end if;
  if version < 1 then perform assent.refuse_row('runs', 'runs_version_check'); end if;
  if traceparent !~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' then
    perform assent.refuse_row('runs', 'runs_traceparent_check');
  end if;
  return true;
end
$$;

create function assent.is_step_sound(seq integer, kind text, effect text, compensates integer)
  returns boolean language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if compensates is not null and (kind <> 'tool' or compensates < 1 or compensates > seq - 1) then
    perform assent.refuse_row('steps', 'steps_compensates');
  end if;
  if effect not in ('none', 'idempotent', 'once') then perform assent.refuse_row('steps', 'steps_effect_check'); end if;
  if kind not in ('model', 'tool', 'gate', 'finalise', 'rollback') then
    perform assent.refuse_row('steps', 'steps_kind_check');
  end if;
  if seq < 1 then perform assent.refuse_row('steps', 'steps_seq_check'); end if;
  return true;
end
$$;

create function assent.is_approval_sound(action_digest bytea, subject text)
  returns boolean language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if octet_length(action_digest) <> 32 then perform assent.refuse_row('approvals', 'approvals_action_digest_check'); end if;
  if subject not in ('action', 'in_doubt') then perform assent.refuse_row('approvals', 'approvals_subject_check'); end if;
  return true;
end
$$;

create function assent.is_budget_account_sound(
  account text, run_id uuid, input_spent bigint, output_spent bigint, microdollars_spent bigint, input_reserved bigint,
  output_reserved bigint, microdollars_reserved bigint)
  returns boolean language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if account !~ '^(run:[0-9a-f]{32}|day:[0-9]{4}-[0-9]{2}-[0-9]{2}|total)$' then
    perform assent.refuse_row('budget_accounts', 'budget_accounts_account_check');
  end if;
  if (account like 'run:%') <> (run_id is not null) then
    perform assent.refuse_row('budget_accounts', 'budget_accounts_check');
  end if;
  if least(input_spent, output_spent, microdollars_spent, input_reserved, output_reserved, microdollars_reserved) < 0 then
    perform assent.refuse_row('budget_accounts', case
      when input_reserved < 0 then 'budget_accounts_input_reserved_check'
      when input_spent < 0 then 'budget_accounts_input_spent_check'
      when microdollars_reserved < 0 then 'budget_accounts_microdollars_reserved_check'
      when microdollars_spent < 0 then 'budget_accounts_microdollars_spent_check'
      when output_reserved < 0 then 'budget_accounts_output_reserved_check'
      else 'budget_accounts_output_spent_check' end);
  end if;
  return true;
end
$$;

-- In the same transaction, so that no row is written past them.
alter table assent.runs drop constraint runs_attempt_check, drop constraint runs_check, drop constraint runs_check3,
  drop constraint runs_driver_check, drop constraint runs_lease, drop constraint runs_message_version_check,
  drop constraint runs_traceparent_check, drop constraint runs_version_check,
  add constraint runs_sound check (assent.is_run_sound(state, version, attempt, workspace_name, workspace_commit, driver,
    finished_at, lease_worker, lease_until, message_version, traceparent));
drop trigger runs_driven on assent.runs;
drop trigger runs_driver on assent.runs;
drop trigger runs_redrive on assent.runs;
drop trigger runs_redrive_fixed on assent.runs;
drop trigger runs_rollback on assent.runs;
drop trigger runs_transition on assent.runs;
drop trigger runs_version on assent.runs;
create trigger runs_guarded before insert or update on assent.runs for each row execute function assent.guard_run();

alter table assent.steps drop constraint steps_compensates, drop constraint steps_effect_check,
  drop constraint steps_kind_check, drop constraint steps_seq_check,
  add constraint steps_sound check (assent.is_step_sound(seq, kind, effect, compensates));
drop trigger steps_transition on assent.steps;
create trigger steps_guarded before insert or update on assent.steps for each row execute function assent.guard_step();

alter table assent.approvals drop constraint approvals_action_digest_check, drop constraint approvals_subject_check,
  add constraint approvals_sound check (assent.is_approval_sound(action_digest, subject));
drop trigger approvals_transition on assent.approvals;
create trigger approvals_guarded before insert or update on assent.approvals
  for each row execute function assent.guard_approval();

alter table assent.budget_accounts drop constraint budget_accounts_account_check,
  drop constraint budget_accounts_check, drop constraint budget_accounts_input_reserved_check,
  drop constraint budget_accounts_input_spent_check, drop constraint budget_accounts_microdollars_reserved_check,
  drop constraint budget_accounts_microdollars_spent_check, drop constraint budget_accounts_output_reserved_check,
  drop constraint budget_accounts_output_spent_check,
  add constraint budget_accounts_sound check (assent.is_budget_account_sound(account, run_id, input_spent, output_spent,
    microdollars_spent, input_reserved, output_reserved, microdollars_reserved));

drop function assent.check_driven(), assent.refuse_new_driver(), assent.check_redrive(), assent.refuse_new_redrive(),
  assent.check_rollback(), assent.check_transition(), assent.check_version();

revoke all on function assent.guard_run, assent.guard_step, assent.guard_approval, assent.is_run_sound, assent.is_step_sound,
  assent.is_approval_sound, assent.is_budget_account_sound from public;
grant execute on function assent.is_run_sound, assent.is_step_sound, assent.is_approval_sound, assent.is_budget_account_sound
  to assent_app;

-- --- one row at a time ---------------------------------------------------------------------------------------------

-- As before, but rows that change are found one by one by their key. A commit changes one or two of a kind, and for those a
-- join with lists took three times as long.
create or replace function assent.write_run(
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
  returns boolean language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  tenant constant uuid := assent.tenant();
begin
  for place in 1 .. coalesce(cardinality(decided), 0) loop
    update assent.approvals a set state = decided_to[place], action_digest = decided_digests[place],
        edited_action = decided_edits[place], decided_at = (write_run.decided_at)[place],
        decided_by = (write_run.decided_by)[place], comment = decided_comments[place],
        precondition = decided_preconditions[place], preview = decided_previews[place], judgement = decided_judgements[place]
      where a.tenant_id = tenant and a.id = decided[place] and a.state = decided_from[place];
    if not found then
      raise exception 'an approval of run % is decided or spent already', of_run using errcode = 'AS006';
    end if;
  end loop;
  for place in 1 .. coalesce(cardinality(opened_seqs), 0) loop
    insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, decision, approval_id, outcome,
        error, started_at, finished_at, compensates)
      values (tenant, of_run, opened_seqs[place], opened_kinds[place], opened_names[place], opened_states[place],
        opened_effects[place], opened_requests[place], opened_decisions[place], opened_approvals[place],
        opened_outcomes[place], opened_errors[place], write_run.at, opened_ends[place], opened_compensates[place]);
  end loop;
  for place in 1 .. coalesce(cardinality(changed_seqs), 0) loop
    update assent.steps s set state = changed_states[place], outcome = changed_outcomes[place],
        error = changed_errors[place], started_at = changed_starts[place], finished_at = changed_ends[place],
        retried_by = changed_retries[place]
      where s.tenant_id = tenant and s.run_id = of_run and s.seq = changed_seqs[place];
    if not found then
      raise exception 'run %: a step that changes is in the journal', of_run using errcode = 'AS001';
    end if;
  end loop;
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

-- As before, but the account is looked for before it is made.
create or replace function assent.reserve_budget(
  reservation uuid, of_run uuid, of_step integer, asked_model text, at timestamptz, names text[],
  input_max bigint[], output_max bigint[], microdollars_max bigint[],
  input bigint, output bigint, microdollars bigint, step_calls_max integer, retries_max integer)
  returns table (refused text, at_account text, spent bigint, reserved bigint, most bigint, calls_of_step integer)
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  place integer;
  found_row assent.budget_accounts%rowtype;
  repeats boolean := false;
begin
  calls_of_step := 1;
  for place in 1 .. pg_catalog.cardinality(names) loop
    -- It is there but for a run's first call; whoever made it a moment ago is waited for.
    select * into found_row from assent.budget_accounts a
      where a.tenant_id = assent.tenant() and a.account = names[place] for update;
    if not found then
      insert into assent.budget_accounts (tenant_id, account, run_id)
        values (assent.tenant(), names[place], case when names[place] like 'run:%' then of_run end)
        on conflict do nothing returning * into found_row;
      if not found then
        select * into strict found_row from assent.budget_accounts a
          where a.tenant_id = assent.tenant() and a.account = names[place] for update;
      end if;
    end if;
    at_account := names[place];
    if found_row.run_id is not null then
      repeats := found_row.step = of_step;
      if repeats then calls_of_step := found_row.step_calls + 1; end if;
      if calls_of_step > step_calls_max then
        refused := 'step_calls'; spent := found_row.step_calls; reserved := 0; most := step_calls_max;
        return next; return;
      end if;
      if repeats and found_row.retries >= retries_max then
        refused := 'retries'; spent := found_row.retries; reserved := 0; most := retries_max;
        return next; return;
      end if;
    end if;
    if found_row.input_spent + found_row.input_reserved + input > input_max[place] then
      refused := 'input'; spent := found_row.input_spent; reserved := found_row.input_reserved;
      most := input_max[place];
      return next; return;
    end if;
    if found_row.output_spent + found_row.output_reserved + output > output_max[place] then
      refused := 'output'; spent := found_row.output_spent; reserved := found_row.output_reserved;
      most := output_max[place];
      return next; return;
    end if;
    if found_row.microdollars_spent + found_row.microdollars_reserved + microdollars > microdollars_max[place] then
      refused := 'microdollars'; spent := found_row.microdollars_spent;
      reserved := found_row.microdollars_reserved; most := microdollars_max[place];
      return next; return;
    end if;
  end loop;
  update assent.budget_accounts a set
    input_reserved = a.input_reserved + input,
    output_reserved = a.output_reserved + output,
    microdollars_reserved = a.microdollars_reserved + microdollars,
    calls = a.calls + 1,
    retries = a.retries + case when repeats then 1 else 0 end,
    step = of_step,
    step_calls = calls_of_step
    where a.tenant_id = assent.tenant() and a.account = any (names);
  insert into assent.budget_reservations
    (tenant_id, id, run_id, step, model, accounts, input, output, microdollars, reserved_at)
    values (assent.tenant(), reservation, of_run, of_step, asked_model, names, input, output, microdollars, at);
  refused := null; at_account := null;
  return next;
end
$$;
