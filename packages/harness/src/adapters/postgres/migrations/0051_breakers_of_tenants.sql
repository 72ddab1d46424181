-- What a tool of the operator's answers may depend on who asks: each tenant has a breaker of its own for it (`own-…`, by a
-- digest of the tenant), and the one for all opens on the word of two.
alter table assent.provider_breakers
  drop constraint provider_breakers_provider_check,
  add constraint provider_breakers_provider_check check (provider ~ '^[a-z][a-z0-9-]{0,62}$'),
  -- The one whose word a breaker for all has heard.
  add column voice text;

-- Of tools, from before; what they say was one tenant's word for all.
delete from assent.provider_breakers where provider ~ '^tool-';

-- As before (0038), and breakers of tenants' own that are well, or that nobody has asked at for a day.
create or replace function assent.sweep_expired(at timestamptz, most integer) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
  delete from assent.provider_breakers b where b.ctid in (
    select s.ctid from assent.provider_breakers s
    where starts_with(s.provider, 'own-')
      and coalesce(greatest(s.since, s.open_until, s.paused_until, s.probe_until), '-infinity') < past - interval '1 day'
    limit most for update skip locked);
  get diagnostics now_removed = row_count;
  removed := removed + now_removed;
  delete from assent.idempotency_keys i where i.ctid in (
    select s.ctid from assent.idempotency_keys s where s.expires_at <= past limit most for update skip locked);
  get diagnostics now_removed = row_count;
  return removed + now_removed;
end
$$;
