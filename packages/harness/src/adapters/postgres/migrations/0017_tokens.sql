-- A request with a token of an identity provider: as admit_key, for a principal that the token names, who is made now
-- if they were never here. Null tenant: there is none of that name.
create function assent.admit_token(tenant_slug text, kind text, name text, new_id uuid, at timestamptz,
                                   signing_key uuid, policies text[], quotas integer[], windows integer[])
  returns table (tenant_id uuid, principal_id uuid, taken boolean, exceeded integer, remaining integer[],
                 reset_seconds integer[], signing_algorithm text, signing_public_key bytea)
  language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  quota assent.quota_taken;
begin
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  select t.id into tenant_id from assent.tenants t where t.slug = tenant_slug;
  if not found then return; end if;
  select p.id into principal_id from assent.principals p
    where p.tenant_id = admit_token.tenant_id and p.kind = admit_token.kind and p.name = admit_token.name;
  if not found then
    insert into assent.principals (tenant_id, id, kind, name, created_at)
      values (admit_token.tenant_id, new_id, admit_token.kind, admit_token.name, at)
      on conflict (tenant_id, kind, name) do nothing;
    select p.id into principal_id from assent.principals p
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
