-- What the sequencer writes together lies together: up to a tile's worth of entries is one row, and what a statement
-- recorded is one row of the inbox. Entries repeat themselves, so together they also compress (decisions/0027).

create function assent.audit_batch_fits(event_ids bigint[], leaves bytea[], hashes bytea[], salts bytea[])
  returns boolean language sql immutable set search_path = '' as $$
  select cardinality(event_ids) between 1 and 256 and cardinality(leaves) = cardinality(event_ids)
    and cardinality(hashes) = cardinality(event_ids) and cardinality(salts) = cardinality(event_ids)
    and not exists (
      select from unnest(event_ids, leaves, hashes, salts) u (event_id, leaf, hash, salt)
      where u.event_id is null or u.leaf is null or octet_length(u.leaf) not between 2 and 4096
        or u.hash is null or octet_length(u.hash) <> 32 or octet_length(u.salt) <> 32)
$$;

create table assent.audit_batches (
  tenant_id uuid not null,
  epoch integer not null,
  -- Place of its first entry; the others follow without gaps.
  first bigint not null check (first >= 0),
  -- The greatest of its events: finds the batch of an event.
  last_event bigint not null,
  event_ids bigint[] not null,
  leaves bytea[] not null,
  hashes bytea[] not null,
  -- Null once the payload is erased: without it the commitment tells nothing any more.
  salts bytea[] not null,
  primary key (tenant_id, epoch, first),
  foreign key (tenant_id, epoch) references assent.audit_logs,
  check (assent.audit_batch_fits(event_ids, leaves, hashes, salts))
);
create index audit_batches_by_event on assent.audit_batches (tenant_id, last_event);

insert into assent.audit_batches (tenant_id, epoch, first, last_event, event_ids, leaves, hashes, salts)
  select l.tenant_id, l.epoch, min(l.idx), max(l.event_id), array_agg(l.event_id order by l.idx),
    array_agg(l.leaf order by l.idx), array_agg(l.leaf_hash order by l.idx), array_agg(l.salt order by l.idx)
  from assent.audit_leaves l group by l.tenant_id, l.epoch, l.idx / 256;
drop table assent.audit_leaves;

-- One row an entry, as they are read. Whoever looks for a place names the batch as well: nothing else is indexed.
create view assent.audit_leaves with (security_invoker = true) as
  select b.tenant_id, b.epoch, b.first, b.first + u.n - 1 as idx, u.event_id, u.leaf, u.leaf_hash, u.salt
  from assent.audit_batches b,
    unnest(b.event_ids, b.leaves, b.hashes, b.salts) with ordinality as u (event_id, leaf, leaf_hash, salt, n);

-- Where an event stands in the tree. Batches take the oldest events that wait, so of those that end at or after an event
-- one of the first has it.
create function assent.audit_place(tenant uuid, event bigint)
  returns table (epoch integer, idx bigint, leaf bytea, salt bytea) language sql stable set search_path = '' as $$
  select b.epoch, b.first + array_position(b.event_ids, event) - 1,
    b.leaves[array_position(b.event_ids, event)], b.salts[array_position(b.event_ids, event)]
  from assent.audit_batches b
  where b.tenant_id = tenant and b.last_event >= event and event = any (b.event_ids)
  order by b.last_event limit 1
$$;

create table assent.audit_inbox_rows (
  tenant_id uuid not null,
  -- The first of its events.
  id bigint not null,
  event_ids bigint[] not null check (cardinality(event_ids) between 1 and 256),
  -- Of each event, SHA-256 of the object that it is about, as its transaction left it.
  states bytea[] not null check (cardinality(states) = cardinality(event_ids)),
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id)
);
insert into assent.audit_inbox_rows (tenant_id, id, event_ids, states, at)
  select i.tenant_id, i.event_id, array[i.event_id], array[i.state], i.at from assent.audit_inbox i;
drop table assent.audit_inbox;
alter table assent.audit_inbox_rows rename to audit_inbox;
alter index assent.audit_inbox_rows_pkey rename to audit_inbox_pkey;

create or replace function assent.audit_file_events() returns trigger language plpgsql security definer
  set search_path = '' as $$
begin
  insert into assent.audit_inbox (tenant_id, id, event_ids, states)
    select f.tenant_id, min(f.event_id), array_agg(f.event_id order by f.event_id), array_agg(f.state order by f.event_id)
    from (
      select n.tenant_id, n.event_id, assent.audit_image(n.tenant_id, n.run_id, n.kind, n.data) as state,
        (row_number() over (partition by n.tenant_id order by n.event_id) - 1) / 256 as part
      from fresh n
    ) f group by f.tenant_id, f.part;
  return null;
end
$$;

create or replace function assent.audit_file_facts() returns trigger language plpgsql security definer
  set search_path = '' as $$
begin
  insert into assent.audit_inbox (tenant_id, id, event_ids, states)
    select f.tenant_id, min(f.event_id), array_agg(f.event_id order by f.event_id), array_agg(f.state order by f.event_id)
    from (
      select n.tenant_id, n.event_id,
        case when n.subject like 'key\_%' then assent.audit_key_image(n.tenant_id, substr(n.subject, 5)::uuid) end as state,
        (row_number() over (partition by n.tenant_id order by n.event_id) - 1) / 256 as part
      from fresh n
    ) f group by f.tenant_id, f.part;
  return null;
end
$$;

-- Committed events that are not in the tree, oldest first: whole rows of the inbox, until there are enough.
create or replace function assent.audit_take(tenant uuid, most integer)
  returns table (event_id bigint, subject text, version integer, at timestamptz, kind text, actor_id uuid, data text,
                 state bytea)
  language sql stable security definer set search_path = '' as $$
  with counted as (
    select i.event_ids, i.states,
      sum(cardinality(i.event_ids)) over (order by i.id rows unbounded preceding) - cardinality(i.event_ids) as before
    from (
      select * from assent.audit_inbox w where w.tenant_id = tenant and tenant = assent.tenant() order by w.id limit most
    ) i
  ), next as (
    select u.event_id, u.state from counted c, unnest(c.event_ids, c.states) as u (event_id, state) where c.before < most
  )
  select n.event_id, 'run_' || assent.audit_hex(e.run_id), e.version, e.at, e.kind, e.actor_id, e.data::text, n.state
    from next n join assent.audit_events e on e.tenant_id = tenant and e.event_id = n.event_id
  union all
  select n.event_id, f.subject, f.version, f.at, f.kind, f.actor_id, f.data::text, n.state
    from next n join assent.audit_facts f on f.tenant_id = tenant and f.event_id = n.event_id
  order by 1
$$;

drop function assent.audit_append(uuid, integer, bigint, bigint[], bytea[], bytea[], bytea[], bytea);

-- Appends one batch under the lock of audit_lock: entries one after the other, with the length of each. An event that is
-- not in the inbox cannot become an entry, and none leaves the inbox without becoming one.
create function assent.audit_append(tenant uuid, of_epoch integer, old_size bigint, given bigint[], leaves bytea,
                                    lengths integer[], hashes bytea, salts bytea, new_root bytea)
  returns void language plpgsql security definer set search_path = '' as $$
declare
  added integer := cardinality(given);
  taken bigint[];
begin
  if tenant is distinct from assent.tenant() then raise exception 'another tenant''s log' using errcode = 'AS003'; end if;
  update assent.audit_heads h set size = old_size + added, root = new_root
    where h.tenant_id = tenant and h.epoch = of_epoch and h.size = old_size;
  if not found then raise exception 'the log has moved on' using errcode = 'AS015'; end if;
  with gone as (
    delete from assent.audit_inbox i where i.tenant_id = tenant and i.id = any (given) returning i.event_ids
  )
  select array_agg(e order by e) into taken from gone, unnest(gone.event_ids) e;
  if taken is distinct from (select array_agg(e order by e) from unnest(given) e)
    or cardinality(lengths) <> added or octet_length(hashes) <> 32 * added or octet_length(salts) <> 32 * added
    or octet_length(leaves) <> (select sum(n) from unnest(lengths) n) then
    raise exception 'a batch has one leaf for each event of the inbox' using errcode = 'AS003';
  end if;
  insert into assent.audit_batches (tenant_id, epoch, first, last_event, event_ids, leaves, hashes, salts)
    select tenant, of_epoch, old_size + min(p.n) - 1, max(p.event_id), array_agg(p.event_id order by p.n),
      array_agg(p.leaf order by p.n), array_agg(p.hash order by p.n), array_agg(p.salt order by p.n)
    from (
      select u.n, u.event_id,
        substring(audit_append.leaves from (sum(u.length) over (order by u.n) - u.length + 1)::integer for u.length) as leaf,
        substring(audit_append.hashes from (32 * u.n - 31)::integer for 32) as hash,
        substring(audit_append.salts from (32 * u.n - 31)::integer for 32) as salt
      from unnest(given, lengths) with ordinality as u (event_id, length, n)
    ) p group by (p.n - 1) / 256;
end
$$;

create or replace function assent.audit_erase(tenant uuid, of_epoch integer, place bigint, new_digest bytea, reason text,
                                              by_actor uuid, now timestamptz)
  returns boolean language plpgsql security definer set search_path = '' as $$
declare
  batch record;
  at_place integer;
  name text := 'entry:' || of_epoch || ':' || place;
begin
  if tenant is distinct from assent.tenant() then raise exception 'another tenant''s log' using errcode = 'AS003'; end if;
  select b.first, b.event_ids, b.salts into batch from assent.audit_batches b
    where b.tenant_id = tenant and b.epoch = of_epoch and b.first <= place and b.first > place - 256
    order by b.first desc limit 1 for update;
  if batch is null then return false; end if;
  at_place := place - batch.first + 1;
  if batch.salts[at_place] is null then return false; end if;
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, actor_id, data)
    values (tenant, name, 1, now, 'payload.erased', by_actor,
            json_build_object('epoch', of_epoch, 'index', place, 'reason', reason));
  update assent.audit_batches b set salts[at_place] = null
    where b.tenant_id = tenant and b.epoch = of_epoch and b.first = batch.first;
  update assent.audit_events e set data = '{"erased":true}', digest = new_digest
    where e.tenant_id = tenant and e.event_id = batch.event_ids[at_place];
  update assent.audit_facts f set data = '{"erased":true}'
    where f.tenant_id = tenant and f.event_id = batch.event_ids[at_place];
  return true;
end
$$;

-- Nothing of the evidence changes, but for a payload that goes, with its salt, beside a record that says so.
create function assent.refuse_change_of_batch() returns trigger language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE'
    and (new.tenant_id, new.epoch, new.first, new.last_event, new.event_ids, new.leaves, new.hashes)
      = (old.tenant_id, old.epoch, old.first, old.last_event, old.event_ids, old.leaves, old.hashes)
    and not exists (
      select from unnest(old.salts, new.salts) with ordinality as u (was, becomes, n)
      where u.was is distinct from u.becomes and (u.becomes is not null or not exists (
        select from assent.audit_facts f where f.tenant_id = old.tenant_id and f.kind = 'payload.erased'
          and f.subject = 'entry:' || old.epoch || ':' || (old.first + u.n - 1))))
  then return new; end if;
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;
drop function assent.refuse_change_of_leaf();
create trigger audit_batches_append_only before update or delete on assent.audit_batches
  for each row execute function assent.refuse_change_of_batch();
create trigger audit_batches_no_truncate before truncate on assent.audit_batches
  for each statement execute function assent.refuse_change();

create or replace function assent.refuse_change_of_event() returns trigger language plpgsql set search_path = '' as $$
declare
  same boolean := false;
begin
  if tg_op = 'UPDATE' and tg_table_name = 'audit_events' then same := new.run_id = old.run_id;
  elsif tg_op = 'UPDATE' then same := new.subject = old.subject;
  end if;
  if same and tg_op = 'UPDATE' and new.data::text = '{"erased":true}'
    and (new.tenant_id, new.version, new.event_id, new.at, new.kind, coalesce(new.actor_id::text, ''))
      = (old.tenant_id, old.version, old.event_id, old.at, old.kind, coalesce(old.actor_id::text, ''))
    and exists (select from assent.audit_place(old.tenant_id, old.event_id) l where l.salt is null)
  then return new; end if;
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;

do $$
declare
  name text;
begin
  foreach name in array array['audit_batches', 'audit_inbox']
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

revoke all on function assent.audit_batch_fits, assent.audit_place, assent.audit_append, assent.refuse_change_of_batch
  from public;
grant select on assent.audit_batches, assent.audit_leaves, assent.audit_inbox to assent_app;
grant execute on function assent.audit_place, assent.audit_append to assent_app;
