-- Principals all of whose requests must be signed, whatever each of their keys says (RFC 9421, docs/signatures.md).

alter table assent.principals add column must_sign boolean not null default false;
grant update (must_sign) on assent.principals to assent_app;

create or replace function assent.find_caller(key_hash bytea, at timestamptz)
  returns table (tenant_id uuid, key_id uuid, scopes text[], roles text[], must_sign boolean,
                 principal_id uuid, principal_kind text, principal_name text)
  language sql stable security definer set search_path = '' as $$
  select k.tenant_id, k.id, k.scopes, k.roles, k.must_sign or p.must_sign, p.id, p.kind, p.name
  from assent.api_keys k
  join assent.principals p on p.tenant_id = k.tenant_id and p.id = k.principal_id
  where k.hash = key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > at)
$$;

drop function assent.admit_token(text, text, text, uuid, timestamptz, uuid, text[], integer[], integer[]);

-- As before, and whether the principal must sign.
create function assent.admit_token(tenant_slug text, kind text, name text, new_id uuid, at timestamptz,
                                   signing_key uuid, policies text[], quotas integer[], windows integer[])
  returns table (tenant_id uuid, principal_id uuid, must_sign boolean, taken boolean, exceeded integer,
                 remaining integer[], reset_seconds integer[], signing_algorithm text, signing_public_key bytea)
  language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  quota assent.quota_taken;
begin
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  select t.id into tenant_id from assent.tenants t where t.slug = tenant_slug;
  if not found then return; end if;
  select p.id, p.must_sign into principal_id, must_sign from assent.principals p
    where p.tenant_id = admit_token.tenant_id and p.kind = admit_token.kind and p.name = admit_token.name;
  if not found then
    insert into assent.principals (tenant_id, id, kind, name, created_at)
      values (admit_token.tenant_id, new_id, admit_token.kind, admit_token.name, at)
      on conflict (tenant_id, kind, name) do nothing;
    select p.id, p.must_sign into principal_id, must_sign from assent.principals p
      where p.tenant_id = admit_token.tenant_id and p.kind = admit_token.kind and p.name = admit_token.name;
  end if;
  quota := assent.take_quota(admit_token.tenant_id, assent.quota_bucket_names(policies, admit_token.principal_id),
                             quotas, windows);
  taken := quota.taken;
  exceeded := quota.exceeded;
  remaining := quota.remaining;
  reset_seconds := quota.reset_seconds;
  if signing_key is not null then
    select s.algorithm, s.public_key into signing_algorithm, signing_public_key
      from assent.find_signing_key(admit_token.tenant_id, admit_token.principal_id, signing_key, at) s;
  end if;
  return next;
end
$$;
revoke all on function assent.admit_token(text, text, text, uuid, timestamptz, uuid, text[], integer[], integer[])
  from public;
grant execute on function assent.admit_token(text, text, text, uuid, timestamptz, uuid, text[], integer[], integer[])
  to assent_app;

-- A fact of the trail, stated by the database itself, whoever changes the row (as for keys).
create function assent.audit_principal() returns trigger language plpgsql security definer
  set search_path = '' as $$
declare
  name text := 'principal_' || assent.audit_hex(new.id);
begin
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
    select new.tenant_id, name, coalesce(max(f.version), 0) + 1, clock_timestamp(), 'principal_changed',
      json_build_object('principal', 'prn_' || assent.audit_hex(new.id), 'must_sign', new.must_sign)
    from assent.audit_facts f where f.tenant_id = new.tenant_id and f.subject = name;
  return null;
end
$$;
create trigger principals_event_on_update after update on assent.principals
  for each row when (old.must_sign is distinct from new.must_sign) execute function assent.audit_principal();
