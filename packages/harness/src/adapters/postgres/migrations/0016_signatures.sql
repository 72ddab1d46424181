-- Keys that sign requests (RFC 9421), and the nonces that were used with them (invariant 7, accepted once).

create table assent.signing_keys (
  tenant_id uuid not null,
  id uuid not null,
  principal_id uuid not null,
  algorithm text not null check (algorithm in ('ed25519', 'hmac-sha256')),
  -- Null for hmac-sha256: that secret is derived from the installation's, and is nowhere.
  public_key bytea check (octet_length(public_key) = 32),
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, principal_id) references assent.principals,
  check ((algorithm = 'ed25519') = (public_key is not null))
);

create table assent.signature_nonces (
  tenant_id uuid not null,
  key_id uuid not null,
  nonce text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, key_id, nonce),
  foreign key (tenant_id, key_id) references assent.signing_keys
);
create index signature_nonces_expiry on assent.signature_nonces (expires_at);

do $$
declare
  name text;
begin
  foreach name in array array['signing_keys', 'signature_nonces']
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

drop function assent.admit_key(bytea, timestamptz, text[], integer[], integer[]);

-- As before, and the signing key that the request names, where it is one of the caller's own and still good: one
-- statement a request, signed or not.
create function assent.admit_key(key_hash bytea, at timestamptz, signing_key uuid,
                                 policies text[], quotas integer[], windows integer[])
  returns table (tenant_id uuid, key_id uuid, scopes text[], roles text[], must_sign boolean,
                 principal_id uuid, principal_kind text, principal_name text,
                 taken boolean, exceeded integer, remaining integer[], reset_seconds integer[],
                 signing_algorithm text, signing_public_key bytea)
  language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  quota assent.quota_taken;
begin
  -- A crash may forget when a key was last used; no request waits for a disk because of it. Until the end of this
  -- statement's transaction, which is its own.
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  select f.tenant_id, f.key_id, f.scopes, f.roles, f.must_sign, f.principal_id, f.principal_kind, f.principal_name
    into tenant_id, key_id, scopes, roles, must_sign, principal_id, principal_kind, principal_name
    from assent.find_caller(key_hash, at) f;
  if not found then return; end if;
  quota := assent.take_quota(tenant_id, assent.quota_bucket_names(policies, principal_id), quotas, windows);
  taken := quota.taken;
  exceeded := quota.exceeded;
  remaining := quota.remaining;
  reset_seconds := quota.reset_seconds;
  if signing_key is not null then
    select s.algorithm, s.public_key into signing_algorithm, signing_public_key
      from assent.find_signing_key(tenant_id, principal_id, signing_key, at) s;
  end if;
  -- To the minute: a row that every request wrote would be the slowest thing here.
  perform assent.touch_key(tenant_id, key_id, at);
  return next;
end
$$;

create function assent.touch_key(tenant uuid, key uuid, at timestamptz) returns void
  language sql security definer set search_path = '' as $$
  update assent.api_keys k set last_used_at = at
    where k.tenant_id = tenant and k.id = key
      and (k.last_used_at is null or k.last_used_at <= at - interval '1 minute')
$$;

create function assent.find_signing_key(tenant uuid, principal uuid, key uuid, at timestamptz)
  returns table (algorithm text, public_key bytea)
  language sql stable security definer set search_path = '' as $$
  select s.algorithm, s.public_key from assent.signing_keys s
  where s.tenant_id = tenant and s.id = key and s.principal_id = principal
    and s.revoked_at is null and (s.expires_at is null or s.expires_at > at)
$$;

-- False where the nonce was used with this key before, on whichever server, and however often either was restarted.
create function assent.take_nonce(tenant uuid, key uuid, nonce text, until timestamptz) returns boolean
  language sql security definer set search_path = '' as $$
  with taken as (
    insert into assent.signature_nonces (tenant_id, key_id, nonce, expires_at)
    values (tenant, key, nonce, until) on conflict do nothing returning 1)
  select exists (select 1 from taken)
$$;

create or replace function assent.sweep_expired(at timestamptz, most integer) returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  removed integer := 0;
  now_removed integer;
begin
  delete from assent.quota_buckets b where b.ctid in (
    select s.ctid from assent.quota_buckets s where s.filled_at < pg_catalog.clock_timestamp() - interval '1 day'
    limit most for update skip locked);
  get diagnostics now_removed = row_count;
  removed := removed + now_removed;
  delete from assent.signature_nonces n where n.ctid in (
    select s.ctid from assent.signature_nonces s where s.expires_at <= at limit most for update skip locked);
  get diagnostics now_removed = row_count;
  removed := removed + now_removed;
  delete from assent.idempotency_keys i where i.ctid in (
    select s.ctid from assent.idempotency_keys s where s.expires_at <= at limit most for update skip locked);
  get diagnostics now_removed = row_count;
  return removed + now_removed;
end
$$;

revoke all on function assent.admit_key(bytea, timestamptz, uuid, text[], integer[], integer[]),
  assent.touch_key(uuid, uuid, timestamptz),
  assent.find_signing_key(uuid, uuid, uuid, timestamptz),
  assent.take_nonce(uuid, uuid, text, timestamptz) from public;
grant execute on function assent.admit_key(bytea, timestamptz, uuid, text[], integer[], integer[]),
  assent.take_nonce(uuid, uuid, text, timestamptz) to assent_app;
grant select, insert, update on assent.signing_keys to assent_app;
