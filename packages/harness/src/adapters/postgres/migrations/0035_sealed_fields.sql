-- What payloads hold of people is sealed under keys that can be destroyed, in copies as well (decisions/0032). The text
-- is sealed by the service; here lie the wrapped keys, and the rules by which they come, are wrapped anew, and go.

-- The installation's sealing keys, their public halves: whoever seals wraps for the newest. The keys themselves are files
-- of the home and never here.
create table assent.sealing_keys (
  generation integer primary key check (generation >= 1),
  public_key bytea not null unique check (octet_length(public_key) = 32),
  began_at timestamptz not null,
  -- There is a newer one: nothing is wrapped for this one any more.
  retired_at timestamptz,
  -- Its file is gone, and nothing is wrapped for it any more; or it was lost, and then what is wrapped for it is lost too.
  destroyed_at timestamptz,
  check (destroyed_at is null or retired_at is not null)
);
create unique index sealing_keys_newest on assent.sealing_keys ((true)) where retired_at is null;

-- One for each sealed text, named by its digest. No foreign key to the tenant: transactions would share a lock on its row.
create table assent.sealed_keys (
  tenant_id uuid not null,
  id bytea not null check (octet_length(id) = 32),
  -- For which sealing key it is wrapped; of a key that is gone, the last one that it was wrapped for.
  generation integer not null,
  wrapped bytea check (octet_length(wrapped) = 80),
  erased_at timestamptz,
  primary key (tenant_id, id),
  check ((wrapped is null) = (erased_at is not null))
);

alter table assent.sealed_keys enable row level security;
alter table assent.sealed_keys force row level security;
create policy tenant_wall on assent.sealed_keys to assent_app
  using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant());
create policy owner on assent.sealed_keys to current_user using (true) with check (true);

-- A key is wrapped for the newest sealing key, when it comes and whenever it is wrapped anew; else a process that had not
-- heard of a new one could wrap for one that is about to be destroyed. Whoever is refused looks again and repeats.
create function assent.keep_sealed_key() returns trigger language plpgsql set search_path = '' as $$
declare
  newest integer;
begin
  if tg_op = 'UPDATE' then
    if (new.tenant_id, new.id) is distinct from (old.tenant_id, old.id) or old.wrapped is null then
      raise exception 'a sealed key stays what it is' using errcode = 'AS003';
    end if;
    if new.wrapped is null and new.generation = old.generation then return new; end if;
    if new.wrapped is null or new.generation <= old.generation then
      raise exception 'a sealed key is wrapped for a newer sealing key, or goes' using errcode = 'AS003';
    end if;
  elsif tg_op <> 'INSERT' then
    raise exception 'of a sealed key that is gone the record stays' using errcode = 'AS003';
  elsif new.wrapped is null then
    raise exception 'a sealed key comes with its wrapping' using errcode = 'AS003';
  end if;
  select k.generation into newest from assent.sealing_keys k where k.retired_at is null;
  if new.generation is distinct from newest then
    raise exception 'another sealing key is the newest' using errcode = 'AS016';
  end if;
  return new;
end
$$;
create trigger sealed_keys_kept before insert or update or delete on assent.sealed_keys
  for each row execute function assent.keep_sealed_key();
create trigger sealed_keys_no_truncate before truncate on assent.sealed_keys
  for each statement execute function assent.refuse_change();

-- The sealing key after the one that the caller has seen, null for none; or in its place, where that one is lost. Null:
-- another one is the newest, or one that is retired has not been destroyed yet. The lock waits for whoever is sealing
-- under the one before, so that afterwards nobody is.
create function assent.sealing_begin(key bytea, after bytea, is_lost boolean, at timestamptz) returns integer
  language plpgsql security definer set search_path = '' set lock_timeout = '1s' as $$
declare
  last integer;
begin
  lock table assent.sealing_keys in share row exclusive mode;
  select max(k.generation) into last from assent.sealing_keys k;
  if after is distinct from (select k.public_key from assent.sealing_keys k where k.retired_at is null) then
    return null;
  end if;
  if not is_lost and exists (
    select from assent.sealing_keys k where k.retired_at is not null and k.destroyed_at is null
  ) then return null; end if;
  lock table assent.sealed_keys in share mode;
  update assent.sealing_keys k set retired_at = coalesce(k.retired_at, at), destroyed_at = case when is_lost then at end
    where k.destroyed_at is null;
  insert into assent.sealing_keys (generation, public_key, began_at) values (coalesce(last, 0) + 1, key, at);
  return coalesce(last, 0) + 1;
end
$$;

-- Tenants with keys that are still wrapped for an older sealing key that is there: ids, nothing else.
create function assent.sealing_behind() returns table (tenant_id uuid)
  language sql stable security definer set search_path = '' as $$
  select distinct s.tenant_id from assent.sealed_keys s where s.wrapped is not null and s.generation in (
    select k.generation from assent.sealing_keys k where k.retired_at is not null and k.destroyed_at is null)
$$;

-- Its file is gone. False while anything is wrapped for it.
create function assent.sealing_destroyed(of_generation integer, at timestamptz) returns boolean
  language plpgsql security definer set search_path = '' as $$
begin
  if exists (
    select from assent.sealed_keys s where s.wrapped is not null and s.generation = of_generation
  ) then return false; end if;
  update assent.sealing_keys k set destroyed_at = at
    where k.generation = of_generation and k.retired_at is not null and k.destroyed_at is null;
  return true;
end
$$;

-- --- what is erased takes its key along ---------------------------------------------------------------------------

create function assent.destroy_sealed_key(tenant uuid, data json, now timestamptz) returns void
  language sql security definer set search_path = '' as $$
  update assent.sealed_keys s set wrapped = null, erased_at = now
  where s.tenant_id = tenant and s.wrapped is not null
    and data ->> 'sealed' ~ '^v1\.[0-9a-f]{64}\.' and s.id = decode(substr(data ->> 'sealed', 4, 64), 'hex')
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
  perform assent.destroy_sealed_key(tenant, p.data, now) from (
    select e.data from assent.audit_events e where e.tenant_id = tenant and e.event_id = batch.event_ids[at_place]
    union all
    select f.data from assent.audit_facts f where f.tenant_id = tenant and f.event_id = batch.event_ids[at_place]) p;
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

-- --- documents: their facts are stated by the database, which cannot seal ---------------------------------------------

-- Name and source as the service sealed them, for the facts. Null for documents of before, and of programs of before.
alter table assent.documents add column sealed text check (sealed ~ '^v1\.[0-9a-f]{64}\.');

-- A name stands in a fact sealed, or not at all; but for a document that a program of before adds, and for names that
-- somebody changes by hand: these are told, since nothing else would tell them.
create or replace function assent.audit_document() returns trigger language plpgsql security definer
  set search_path = '' as $$
declare
  doc assent.documents := case when tg_op = 'DELETE' then old else new end;
  subject_name text := 'doc_' || assent.audit_hex(doc.id);
  stated integer;
  renamed boolean := tg_op = 'UPDATE' and (new.name, new.source) is distinct from (old.name, old.source)
    and new.sealed is not distinct from old.sealed;
begin
  select coalesce(max(f.version), 0) + 1 into stated
    from assent.audit_facts f where f.tenant_id = doc.tenant_id and f.subject = subject_name;
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, actor_id, data)
    values (doc.tenant_id, subject_name, stated, clock_timestamp(),
      case tg_op when 'INSERT' then 'document_added' when 'UPDATE' then 'document_changed' else 'document_removed' end,
      case when tg_op = 'INSERT' then doc.created_by
        else nullif(pg_catalog.current_setting('assent.actor', true), '')::uuid end,
      case
        when renamed or doc.sealed is null and tg_op = 'INSERT' then json_build_object('name', doc.name,
          'source', doc.source, 'sha256', encode(doc.sha256, 'hex'), 'chars', doc.chars, 'passages', doc.passages)
        when doc.sealed is null then json_build_object('sha256', encode(doc.sha256, 'hex'), 'chars', doc.chars,
          'passages', doc.passages)
        else json_build_object('sealed', doc.sealed, 'sha256', encode(doc.sha256, 'hex'), 'chars', doc.chars,
          'passages', doc.passages)
      end);
  return null;
end
$$;

revoke all on function assent.keep_sealed_key, assent.sealing_begin, assent.sealing_behind, assent.sealing_destroyed,
  assent.destroy_sealed_key from public;
grant select on assent.sealing_keys, assent.sealed_keys to assent_app;
grant insert (tenant_id, id, generation, wrapped) on assent.sealed_keys to assent_app;
grant update (generation, wrapped) on assent.sealed_keys to assent_app;
grant execute on function assent.sealing_begin, assent.sealing_behind, assent.sealing_destroyed to assent_app;
