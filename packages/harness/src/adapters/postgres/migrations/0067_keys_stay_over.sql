-- A key whose time was over stays so, whatever the machine's clock is set back to. That its time was over is said by the sweep, which
-- believes a clock that jumps ahead in steps only (0064): so one that is ahead for a while ends no key for good.

alter table assent.api_keys add column is_over boolean not null default false;
alter table assent.signing_keys add column is_over boolean not null default false;
create index api_keys_ending on assent.api_keys (expires_at) where not is_over;
create index signing_keys_ending on assent.signing_keys (expires_at) where not is_over;

-- As before (0024).
create or replace function assent.find_caller(key_hash bytea, at timestamptz)
  returns table (tenant_id uuid, key_id uuid, scopes text[], roles text[], must_sign boolean,
                 principal_id uuid, principal_kind text, principal_name text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select k.tenant_id, k.id, k.scopes, k.roles, k.must_sign or p.must_sign, p.id, p.kind, p.name
  from assent.api_keys k
  join assent.principals p on p.tenant_id = k.tenant_id and p.id = k.principal_id
  where k.hash = key_hash and k.revoked_at is null and not k.is_over and (k.expires_at is null or k.expires_at > at)
$$;

-- As before (0016).
create or replace function assent.find_signing_key(tenant uuid, principal uuid, key uuid, at timestamptz)
  returns table (algorithm text, public_key bytea)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.algorithm, s.public_key from assent.signing_keys s
  where s.tenant_id = tenant and s.id = key and s.principal_id = principal
    and s.revoked_at is null and not s.is_over and (s.expires_at is null or s.expires_at > at)
$$;

-- As before (0064), and it says which keys are over.
create or replace function assent.sweep_expired(at timestamptz, most integer) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  past constant timestamptz := least(at, pg_catalog.clock_timestamp());
  answers timestamptz;
  removed integer := 0;
  now_removed integer;
begin
  delete from assent.quota_buckets b where b.ctid in (
    select s.ctid from assent.quota_buckets s where s.filled_at < pg_catalog.clock_timestamp() - interval '1 day'
    limit most for update skip locked);
  get diagnostics now_removed = row_count;
  removed := removed + now_removed;
  with gone as (
    delete from assent.signature_nonces n where n.ctid in (
      select s.ctid from assent.signature_nonces s where s.expires_at <= past limit most for update skip locked)
    returning n.tenant_id, n.key_id, n.expires_at
  ), noted as (
    insert into assent.forgotten_nonces as f (tenant_id, key_id, until)
      select g.tenant_id, g.key_id, max(g.expires_at) from gone g group by g.tenant_id, g.key_id order by g.tenant_id, g.key_id
      on conflict (tenant_id, key_id) do update set until = greatest(f.until, excluded.until)
  )
  select count(*) into now_removed from gone;
  removed := removed + now_removed;
  delete from assent.provider_breakers b where b.ctid in (
    select s.ctid from assent.provider_breakers s
    where starts_with(s.provider, 'own-')
      and coalesce(greatest(s.since, s.open_until, s.paused_until, s.probe_until), '-infinity') < past - interval '1 day'
    limit most for update skip locked);
  get diagnostics now_removed = row_count;
  removed := removed + now_removed;
  update assent.swept_answers s set until = least(past, s.until + interval '10 minutes') returning s.until into answers;
  update assent.api_keys k set is_over = true where k.ctid in (
    select s.ctid from assent.api_keys s where not s.is_over and s.expires_at <= answers limit most for update skip locked);
  update assent.signing_keys k set is_over = true where k.ctid in (
    select s.ctid from assent.signing_keys s where not s.is_over and s.expires_at <= answers limit most for update skip locked);
  delete from assent.idempotency_keys i where i.ctid in (
    select s.ctid from assent.idempotency_keys s where s.expires_at <= answers limit most for update skip locked);
  get diagnostics now_removed = row_count;
  removed := removed + now_removed;
  -- It was last written at a time that is still to come, so its own time is none either.
  update assent.runs r set wake_at = past where r.ctid in (
    select s.ctid from assent.runs s
    where s.state = 'queued' and s.driver = 'assent' and s.wake_at > past + interval '1 minute'
      and s.updated_at > past + interval '1 minute'
    limit most for update skip locked);
  return removed;
end
$$;
