-- The evidence (invariant 11): every fact becomes a leaf of its tenant's Merkle tree. Business transactions write their
-- event and, by a trigger that nobody can forget, one row of the inbox; nothing there is locked in common. A sequencer
-- moves inbox rows into the tree, batch by batch, each batch one transaction.

create sequence assent.audit_event_ids cache 1;

alter table assent.audit_events add column event_id bigint not null default nextval('assent.audit_event_ids');

-- Facts that are not a run's: keys, decision memory, the log itself.
create table assent.audit_facts (
  tenant_id uuid not null references assent.tenants,
  subject text not null check (subject ~ '^[a-z][a-z0-9_:.-]{0,127}$'),
  version integer not null check (version >= 1),
  event_id bigint not null default nextval('assent.audit_event_ids'),
  at timestamptz not null,
  kind text not null check (kind ~ '^[a-z][a-z0-9_.]{0,62}$'),
  actor_id uuid,
  data json not null,
  primary key (tenant_id, subject, version)
);

-- Committed, and not in the tree yet. No foreign key to the tenant: the rows are copies of rows that have one, and
-- every business transaction would share a lock on the tenant's row for it.
create table assent.audit_inbox (
  tenant_id uuid not null,
  event_id bigint not null,
  -- SHA-256 of the object that the event is about, as this transaction left it.
  state bytea check (octet_length(state) = 32),
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, event_id)
);

-- One tree per tenant and epoch. A new epoch begins when the old tree cannot go on: its signer has seen more than the
-- database has (a restored backup), or its key is lost.
create table assent.audit_logs (
  tenant_id uuid not null references assent.tenants,
  epoch integer not null check (epoch >= 1),
  origin text not null unique,
  vkey text not null,
  began_at timestamptz not null,
  primary key (tenant_id, epoch)
);

create table assent.audit_heads (
  tenant_id uuid not null,
  epoch integer not null,
  size bigint not null check (size >= 0),
  root bytea not null check (octet_length(root) = 32),
  primary key (tenant_id, epoch),
  foreign key (tenant_id, epoch) references assent.audit_logs
);

create table assent.audit_leaves (
  tenant_id uuid not null,
  epoch integer not null,
  idx bigint not null check (idx >= 0),
  event_id bigint not null,
  leaf bytea not null check (octet_length(leaf) between 2 and 4096),
  leaf_hash bytea not null check (octet_length(leaf_hash) = 32),
  -- Null once the payload is erased: without it the commitment tells nothing any more.
  salt bytea check (octet_length(salt) = 32),
  primary key (tenant_id, epoch, idx),
  unique (tenant_id, event_id),
  foreign key (tenant_id, epoch) references assent.audit_logs
);

-- Hashes of full tiles: level l, place n is the root of the n-th full tile of level l - 1 (C2SP tlog-tiles).
create table assent.audit_nodes (
  tenant_id uuid not null,
  epoch integer not null,
  level integer not null check (level >= 1),
  n bigint not null check (n >= 0),
  hash bytea not null check (octet_length(hash) = 32),
  primary key (tenant_id, epoch, level, n),
  foreign key (tenant_id, epoch) references assent.audit_logs
);

create table assent.audit_checkpoints (
  tenant_id uuid not null,
  epoch integer not null,
  size bigint not null check (size >= 0),
  note text not null,
  at timestamptz not null,
  primary key (tenant_id, epoch, size),
  foreign key (tenant_id, epoch) references assent.audit_logs
);

-- Lines of witnesses below a checkpoint.
create table assent.audit_cosignatures (
  tenant_id uuid not null,
  epoch integer not null,
  size bigint not null,
  witness text not null,
  line text not null,
  primary key (tenant_id, epoch, size, witness),
  foreign key (tenant_id, epoch, size) references assent.audit_checkpoints
);

-- --- what an event is about, and what that looked like when the transaction ended ---------------------------------

create function assent.audit_hex(id uuid) returns text language sql immutable
  set search_path = '' as $$ select replace(id::text, '-', '') $$;

-- Named columns only, so that a column that is added later changes no image; times as numbers, since their text depends
-- on the session. Contents stay text: json can hold what jsonb cannot.
create function assent.audit_image(tenant uuid, run uuid, kind text, data json) returns bytea
  language plpgsql stable set search_path = '' as $$
declare
  image text;
begin
  if kind like 'step\_%' and data ->> 'step' is not null then
    select row(s.run_id, s.seq, s.kind, s.name, s.state, s.effect, s.request, s.decision, s.approval_id, s.outcome,
        s.error, s.retried_by, s.compensates, extract(epoch from s.started_at), extract(epoch from s.finished_at))::text into image
      from assent.steps s where s.tenant_id = tenant and s.run_id = run and s.seq = (data ->> 'step')::integer;
  elsif kind like 'approval\_%' and data ->> 'approval_id' is not null then
    select row(a.id, a.run_id, a.seq, a.state, a.subject, a.action, encode(a.action_digest, 'hex'), a.summary,
        a.preview, a.precondition, a.decision, a.judgement, a.requirement, a.advice, a.edited_action,
        extract(epoch from a.requested_at), extract(epoch from a.expires_at), extract(epoch from a.decided_at),
        a.decided_by, a.comment, (
          select string_agg(v.principal_id::text, ',' order by v.principal_id::text) from assent.approval_votes v
          where v.tenant_id = tenant and v.approval_id = a.id))::text into image
      from assent.approvals a where a.tenant_id = tenant and a.id = substr(data ->> 'approval_id', 5)::uuid;
  elsif kind like 'artifact\_%' and data ->> 'artifact_id' is not null then
    select row(a.run_id, a.id, a.name, a.media_type, a.size_bytes, encode(a.sha256, 'hex'))::text into image
      from assent.artifacts a
      where a.tenant_id = tenant and a.run_id = run and a.id = substr(data ->> 'artifact_id', 5)::uuid;
  elsif kind like 'run\_%' then
    -- Not what changes with every step, and not what only places the run in a queue.
    select row(r.id, r.driver, r.state, r.agent, encode(r.agent_version, 'hex'), r.task, r.workspace_name,
        r.workspace_commit, r.model, r.labels, r.requested_by, r.reason_code, r.reason_detail, r.answer,
        extract(epoch from r.created_at), extract(epoch from r.finished_at))::text into image
      from assent.runs r where r.tenant_id = tenant and r.id = run;
  end if;
  return case when image is null then null else sha256(convert_to(image, 'UTF8')) end;
end
$$;

create function assent.audit_file_events() returns trigger language plpgsql security definer
  set search_path = '' as $$
begin
  insert into assent.audit_inbox (tenant_id, event_id, state)
    select n.tenant_id, n.event_id, assent.audit_image(n.tenant_id, n.run_id, n.kind, n.data) from fresh n;
  return null;
end
$$;
create trigger audit_events_filed after insert on assent.audit_events
  referencing new table as fresh for each statement execute function assent.audit_file_events();

create function assent.audit_key_image(tenant uuid, key uuid) returns bytea
  language sql stable set search_path = '' as $$
  select sha256(convert_to(row(k.id, k.principal_id, encode(k.hash, 'hex'), k.prefix, k.scopes, k.roles, k.must_sign,
      extract(epoch from k.created_at), extract(epoch from k.expires_at), extract(epoch from k.revoked_at))::text,
    'UTF8'))
  from assent.api_keys k where k.tenant_id = tenant and k.id = key
$$;

create function assent.audit_file_facts() returns trigger language plpgsql security definer
  set search_path = '' as $$
begin
  insert into assent.audit_inbox (tenant_id, event_id, state)
    select n.tenant_id, n.event_id,
      case when n.subject like 'key\_%' then assent.audit_key_image(n.tenant_id, substr(n.subject, 5)::uuid) end
    from fresh n;
  return null;
end
$$;
create trigger audit_facts_filed after insert on assent.audit_facts
  referencing new table as fresh for each statement execute function assent.audit_file_facts();

-- Facts that the database states itself, whoever changes the rows.

create function assent.audit_key() returns trigger language plpgsql security definer
  set search_path = '' as $$
declare
  name text := 'key_' || assent.audit_hex(new.id);
begin
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
    select new.tenant_id, name, coalesce(max(f.version), 0) + 1, clock_timestamp(),
      case when tg_op = 'INSERT' then 'key_stored' else 'key_changed' end,
      json_build_object('principal', 'prn_' || assent.audit_hex(new.principal_id), 'prefix', new.prefix,
        'scopes', new.scopes, 'roles', new.roles, 'must_sign', new.must_sign, 'expires_at', new.expires_at,
        'revoked_at', new.revoked_at)
    from assent.audit_facts f where f.tenant_id = new.tenant_id and f.subject = name;
  return null;
end
$$;
create trigger api_keys_event_on_insert after insert on assent.api_keys
  for each row execute function assent.audit_key();
-- Not for each use of a key.
create trigger api_keys_event_on_update after update on assent.api_keys
  for each row when ((old.principal_id, old.hash, old.scopes, old.roles, old.must_sign, old.expires_at, old.revoked_at)
    is distinct from (new.principal_id, new.hash, new.scopes, new.roles, new.must_sign, new.expires_at, new.revoked_at))
  execute function assent.audit_key();

create function assent.audit_access() returns trigger language plpgsql security definer
  set search_path = '' as $$
begin
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, actor_id, data)
    values (new.tenant_id, 'access_' || assent.audit_hex(new.id), 1, new.at, new.kind, new.actor_id, new.data);
  return null;
end
$$;
create trigger access_events_event after insert on assent.access_events
  for each row execute function assent.audit_access();

create function assent.audit_memory() returns trigger language plpgsql security definer
  set search_path = '' as $$
begin
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
    values (new.tenant_id, 'memory_' || encode(new.id, 'hex'), 1, new.at, 'memory_recorded', new.record);
  return null;
end
$$;
create trigger harmony_audit_event after insert on assent.harmony_audit
  for each row execute function assent.audit_memory();

-- --- no change of state without its event, below the run as well --------------------------------------------------

-- Of this very transaction: an event that was there before says nothing of this change. No transaction records more
-- than a few dozen events, so only the newest of a run are looked at.
create function assent.require_object_event(what text, tenant uuid, run uuid, family text, field text, wanted text)
  returns void language plpgsql set search_path = '' as $$
begin
  if not exists (
    select 1 from assent.audit_events e
    where e.tenant_id = tenant and e.run_id = run and e.kind like family
      and e.version > (select r.version - 256 from assent.runs r where r.tenant_id = tenant and r.id = run)
      and e.xmin = pg_current_xact_id()::xid and e.data ->> field = wanted
  ) then
    raise exception 'a % of run % changed without an audit event', what, run using errcode = 'AS002';
  end if;
end
$$;

create function assent.require_step_event() returns trigger language plpgsql set search_path = '' as $$
begin
  perform assent.require_object_event('step', new.tenant_id, new.run_id, 'step\_%', 'step', new.seq::text);
  return null;
end
$$;
create function assent.require_approval_event() returns trigger language plpgsql set search_path = '' as $$
begin
  perform assent.require_object_event('approval', new.tenant_id, new.run_id, 'approval\_%', 'approval_id',
    'apr_' || assent.audit_hex(new.id));
  return null;
end
$$;
create function assent.require_vote_event() returns trigger language plpgsql set search_path = '' as $$
begin
  perform assent.require_object_event('vote', new.tenant_id,
    (select a.run_id from assent.approvals a where a.tenant_id = new.tenant_id and a.id = new.approval_id),
    'approval\_%', 'approval_id', 'apr_' || assent.audit_hex(new.approval_id));
  return null;
end
$$;
create function assent.require_artifact_event() returns trigger language plpgsql set search_path = '' as $$
begin
  perform assent.require_object_event('artifact', new.tenant_id, new.run_id, 'artifact\_%', 'artifact_id',
    'art_' || assent.audit_hex(new.id));
  return null;
end
$$;

create constraint trigger steps_event_on_insert after insert on assent.steps
  deferrable initially deferred for each row execute function assent.require_step_event();
create constraint trigger steps_event_on_update after update on assent.steps
  deferrable initially deferred for each row when (old.state is distinct from new.state)
  execute function assent.require_step_event();
create constraint trigger approvals_event_on_insert after insert on assent.approvals
  deferrable initially deferred for each row execute function assent.require_approval_event();
create constraint trigger approvals_event_on_update after update on assent.approvals
  deferrable initially deferred for each row when (old.state is distinct from new.state)
  execute function assent.require_approval_event();
create constraint trigger approval_votes_event after insert on assent.approval_votes
  deferrable initially deferred for each row execute function assent.require_vote_event();
create constraint trigger artifacts_event after insert on assent.artifacts
  deferrable initially deferred for each row execute function assent.require_artifact_event();

-- --- the sequencer's four calls ------------------------------------------------------------------------------------
-- The service owns no table of the tree and can write to none: it can only append, through these.

-- Tenants with something to sequence or to sign, of every tenant: ids, nothing else.
create function assent.audit_pending() returns table (tenant_id uuid)
  language sql stable security definer set search_path = '' as $$
  select t.id from assent.tenants t
  where exists (select 1 from assent.audit_inbox i where i.tenant_id = t.id)
    or exists (
      select 1 from assent.audit_heads h
      where h.tenant_id = t.id and h.size > 0
        and h.epoch = (select max(l.epoch) from assent.audit_logs l where l.tenant_id = t.id)
        and not exists (
          select 1 from assent.audit_checkpoints c
          where c.tenant_id = h.tenant_id and c.epoch = h.epoch and c.size = h.size))
$$;

-- Begins a log: the tenant's first, or a new epoch.
create function assent.audit_begin(tenant uuid, new_epoch integer, new_origin text, new_vkey text) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  if tenant is distinct from assent.tenant() then raise exception 'another tenant''s log' using errcode = 'AS003'; end if;
  insert into assent.audit_logs (tenant_id, epoch, origin, vkey, began_at)
    values (tenant, new_epoch, new_origin, new_vkey, clock_timestamp());
  insert into assent.audit_heads (tenant_id, epoch, size, root)
    values (tenant, new_epoch, 0, sha256(''::bytea));
end
$$;

-- The newest log's head, held until the transaction ends: two sequencers never append at once.
create function assent.audit_lock(tenant uuid) returns table (epoch integer, size bigint, root bytea)
  language sql volatile security definer set search_path = '' as $$
  select h.epoch, h.size, h.root from assent.audit_heads h
  where h.tenant_id = tenant and tenant = assent.tenant()
    and h.epoch = (select max(l.epoch) from assent.audit_logs l where l.tenant_id = tenant)
  for update
$$;

-- Committed events that are not in the tree, oldest first.
create function assent.audit_take(tenant uuid, most integer)
  returns table (event_id bigint, subject text, version integer, at timestamptz, kind text, actor_id uuid, data text,
                 state bytea)
  language sql stable security definer set search_path = '' as $$
  with next as (
    select i.event_id, i.state from assent.audit_inbox i
    where i.tenant_id = tenant and tenant = assent.tenant() order by i.event_id limit most
  )
  select n.event_id, 'run_' || assent.audit_hex(e.run_id), e.version, e.at, e.kind, e.actor_id, e.data::text, n.state
    from next n join assent.audit_events e on e.tenant_id = tenant and e.event_id = n.event_id
  union all
  select n.event_id, f.subject, f.version, f.at, f.kind, f.actor_id, f.data::text, n.state
    from next n join assent.audit_facts f on f.tenant_id = tenant and f.event_id = n.event_id
  order by 1
$$;
create index audit_events_by_id on assent.audit_events (event_id);
create index audit_facts_by_id on assent.audit_facts (event_id);

-- Appends one batch under the lock of audit_lock. An event that is not in the inbox cannot become a leaf, and none
-- leaves the inbox without becoming one.
create function assent.audit_append(tenant uuid, of_epoch integer, old_size bigint, event_ids bigint[], leaves bytea[],
                                    hashes bytea[], salts bytea[], new_root bytea)
  returns void language plpgsql security definer set search_path = '' as $$
declare
  added integer := cardinality(event_ids);
  taken integer;
begin
  if tenant is distinct from assent.tenant() then raise exception 'another tenant''s log' using errcode = 'AS003'; end if;
  update assent.audit_heads h set size = old_size + added, root = new_root
    where h.tenant_id = tenant and h.epoch = of_epoch and h.size = old_size;
  if not found then raise exception 'the log has moved on' using errcode = 'AS015'; end if;
  delete from assent.audit_inbox i where i.tenant_id = tenant and i.event_id = any (event_ids);
  get diagnostics taken = row_count;
  if taken <> added or cardinality(leaves) <> added or cardinality(hashes) <> added or cardinality(salts) <> added then
    raise exception 'a batch has one leaf for each event of the inbox' using errcode = 'AS003';
  end if;
  insert into assent.audit_leaves (tenant_id, epoch, idx, event_id, leaf, leaf_hash, salt)
    select tenant, of_epoch, old_size + u.n - 1, u.event_id, u.leaf, u.hash, u.salt
    from unnest(event_ids, leaves, hashes, salts) with ordinality as u (event_id, leaf, hash, salt, n);
end
$$;

create function assent.audit_add_nodes(tenant uuid, of_epoch integer, levels integer[], places bigint[], hashes bytea[])
  returns void language plpgsql security definer set search_path = '' as $$
begin
  if tenant is distinct from assent.tenant() then raise exception 'another tenant''s log' using errcode = 'AS003'; end if;
  insert into assent.audit_nodes (tenant_id, epoch, level, n, hash)
    select tenant, of_epoch, u.level, u.n, u.hash from unnest(levels, places, hashes) as u (level, n, hash);
end
$$;

-- --- erasure --------------------------------------------------------------------------------------------------------

-- Takes the payload and its salt away, and records that, or does neither. The leaf stays: the tree is as it was.
create function assent.audit_erase(tenant uuid, of_epoch integer, place bigint, new_digest bytea, reason text,
                                   by_actor uuid, now timestamptz)
  returns boolean language plpgsql security definer set search_path = '' as $$
declare
  id bigint;
  name text := 'entry:' || of_epoch || ':' || place;
begin
  if tenant is distinct from assent.tenant() then raise exception 'another tenant''s log' using errcode = 'AS003'; end if;
  select l.event_id into id from assent.audit_leaves l
    where l.tenant_id = tenant and l.epoch = of_epoch and l.idx = place and l.salt is not null for update;
  if not found then return false; end if;
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, actor_id, data)
    values (tenant, name, 1, now, 'payload.erased', by_actor,
            json_build_object('epoch', of_epoch, 'index', place, 'reason', reason));
  update assent.audit_leaves l set salt = null where l.tenant_id = tenant and l.epoch = of_epoch and l.idx = place;
  update assent.audit_events e set data = '{"erased":true}', digest = new_digest
    where e.tenant_id = tenant and e.event_id = id;
  update assent.audit_facts f set data = '{"erased":true}' where f.tenant_id = tenant and f.event_id = id;
  return true;
end
$$;

-- Nothing of the evidence changes, but for a payload that goes, with its salt, beside a record that says so.
create function assent.refuse_change_of_leaf() returns trigger language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.salt is null
    and (new.tenant_id, new.epoch, new.idx, new.event_id, new.leaf, new.leaf_hash)
      = (old.tenant_id, old.epoch, old.idx, old.event_id, old.leaf, old.leaf_hash)
    and exists (
      select 1 from assent.audit_facts f where f.tenant_id = old.tenant_id and f.kind = 'payload.erased'
        and f.subject = 'entry:' || old.epoch || ':' || old.idx)
  then return new; end if;
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;
create function assent.refuse_change_of_event() returns trigger language plpgsql set search_path = '' as $$
declare
  same boolean := false;
begin
  if tg_op = 'UPDATE' and tg_table_name = 'audit_events' then same := new.run_id = old.run_id;
  elsif tg_op = 'UPDATE' then same := new.subject = old.subject;
  end if;
  if same and tg_op = 'UPDATE' and new.data::text = '{"erased":true}'
    and (new.tenant_id, new.version, new.event_id, new.at, new.kind, coalesce(new.actor_id::text, ''))
      = (old.tenant_id, old.version, old.event_id, old.at, old.kind, coalesce(old.actor_id::text, ''))
    and exists (
      select 1 from assent.audit_leaves l
      where l.tenant_id = old.tenant_id and l.event_id = old.event_id and l.salt is null)
  then return new; end if;
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;
drop trigger audit_events_append_only on assent.audit_events;
create trigger audit_events_append_only before update or delete on assent.audit_events
  for each row execute function assent.refuse_change_of_event();
create trigger audit_facts_append_only before update or delete on assent.audit_facts
  for each row execute function assent.refuse_change_of_event();
create trigger audit_leaves_append_only before update or delete on assent.audit_leaves
  for each row execute function assent.refuse_change_of_leaf();

do $$
declare
  name text;
begin
  foreach name in array array['audit_facts', 'audit_logs', 'audit_leaves', 'audit_nodes', 'audit_checkpoints',
                              'audit_cosignatures']
  loop
    if name not in ('audit_facts', 'audit_leaves') then
      execute format('create trigger %I before update or delete on assent.%I
        for each row execute function assent.refuse_change()', name || '_append_only', name);
    end if;
    execute format('create trigger %I before truncate on assent.%I
      for each statement execute function assent.refuse_change()', name || '_no_truncate', name);
  end loop;
  foreach name in array array['audit_facts', 'audit_inbox', 'audit_logs', 'audit_heads', 'audit_leaves', 'audit_nodes',
                              'audit_checkpoints', 'audit_cosignatures']
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

-- What happened before there was a tree is evidence as well; its state at the time is not known any more.
insert into assent.audit_inbox (tenant_id, event_id) select e.tenant_id, e.event_id from assent.audit_events e;
insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
  select k.tenant_id, 'key_' || assent.audit_hex(k.id), 1, clock_timestamp(), 'key_stored', json_build_object(
    'principal', 'prn_' || assent.audit_hex(k.principal_id), 'prefix', k.prefix, 'scopes', k.scopes, 'roles', k.roles,
    'must_sign', k.must_sign, 'expires_at', k.expires_at, 'revoked_at', k.revoked_at)
  from assent.api_keys k;
insert into assent.audit_facts (tenant_id, subject, version, at, kind, actor_id, data)
  select e.tenant_id, 'access_' || assent.audit_hex(e.id), 1, e.at, e.kind, e.actor_id, e.data
  from assent.access_events e;
insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
  select h.tenant_id, 'memory_' || encode(h.id, 'hex'), 1, h.at, 'memory_recorded', h.record
  from assent.harmony_audit h;

revoke all on all functions in schema assent from public;
grant usage on sequence assent.audit_event_ids to assent_app;
grant select, insert on assent.audit_facts, assent.audit_checkpoints, assent.audit_cosignatures to assent_app;
grant select on assent.audit_inbox, assent.audit_logs, assent.audit_heads, assent.audit_leaves, assent.audit_nodes
  to assent_app;
grant execute on function assent.audit_hex(uuid), assent.audit_image(uuid, uuid, text, json),
  assent.audit_key_image(uuid, uuid), assent.audit_pending(),
  assent.audit_begin(uuid, integer, text, text), assent.audit_lock(uuid), assent.audit_take(uuid, integer),
  assent.audit_append(uuid, integer, bigint, bigint[], bytea[], bytea[], bytea[], bytea),
  assent.audit_add_nodes(uuid, integer, integer[], bigint[], bytea[]),
  assent.audit_erase(uuid, integer, bigint, bytea, text, uuid, timestamptz),
  assent.require_object_event(text, uuid, uuid, text, text, text) to assent_app;
