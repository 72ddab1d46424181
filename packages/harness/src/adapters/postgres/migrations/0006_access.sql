-- Who may call, how often, and a record of what was done about credentials.

alter table assent.api_keys
  add column roles text[] not null default '{}',
  -- Good for signed requests only.
  add column must_sign boolean not null default false,
  add column last_used_at timestamptz;

-- Whoever held every scope there was is an admin: scopes that are added later belong to them as well.
update assent.api_keys set roles = '{admin}'
  where scopes @> array['runs:read', 'runs:write', 'approvals:decide', 'keys:admin'];

-- Keys made, replaced and revoked, signatures refused: what is no run's affair. Insert-only, as audit_events are.
create table assent.access_events (
  tenant_id uuid not null references assent.tenants,
  id uuid not null,
  at timestamptz not null,
  kind text not null,
  actor_id uuid,
  data json not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, actor_id) references assent.principals
);
create trigger access_events_append_only before update or delete on assent.access_events
  for each row execute function assent.refuse_change();
create trigger access_events_no_truncate before truncate on assent.access_events
  for each statement execute function assent.refuse_change();

-- How much of a quota is used. A bucket is filled again, whole, once its window is over; until then exactly the quota
-- is served, by however many processes. Unlogged: a crash of the database fills all buckets, and in exchange no request
-- waits for a disk because of its quota.
create unlogged table assent.quota_buckets (
  tenant_id uuid not null references assent.tenants,
  bucket text not null,
  filled_at timestamptz not null,
  used integer not null check (used >= 0),
  primary key (tenant_id, bucket)
) with (fillfactor = 50);
create index quota_buckets_age on assent.quota_buckets (filled_at);

do $$
declare
  name text;
begin
  foreach name in array array['access_events', 'quota_buckets']
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

create type assent.quota_taken as (taken boolean, exceeded integer, remaining integer[], reset_seconds integer[]);

-- Takes one from every bucket, or none from any. The narrowest bucket comes first and the tenant's last, for everybody,
-- so that no two wait for each other, and one caller's flood never uses up what the others share. Time is the
-- database's: processes whose clocks differ share the buckets.
create function assent.take_quota(tenant uuid, buckets text[], quotas integer[], windows integer[])
  returns assent.quota_taken language plpgsql security definer set search_path = '' as $$
declare
  at timestamptz := pg_catalog.clock_timestamp();
  result assent.quota_taken;
  span interval;
  held_used integer;
  held_since timestamptz;
begin
  result.taken := true;
  result.remaining := '{}';
  result.reset_seconds := '{}';
  for i in 1 .. coalesce(pg_catalog.array_length(buckets, 1), 0) loop
    span := pg_catalog.make_interval(secs => windows[i]);
    insert into assent.quota_buckets as b (tenant_id, bucket, filled_at, used)
      values (tenant, buckets[i], at, 1)
      on conflict (tenant_id, bucket) do update set
        used = case when b.filled_at + span <= at then 1 else b.used + 1 end,
        filled_at = case when b.filled_at + span <= at then at else b.filled_at end
      where b.filled_at + span <= at or b.used < quotas[i]
      returning b.used, b.filled_at into held_used, held_since;
    if not found then
      select b.used, b.filled_at into held_used, held_since from assent.quota_buckets b
        where b.tenant_id = tenant and b.bucket = buckets[i];
      result.taken := false;
      result.exceeded := i;
      update assent.quota_buckets b set used = b.used - 1
        where b.tenant_id = tenant and b.bucket = any (buckets[1 : i - 1]) and b.used > 0;
    end if;
    result.remaining := result.remaining || greatest(quotas[i] - held_used, 0);
    -- Rounded up: who comes back then never comes too early.
    result.reset_seconds := result.reset_seconds ||
      least(windows[i], greatest(1, pg_catalog.ceil(extract(epoch from held_since + span - at))::integer));
    exit when not result.taken;
  end loop;
  return result;
end
$$;

drop function assent.find_caller(bytea, timestamptz);

-- Whose key is this? It answers for an exact hash only.
create function assent.find_caller(key_hash bytea, at timestamptz)
  returns table (tenant_id uuid, key_id uuid, scopes text[], roles text[], must_sign boolean,
                 principal_id uuid, principal_kind text, principal_name text)
  language sql stable security definer set search_path = '' as $$
  select k.tenant_id, k.id, k.scopes, k.roles, k.must_sign, p.id, p.kind, p.name
  from assent.api_keys k
  join assent.principals p on p.tenant_id = k.tenant_id and p.id = k.principal_id
  where k.hash = key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > at)
$$;

-- All that a request with a key costs before it is known what it asks for, in one statement: the key, its quotas, and
-- when it was used. `policies`: `tenant`, `principal`, or the name of an action for a quota of that action alone.
create function assent.admit_key(key_hash bytea, at timestamptz, policies text[], quotas integer[], windows integer[])
  returns table (tenant_id uuid, key_id uuid, scopes text[], roles text[], must_sign boolean,
                 principal_id uuid, principal_kind text, principal_name text,
                 taken boolean, exceeded integer, remaining integer[], reset_seconds integer[])
  language plpgsql security definer set search_path = '' as $$
declare
  quota assent.quota_taken;
begin
  -- A crash may forget when a key was last used; no request waits for a disk because of it. Until the end of this
  -- statement's transaction, which is its own.
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  select f.* into tenant_id, key_id, scopes, roles, must_sign, principal_id, principal_kind, principal_name
    from assent.find_caller(key_hash, at) f;
  if not found then return; end if;
  quota := assent.take_quota(tenant_id, assent.quota_bucket_names(policies, principal_id), quotas, windows);
  taken := quota.taken;
  exceeded := quota.exceeded;
  remaining := quota.remaining;
  reset_seconds := quota.reset_seconds;
  -- To the minute: a row that every request wrote would be the slowest thing here.
  update assent.api_keys k set last_used_at = at
    where k.tenant_id = admit_key.tenant_id and k.id = key_id
      and (k.last_used_at is null or k.last_used_at <= at - interval '1 minute');
  return next;
end
$$;

create function assent.quota_bucket_names(policies text[], principal uuid) returns text[]
  language sql immutable set search_path = '' as $$
  select coalesce(pg_catalog.array_agg(
    case when p.name = 'tenant' then p.name else p.name || ' ' || principal::text end order by p.place), '{}')
  from pg_catalog.unnest(policies) with ordinality as p (name, place)
$$;

-- Buckets that nobody has used for long: they would be filled again anyway.
create function assent.sweep_expired(at timestamptz, most integer) returns integer
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
  delete from assent.idempotency_keys i where i.ctid in (
    select s.ctid from assent.idempotency_keys s where s.expires_at <= at limit most for update skip locked);
  get diagnostics now_removed = row_count;
  return removed + now_removed;
end
$$;

revoke all on function assent.take_quota(uuid, text[], integer[], integer[]),
  assent.find_caller(bytea, timestamptz),
  assent.admit_key(bytea, timestamptz, text[], integer[], integer[]),
  assent.quota_bucket_names(text[], uuid),
  assent.sweep_expired(timestamptz, integer) from public;
grant execute on function assent.find_caller(bytea, timestamptz),
  assent.admit_key(bytea, timestamptz, text[], integer[], integer[]),
  assent.sweep_expired(timestamptz, integer) to assent_app;
grant select, insert on assent.access_events to assent_app;
