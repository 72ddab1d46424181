-- Rows of the memory's and the access record's own tables from before fields were sealed (0035) hold in plain what their
-- facts hold in plain. An erasure of such a fact has to reach them: they are sealed, and their key goes with the fact.

create or replace function assent.destroy_copied_key(tenant uuid, subject text, now timestamptz) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select assent.destroy_sealed_key(tenant, h.record, now) from assent.harmony_audit h
    where h.tenant_id = tenant and subject ~ '^memory_[0-9a-f]{64}$' and h.id = decode(substr(subject, 8), 'hex')
  union all
  select assent.destroy_sealed_key(tenant, a.data, now) from assent.access_events a
    where a.tenant_id = tenant and subject ~ '^access_[0-9a-f]{32}$' and a.id = substr(subject, 8)::uuid
$$;

-- Tenants that may have such rows: ids, nothing else.
create function assent.sealing_older() returns table (tenant_id uuid)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select h.tenant_id from assent.harmony_audit h where h.record ->> 'sealed' is null
  union
  select a.tenant_id from assent.access_events a where a.kind = 'signature_refused' and a.data ->> 'sealed' is null
$$;

-- Puts a sealed text in the place of fields: the rest is what it was, and the text's key is there. Where the fact was erased
-- before, the key goes at once.
create function assent.seal_older_row(tenant uuid, subject text, sealed_record json, now timestamptz) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tenant is distinct from assent.tenant() then raise exception 'another tenant''s rows' using errcode = 'AS003'; end if;
  if subject ~ '^memory_[0-9a-f]{64}$' then
    update assent.harmony_audit h set record = sealed_record
      where h.tenant_id = tenant and h.id = decode(substr(subject, 8), 'hex') and h.record ->> 'sealed' is null;
  elsif subject ~ '^access_[0-9a-f]{32}$' then
    update assent.access_events a set data = sealed_record
      where a.tenant_id = tenant and a.id = substr(subject, 8)::uuid and a.data ->> 'sealed' is null;
  else
    return false;
  end if;
  if not found then return false; end if;
  if exists (
    select from assent.audit_facts f
    where f.tenant_id = tenant and f.subject = seal_older_row.subject and f.data::text = '{"erased":true}'
  ) then perform assent.destroy_copied_key(tenant, subject, now); end if;
  return true;
end
$$;

-- Insert-only as before, but for fields that go into a sealed text whose key is kept.
create function assent.refuse_change_but_sealing() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  was jsonb;
  becomes jsonb;
begin
  if tg_op = 'UPDATE' then
    was := to_jsonb(old);
    becomes := to_jsonb(new);
    if was - array['record', 'data'] = becomes - array['record', 'data'] then
      was := coalesce(was -> 'record', was -> 'data');
      becomes := coalesce(becomes -> 'record', becomes -> 'data');
      if not was ? 'sealed' and was @> becomes - 'sealed' and becomes ->> 'sealed' ~ '^v1\.[0-9a-f]{64}\.' and exists (
        select from assent.sealed_keys s where s.tenant_id = old.tenant_id and s.wrapped is not null
          and s.id = decode(substr(becomes ->> 'sealed', 4, 64), 'hex')
      ) then return new; end if;
    end if;
  end if;
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;
drop trigger harmony_audit_append_only on assent.harmony_audit;
create trigger harmony_audit_append_only before update or delete on assent.harmony_audit
  for each row execute function assent.refuse_change_but_sealing();
drop trigger access_events_append_only on assent.access_events;
create trigger access_events_append_only before update or delete on assent.access_events
  for each row execute function assent.refuse_change_but_sealing();

-- As before, and the key of a copy that was sealed later goes as well.
create or replace function assent.audit_erase(tenant uuid, of_epoch integer, place bigint, new_digest bytea, reason text,
                                              by_actor uuid, now timestamptz)
  returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
  perform assent.destroy_copied_key(tenant, f.subject, now) from assent.audit_facts f
    where f.tenant_id = tenant and f.event_id = batch.event_ids[at_place];
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

revoke all on function assent.destroy_copied_key, assent.sealing_older, assent.seal_older_row,
  assent.refuse_change_but_sealing from public;
grant execute on function assent.sealing_older, assent.seal_older_row to assent_app;
