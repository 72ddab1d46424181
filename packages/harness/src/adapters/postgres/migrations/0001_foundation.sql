-- The first schema. Runs as the owner; the service logs in as assent_app, which owns nothing (see grants below).
-- Every tenant table carries the tenant in its key, and forced row-level security on top (invariant 8, tenant walls).

create schema assent;

-- The tenant of this transaction; null (and so: no row at all) unless the application named one.
create function assent.tenant() returns uuid language sql stable
  set search_path = '' as $$
  select nullif(current_setting('assent.tenant', true), '')::uuid
$$;

-- One row: with which secret this installation's keys are hashed. Another secret would make every key unknown.
create table assent.installation (
  only_row boolean primary key default true check (only_row),
  secret_check bytea not null
);

-- --- who ------------------------------------------------------------------------------------------------------

create table assent.tenants (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z][a-z0-9_-]{0,62}$'),
  created_at timestamptz not null
);

create table assent.principals (
  tenant_id uuid not null references assent.tenants,
  id uuid not null,
  kind text not null check (kind in ('human', 'service', 'agent')),
  name text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, kind, name)
);

create table assent.api_keys (
  tenant_id uuid not null,
  id uuid not null,
  principal_id uuid not null,
  hash bytea not null unique check (octet_length(hash) = 32),
  prefix text not null,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, principal_id) references assent.principals
);

-- --- what is done ---------------------------------------------------------------------------------------------

-- Definitions are kept by digest: a run is carried out under the one that it was submitted with.
create table assent.agent_versions (
  tenant_id uuid not null references assent.tenants,
  digest bytea not null check (octet_length(digest) = 32),
  definition json not null,
  primary key (tenant_id, digest)
);

create table assent.runs (
  tenant_id uuid not null references assent.tenants,
  id uuid not null,
  state text not null,
  version integer not null check (version >= 1),
  agent text not null,
  agent_version bytea not null,
  task text not null,
  workspace_name text,
  workspace_commit text,
  model text not null,
  labels jsonb not null,
  requested_by uuid not null,
  reason_code text,
  reason_detail text,
  answer text,
  attempt integer not null default 0 check (attempt >= 0),
  fencing_token bigint not null default 0,
  lease_worker integer,
  lease_until timestamptz,
  -- While queued: when its message is due. A run that is queued long past it has lost its message.
  wake_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, agent_version) references assent.agent_versions,
  foreign key (tenant_id, requested_by) references assent.principals,
  check ((workspace_name is null) = (workspace_commit is null)),
  check ((state = 'running') = (lease_until is not null)),
  check ((state = 'running') = (lease_worker is not null)),
  check ((state in ('succeeded', 'failed', 'cancelled', 'dead_lettered')) = (finished_at is not null))
);
create index runs_newest on assent.runs (tenant_id, created_at desc, id desc);
create index runs_queued on assent.runs (wake_at) where state = 'queued';
create index runs_running on assent.runs (lease_until) where state = 'running';

create table assent.steps (
  tenant_id uuid not null,
  run_id uuid not null,
  seq integer not null check (seq >= 1),
  kind text not null check (kind in ('model', 'tool', 'gate', 'finalise')),
  name text not null,
  state text not null,
  effect text not null check (effect in ('none', 'idempotent', 'once')),
  -- json, not jsonb: what was digested must come back as it was, with its key order and with NULs in its strings.
  request json not null,
  decision json,
  approval_id uuid,
  outcome json,
  error json,
  retried_by integer,
  started_at timestamptz not null,
  finished_at timestamptz,
  primary key (tenant_id, run_id, seq),
  foreign key (tenant_id, run_id) references assent.runs
);

create table assent.approvals (
  tenant_id uuid not null,
  id uuid not null,
  run_id uuid not null,
  seq integer not null,
  state text not null,
  subject text not null check (subject in ('action', 'in_doubt')),
  action json not null,
  action_digest bytea not null check (octet_length(action_digest) = 32),
  summary text not null,
  preview text,
  precondition text,
  decision json not null,
  judgement json not null,
  requirement json not null,
  advice json not null,
  edited_action json,
  requested_at timestamptz not null,
  expires_at timestamptz not null,
  decided_at timestamptz,
  decided_by uuid,
  comment text,
  primary key (tenant_id, id),
  unique (tenant_id, run_id, seq),
  foreign key (tenant_id, run_id, seq) references assent.steps deferrable initially deferred,
  foreign key (tenant_id, decided_by) references assent.principals
);
create index approvals_open on assent.approvals (expires_at) where state = 'open';

-- Who has said yes to an open approval, where a rule wants several. A word binds to the digest it was given for.
create table assent.approval_votes (
  tenant_id uuid not null,
  approval_id uuid not null,
  principal_id uuid not null,
  action_digest bytea not null check (octet_length(action_digest) = 32),
  at timestamptz not null,
  primary key (tenant_id, approval_id, principal_id),
  foreign key (tenant_id, approval_id) references assent.approvals,
  foreign key (tenant_id, principal_id) references assent.principals
);

create table assent.artifacts (
  tenant_id uuid not null,
  run_id uuid not null,
  id uuid not null,
  name text not null,
  media_type text not null,
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 bytea not null check (octet_length(sha256) = 32),
  created_at timestamptz not null,
  primary key (tenant_id, run_id, id),
  unique (tenant_id, run_id, name),
  foreign key (tenant_id, run_id) references assent.runs
);

create table assent.idempotency_keys (
  tenant_id uuid not null,
  principal_id uuid not null,
  route text not null,
  key text not null,
  fingerprint bytea check (octet_length(fingerprint) = 32),
  status integer,
  location text,
  body text,
  expires_at timestamptz not null,
  primary key (tenant_id, principal_id, route, key),
  foreign key (tenant_id, principal_id) references assent.principals
);
create index idempotency_keys_expiry on assent.idempotency_keys (expires_at);

create table assent.audit_events (
  tenant_id uuid not null,
  run_id uuid not null,
  version integer not null check (version >= 1),
  at timestamptz not null,
  kind text not null,
  actor_id uuid,
  data json not null,
  digest bytea not null check (octet_length(digest) = 32),
  primary key (tenant_id, run_id, version),
  foreign key (tenant_id, run_id) references assent.runs deferrable initially deferred
);

-- --- legal transitions (invariant 3), once more below the code -----------------------------------------------------

create table assent.legal_transitions (
  machine text not null,
  from_state text not null,
  to_state text not null,
  primary key (machine, from_state, to_state)
);

-- The same pairs as in core/run/{run,approval,step}.ts; a test compares the two in both directions.
insert into assent.legal_transitions (machine, from_state, to_state) values
  ('run', '', 'queued'),
  ('run', 'queued', 'running'),
  ('run', 'queued', 'dead_lettered'),
  ('run', 'queued', 'cancelled'),
  ('run', 'running', 'awaiting_approval'),
  ('run', 'running', 'queued'),
  ('run', 'running', 'succeeded'),
  ('run', 'running', 'failed'),
  ('run', 'running', 'dead_lettered'),
  ('run', 'running', 'cancelled'),
  ('run', 'awaiting_approval', 'queued'),
  ('run', 'awaiting_approval', 'cancelled'),
  ('step', '', 'intended'),
  ('step', '', 'refused'),
  ('step', 'intended', 'succeeded'),
  ('step', 'intended', 'failed'),
  ('step', 'intended', 'in_doubt'),
  ('step', 'in_doubt', 'intended'),
  ('step', 'in_doubt', 'succeeded'),
  ('step', 'in_doubt', 'failed'),
  ('approval', '', 'open'),
  ('approval', 'open', 'approved'),
  ('approval', 'open', 'denied'),
  ('approval', 'open', 'expired'),
  ('approval', 'open', 'cancelled'),
  ('approval', 'approved', 'spent'),
  ('approval', 'approved', 'cancelled');

create function assent.check_transition() returns trigger language plpgsql
  set search_path = '' as $$
declare
  before text := '';
begin
  if tg_op = 'UPDATE' then
    before := old.state;
    if new.state = before then return new; end if;
  end if;
  if not exists (
    select 1 from assent.legal_transitions t
    where t.machine = tg_argv[0] and t.from_state = before and t.to_state = new.state
  ) then
    raise exception 'illegal transition of a %: % -> %', tg_argv[0], before, new.state
      using errcode = 'AS001';
  end if;
  return new;
end
$$;

create trigger runs_transition before insert or update on assent.runs
  for each row execute function assent.check_transition('run');
create trigger steps_transition before insert or update on assent.steps
  for each row execute function assent.check_transition('step');
create trigger approvals_transition before insert or update on assent.approvals
  for each row execute function assent.check_transition('approval');

-- --- no change of state without its event (invariant 11), and no event ever changed --------------------------------

create function assent.require_event() returns trigger language plpgsql
  set search_path = '' as $$
begin
  if not exists (
    select 1 from assent.audit_events e
    where e.tenant_id = new.tenant_id and e.run_id = new.id and e.version = new.version
  ) then
    raise exception 'run % changed to version % without an audit event', new.id, new.version
      using errcode = 'AS002';
  end if;
  return null;
end
$$;

create function assent.check_version() returns trigger language plpgsql
  set search_path = '' as $$
begin
  if new.version < old.version or (new.state <> old.state and new.version = old.version) then
    raise exception 'run %: a change of state must raise the version', new.id using errcode = 'AS002';
  end if;
  return new;
end
$$;

create trigger runs_version before update on assent.runs
  for each row execute function assent.check_version();
create constraint trigger runs_event_on_insert after insert on assent.runs
  deferrable initially deferred for each row execute function assent.require_event();
create constraint trigger runs_event_on_update after update on assent.runs
  deferrable initially deferred for each row
  when (new.version is distinct from old.version) execute function assent.require_event();

create function assent.refuse_change() returns trigger language plpgsql
  set search_path = '' as $$
begin
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;

create trigger audit_events_append_only before update or delete on assent.audit_events
  for each row execute function assent.refuse_change();
create trigger audit_events_no_truncate before truncate on assent.audit_events
  for each statement execute function assent.refuse_change();

-- --- tenant walls -------------------------------------------------------------------------------------------------

do $$
declare
  name text;
begin
  foreach name in array array['principals', 'api_keys', 'agent_versions', 'runs', 'steps', 'approvals',
                              'approval_votes', 'artifacts', 'idempotency_keys', 'audit_events']
  loop
    execute format('alter table assent.%I enable row level security', name);
    execute format('alter table assent.%I force row level security', name);
    execute format(
      'create policy tenant_wall on assent.%I to assent_app
         using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant())', name);
    -- The owner runs migrations, the set-up of tenants and the two functions below, and nothing else.
    execute format('create policy owner on assent.%I to current_user using (true) with check (true)', name);
  end loop;
end
$$;

-- Whose key is this? The one question that is asked before a tenant is known: it answers for an exact hash only.
create function assent.find_caller(key_hash bytea, at timestamptz)
  returns table (tenant_id uuid, key_id uuid, scopes text[], principal_id uuid, principal_kind text, principal_name text)
  language sql stable security definer set search_path = '' as $$
  select k.tenant_id, k.id, k.scopes, p.id, p.kind, p.name
  from assent.api_keys k
  join assent.principals p on p.tenant_id = k.tenant_id and p.id = k.principal_id
  where k.hash = key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > at)
$$;

-- Classid of the advisory locks by which workers show that they live; the object id is the worker's number.
create function assent.worker_lock_class() returns integer language sql immutable
  set search_path = '' as $$ select 1095976787 $$;

-- Runs of every tenant that need attention: ids, nothing else. A worker whose process is gone holds its lock no more,
-- so its runs go on at once instead of after the lease.
create function assent.due(at timestamptz, stranded_before timestamptz, most integer)
  returns table (why text, tenant_id uuid, run_id uuid, token bigint, approval_id uuid)
  language sql stable security definer set search_path = '' as $$
  (select 'lease_lost', r.tenant_id, r.id, r.fencing_token, null::uuid
   from assent.runs r
   where r.state = 'running' and (r.lease_until <= at or not exists (
     select 1 from pg_catalog.pg_locks l
     where l.locktype = 'advisory' and l.classid = assent.worker_lock_class()::oid
       and l.objid = r.lease_worker::oid and l.objsubid = 2 and l.granted
       and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())))
   limit most)
  union all
  (select 'approval_expired', a.tenant_id, a.run_id, null::bigint, a.id
   from assent.approvals a where a.state = 'open' and a.expires_at <= at
   limit most)
  union all
  (select 'stranded', r.tenant_id, r.id, null::bigint, null::uuid
   from assent.runs r where r.state = 'queued' and r.wake_at <= stranded_before
   limit most)
$$;

-- --- grants: what is not named here, the service cannot do --------------------------------------------------------

revoke all on all functions in schema assent from public;
grant usage on schema assent to assent_app;
grant execute on function assent.tenant(), assent.worker_lock_class(), assent.find_caller(bytea, timestamptz),
  assent.due(timestamptz, timestamptz, integer) to assent_app;
grant select on assent.legal_transitions to assent_app;
grant select, insert on assent.principals, assent.agent_versions, assent.approval_votes, assent.artifacts,
  assent.audit_events to assent_app;
grant select, insert, update on assent.api_keys, assent.runs, assent.steps, assent.approvals to assent_app;
grant select, insert, update, delete on assent.idempotency_keys to assent_app;
