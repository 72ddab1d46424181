-- Who a principal is: a person or a program, and by which name. Duties are kept apart by it, and what takes a person takes no program:
-- whoever could make a person of a program in its row would have its keys give people's words. What a row says is a fact of the
-- evidence, which takes a digest of it, stated by the database whoever writes it (as for keys, 0012), and nobody becomes another.

create function assent.audit_principal_image(tenant uuid, principal uuid) returns bytea
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select sha256(convert_to(row(p.id, p.kind, p.name, p.must_sign, extract(epoch from p.created_at))::text, 'UTF8'))
  from assent.principals p where p.tenant_id = tenant and p.id = principal
$$;

-- As before (0072), and of principals.
create or replace function assent.audit_file_facts() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
begin
  insert into assent.audit_inbox (tenant_id, id, event_ids, states)
    select f.tenant_id, min(f.event_id), array_agg(f.event_id order by f.event_id), array_agg(f.state order by f.event_id)
    from (
      select n.tenant_id, n.event_id,
        case
          when n.subject like 'key\_%' then assent.audit_key_image(n.tenant_id, substr(n.subject, 5)::uuid)
          when n.subject like 'principal\_%' then
            assent.audit_principal_image(n.tenant_id, substr(n.subject, 11)::uuid)
          when n.subject like 'precedent\_%' then
            assent.audit_precedent_image(n.tenant_id, decode(substr(n.subject, 11), 'hex'))
        end as state,
        (row_number() over (partition by n.tenant_id order by n.event_id) - 1) / 256 as part
      from fresh n
    ) f group by f.tenant_id, f.part;
  return null;
end
$$;

-- The name is not said: it is a person's.
create or replace function assent.audit_principal() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  subject_of_it text := 'principal_' || assent.audit_hex(new.id);
begin
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
    select new.tenant_id, subject_of_it, coalesce(max(f.version), 0) + 1, clock_timestamp(),
      case when tg_op = 'INSERT' then 'principal_stored' else 'principal_changed' end,
      json_build_object('principal', 'prn_' || assent.audit_hex(new.id), 'kind', new.kind, 'must_sign', new.must_sign)
    from assent.audit_facts f where f.tenant_id = new.tenant_id and f.subject = subject_of_it;
  return null;
end
$$;
create trigger principals_event_on_insert after insert on assent.principals
  for each row execute function assent.audit_principal();

create function assent.refuse_another() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'a principal stays who it is' using errcode = 'AS003';
end
$$;
create trigger principals_stay_who_they_are before update on assent.principals
  for each row when ((old.tenant_id, old.id, old.kind, old.name, old.created_at)
    is distinct from (new.tenant_id, new.id, new.kind, new.name, new.created_at))
  execute function assent.refuse_another();

-- Those of before begin with what they are now.
insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
  select p.tenant_id, 'principal_' || assent.audit_hex(p.id),
    1 + coalesce((select max(f.version) from assent.audit_facts f
      where f.tenant_id = p.tenant_id and f.subject = 'principal_' || assent.audit_hex(p.id)), 0),
    clock_timestamp(), 'principal_stored',
    json_build_object('principal', 'prn_' || assent.audit_hex(p.id), 'kind', p.kind, 'must_sign', p.must_sign)
  from assent.principals p;

revoke all on function assent.audit_principal_image, assent.audit_principal, assent.refuse_another from public;
