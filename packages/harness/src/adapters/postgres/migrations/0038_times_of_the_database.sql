-- What keeps a signed request from being carried out again, and a keyed one from being carried out anew, is forgotten by
-- this database's clock, whatever that of the process says that asks: one that is ahead by minutes forgot nonces of
-- signatures that others still took, and one that is behind took signatures whose nonces were rightly forgotten.
create or replace function assent.take_nonce(tenant uuid, key uuid, nonce text, until timestamptz) returns boolean
  language sql security definer set search_path = '' as $$
  with taken as (
    insert into assent.signature_nonces (tenant_id, key_id, nonce, expires_at)
    select take_nonce.tenant, take_nonce.key, take_nonce.nonce, take_nonce.until
      where take_nonce.until > pg_catalog.clock_timestamp()
    on conflict do nothing returning 1)
  select exists (select 1 from taken)
$$;

create or replace function assent.sweep_expired(at timestamptz, most integer) returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  past constant timestamptz := least(at, pg_catalog.clock_timestamp());
  removed integer := 0;
  now_removed integer;
begin
  delete from assent.quota_buckets b where b.ctid in (
    select s.ctid from assent.quota_buckets s where s.filled_at < pg_catalog.clock_timestamp() - interval '1 day'
    limit most for update skip locked);
  get diagnostics now_removed = row_count;
  removed := removed + now_removed;
  delete from assent.signature_nonces n where n.ctid in (
    select s.ctid from assent.signature_nonces s where s.expires_at <= past limit most for update skip locked);
  get diagnostics now_removed = row_count;
  removed := removed + now_removed;
  delete from assent.idempotency_keys i where i.ctid in (
    select s.ctid from assent.idempotency_keys s where s.expires_at <= past limit most for update skip locked);
  get diagnostics now_removed = row_count;
  return removed + now_removed;
end
$$;
