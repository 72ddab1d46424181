-- What model calls may cost and have cost, and how the providers are. A call's most is set aside before it is made and
-- replaced by what it did cost (invariant 13, budget before spend).

-- One row for each thing that has a budget: `run:<id>`, `day:<UTC date>`, `total`. The last two are there only where the
-- operator sets a limit: a row that every call of a tenant writes makes them take turns.
create table assent.budget_accounts (
  tenant_id uuid not null references assent.tenants,
  account text not null check (account ~ '^(run:[0-9a-f]{32}|day:[0-9]{4}-[0-9]{2}-[0-9]{2}|total)$'),
  run_id uuid,
  input_spent bigint not null default 0 check (input_spent >= 0),
  output_spent bigint not null default 0 check (output_spent >= 0),
  microdollars_spent bigint not null default 0 check (microdollars_spent >= 0),
  input_reserved bigint not null default 0 check (input_reserved >= 0),
  output_reserved bigint not null default 0 check (output_reserved >= 0),
  microdollars_reserved bigint not null default 0 check (microdollars_reserved >= 0),
  -- Of a run: calls made, those of them that repeated a step, the newest step and its calls.
  calls integer not null default 0,
  retries integer not null default 0,
  step integer not null default 0,
  step_calls integer not null default 0,
  primary key (tenant_id, account),
  foreign key (tenant_id, run_id) references assent.runs,
  check ((account like 'run:%') = (run_id is not null))
);

create table assent.budget_reservations (
  tenant_id uuid not null references assent.tenants,
  id uuid not null,
  run_id uuid not null,
  step integer not null,
  model text not null,
  accounts text[] not null,
  input bigint not null check (input >= 0),
  output bigint not null check (output >= 0),
  microdollars bigint not null check (microdollars >= 0),
  reserved_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, run_id) references assent.runs
);
create index budget_reservations_of_run on assent.budget_reservations (tenant_id, run_id);

do $$
declare
  name text;
begin
  foreach name in array array['budget_accounts', 'budget_reservations']
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

-- All or nothing, in one statement: every account is locked, in the order of the given array (which every caller sorts,
-- so that no two wait for each other), then all are asked, then all are changed. No limit: null.
create function assent.reserve_budget(
  reservation uuid, of_run uuid, of_step integer, asked_model text, at timestamptz, names text[],
  input_max bigint[], output_max bigint[], microdollars_max bigint[],
  input bigint, output bigint, microdollars bigint, step_calls_max integer, retries_max integer)
  returns table (refused text, at_account text, spent bigint, reserved bigint, most bigint, calls_of_step integer)
  language plpgsql set search_path = '' as $$
declare
  place integer;
  found_row assent.budget_accounts%rowtype;
  repeats boolean := false;
begin
  calls_of_step := 1;
  for place in 1 .. pg_catalog.cardinality(names) loop
    insert into assent.budget_accounts (tenant_id, account, run_id)
      values (assent.tenant(), names[place], case when names[place] like 'run:%' then of_run end)
      on conflict do nothing;
    select * into strict found_row from assent.budget_accounts a
      where a.tenant_id = assent.tenant() and a.account = names[place] for update;
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

-- Replaces what was set aside by what was spent, which is never more. False: it was settled before.
create function assent.settle_budget(reservation uuid, input bigint, output bigint, microdollars bigint)
  returns boolean language plpgsql set search_path = '' as $$
declare
  held assent.budget_reservations%rowtype;
  name text;
begin
  delete from assent.budget_reservations r
    where r.tenant_id = assent.tenant() and r.id = reservation returning * into held;
  if held.id is null then return false; end if;
  foreach name in array held.accounts loop
    update assent.budget_accounts a set
      input_reserved = a.input_reserved - held.input,
      output_reserved = a.output_reserved - held.output,
      microdollars_reserved = a.microdollars_reserved - held.microdollars,
      input_spent = a.input_spent + least(input, held.input),
      output_spent = a.output_spent + least(output, held.output),
      microdollars_spent = a.microdollars_spent + least(microdollars, held.microdollars)
      where a.tenant_id = assent.tenant() and a.account = name;
  end loop;
  return true;
end
$$;

-- What a worker left behind that is gone: whether the provider worked for it nobody knows, so all of it counts as spent.
create function assent.charge_reservations(of_run uuid) returns integer language plpgsql set search_path = '' as $$
declare
  held record;
  charged integer := 0;
begin
  for held in
    select r.id, r.input, r.output, r.microdollars from assent.budget_reservations r
    where r.tenant_id = assent.tenant() and r.run_id = of_run order by r.id
  loop
    perform assent.settle_budget(held.id, held.input, held.output, held.microdollars);
    charged := charged + 1;
  end loop;
  return charged;
end
$$;

-- By this name the operator's rules and budgets speak of the tenant of this transaction.
create function assent.tenant_slug() returns text language sql stable security definer set search_path = '' as $$
  select t.slug from assent.tenants t where t.id = assent.tenant()
$$;

-- How a provider is, for every process of the installation; of no tenant, and with nothing of any in it.
create table assent.provider_breakers (
  provider text primary key check (provider ~ '^[a-z][a-z0-9-]{0,30}$'),
  state text not null check (state in ('closed', 'open', 'half_open')),
  failures integer not null check (failures >= 0),
  openings integer not null check (openings >= 0),
  open_until timestamptz,
  probe_by text,
  probe_until timestamptz,
  paused_until timestamptz,
  reason text,
  check ((state = 'half_open') = (probe_by is not null)),
  check ((probe_by is null) = (probe_until is null)),
  check (state <> 'open' or open_until is not null)
);

revoke all on function assent.reserve_budget(uuid, uuid, integer, text, timestamptz, text[], bigint[], bigint[],
  bigint[], bigint, bigint, bigint, integer, integer), assent.settle_budget(uuid, bigint, bigint, bigint),
  assent.charge_reservations(uuid), assent.tenant_slug() from public;
grant execute on function assent.reserve_budget(uuid, uuid, integer, text, timestamptz, text[], bigint[], bigint[],
  bigint[], bigint, bigint, bigint, integer, integer), assent.settle_budget(uuid, bigint, bigint, bigint),
  assent.charge_reservations(uuid), assent.tenant_slug() to assent_app;
grant select, insert, update on assent.budget_accounts, assent.provider_breakers to assent_app;
grant select, insert, delete on assent.budget_reservations to assent_app;
