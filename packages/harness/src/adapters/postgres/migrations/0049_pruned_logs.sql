-- Retention: of entries below a log's minimum index bytes, salt and payload go; hashes, tree, places and what is counted
-- stay (decisions/0034). The minimum is what an entry of the tenant's newest log says, and counts once that is signed.

create or replace function assent.audit_batch_fits(event_ids bigint[], leaves bytea[], hashes bytea[], salts bytea[])
  returns boolean language sql immutable set search_path = pg_catalog, pg_temp as $$
  select cardinality(event_ids) between 1 and 256 and cardinality(leaves) = cardinality(event_ids)
    and cardinality(hashes) = cardinality(event_ids) and cardinality(salts) = cardinality(event_ids)
    and not exists (
      select from unnest(event_ids, leaves, hashes, salts) u (event_id, leaf, hash, salt)
      where u.event_id is null or octet_length(u.leaf) not between 2 and 4096 or u.leaf is null and u.salt is not null
        or u.hash is null or octet_length(u.hash) <> 32 or octet_length(u.salt) <> 32)
$$;

-- Of the few entries that say that something was pruned, and of those that erase what a later log has to explain.
create index audit_facts_pruned on assent.audit_facts (tenant_id, kind) where kind in ('log.pruned', 'payload.erased');

-- Below this place entries of the log are not kept; 0 where it was never pruned. What says so stands in a signed tree, behind
-- what it is about.
create function assent.audit_minimum(tenant uuid, of_epoch integer) returns bigint
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(max(said.minimum), 0) from (
    select f.event_id, case when f.subject ~ ('^pruned:' || of_epoch || ':[1-9][0-9]{0,14}$')
      then split_part(f.subject, ':', 3)::bigint end as minimum
    from assent.audit_facts f where f.tenant_id = tenant and f.kind = 'log.pruned'
  ) said, lateral assent.audit_place(tenant, said.event_id) p
  where said.minimum % 256 = 0 and (p.epoch > of_epoch or p.epoch = of_epoch and p.idx >= said.minimum)
    and exists (
      select from assent.audit_checkpoints c where c.tenant_id = tenant and c.epoch = p.epoch and c.size > p.idx)
$$;

-- The first entry of a later epoch says where the one before ended: it stays, and is checked with all that stays.
create function assent.audit_is_pruned(of_epoch integer, place bigint, minimum bigint) returns boolean
  language sql immutable set search_path = pg_catalog, pg_temp as $$
  select place < minimum and not (of_epoch > 1 and place = 0)
$$;

-- Takes a batch's pruned entries away. `digests` has one for each of its entries: what a run's event digests to without
-- its payload, null for other facts. False where nothing of the batch is to go, or has gone already.
create function assent.audit_prune(tenant uuid, of_epoch integer, of_first bigint, digests bytea[]) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  minimum bigint;
  batch assent.audit_batches;
begin
  if tenant is distinct from assent.tenant() then raise exception 'another tenant''s log' using errcode = 'AS003'; end if;
  minimum := assent.audit_minimum(tenant, of_epoch);
  select * into batch from assent.audit_batches b
    where b.tenant_id = tenant and b.epoch = of_epoch and b.first = of_first for update;
  if batch is null or not exists (
    select from unnest(batch.leaves) with ordinality u (leaf, n)
    where u.leaf is not null and assent.audit_is_pruned(of_epoch, of_first + u.n - 1, minimum)
  ) then return false; end if;
  if cardinality(digests) is distinct from cardinality(batch.event_ids) then
    raise exception 'a batch is pruned with a digest for each entry' using errcode = 'AS003';
  end if;
  update assent.audit_batches b set
      leaves = array(select case when not assent.audit_is_pruned(of_epoch, of_first + u.n - 1, minimum) then u.leaf end
        from unnest(batch.leaves) with ordinality u (leaf, n) order by u.n),
      salts = array(select case when not assent.audit_is_pruned(of_epoch, of_first + u.n - 1, minimum) then u.salt end
        from unnest(batch.salts) with ordinality u (salt, n) order by u.n)
    where b.tenant_id = tenant and b.epoch = of_epoch and b.first = of_first;
  update assent.audit_events e set data = '{"pruned":true}', digest = u.digest
    from unnest(batch.event_ids, digests) with ordinality u (event_id, digest, n)
    where e.tenant_id = tenant and e.event_id = u.event_id and assent.audit_is_pruned(of_epoch, of_first + u.n - 1, minimum);
  update assent.audit_facts f set data = '{"pruned":true}'
    from unnest(batch.event_ids) with ordinality u (event_id, n)
    where f.tenant_id = tenant and f.event_id = u.event_id and assent.audit_is_pruned(of_epoch, of_first + u.n - 1, minimum);
  return true;
end
$$;

-- As before, and an entry comes whole: only pruning takes its bytes.
create or replace function assent.audit_append(tenant uuid, of_epoch integer, old_size bigint, given bigint[], leaves bytea,
                                               lengths integer[], hashes bytea, salts bytea, new_root bytea)
  returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
    or cardinality(lengths) <> added or array_position(lengths, null::integer) is not null
    or octet_length(hashes) <> 32 * added or octet_length(salts) <> 32 * added
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

-- Nothing of the evidence changes, but for what goes beside a record that says so: a payload with its salt, or entries
-- below the minimum.
create or replace function assent.refuse_change_of_batch() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  minimum bigint := 0;
begin
  if tg_op = 'UPDATE'
    and (new.tenant_id, new.epoch, new.first, new.last_event, new.event_ids, new.hashes)
      = (old.tenant_id, old.epoch, old.first, old.last_event, old.event_ids, old.hashes) then
    if new.leaves is distinct from old.leaves then minimum := assent.audit_minimum(old.tenant_id, old.epoch); end if;
    if not exists (
      select from unnest(old.leaves, new.leaves, old.salts, new.salts) with ordinality as u (leaf, leaf_becomes, salt, salt_becomes, n)
      where (u.leaf is distinct from u.leaf_becomes or u.salt is distinct from u.salt_becomes)
        and not (u.leaf_becomes is null and u.salt_becomes is null
          and assent.audit_is_pruned(old.epoch, old.first + u.n - 1, minimum))
        and (u.leaf is distinct from u.leaf_becomes or u.salt_becomes is not null or not exists (
          select from assent.audit_facts f where f.tenant_id = old.tenant_id and f.kind = 'payload.erased'
            and f.subject = 'entry:' || old.epoch || ':' || (old.first + u.n - 1)))
    ) then return new; end if;
  end if;
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;

create or replace function assent.refuse_change_of_event() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  same boolean := false;
begin
  if tg_op = 'UPDATE' and tg_table_name = 'audit_events' then same := new.run_id = old.run_id;
  elsif tg_op = 'UPDATE' then same := new.subject = old.subject;
  end if;
  if same and tg_op = 'UPDATE' and new.data::text in ('{"erased":true}', '{"pruned":true}')
    and (new.tenant_id, new.version, new.event_id, new.at, new.kind, coalesce(new.actor_id::text, ''))
      = (old.tenant_id, old.version, old.event_id, old.at, old.kind, coalesce(old.actor_id::text, ''))
    and exists (select from assent.audit_place(old.tenant_id, old.event_id) l
      where l.salt is null and (l.leaf is null) = (new.data::text = '{"pruned":true}'))
  then return new; end if;
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;

revoke all on function assent.audit_minimum, assent.audit_is_pruned, assent.audit_prune from public;
grant execute on function assent.audit_minimum, assent.audit_is_pruned, assent.audit_prune to assent_app;
