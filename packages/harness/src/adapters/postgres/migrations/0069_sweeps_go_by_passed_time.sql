-- A clock that is ahead is believed by the time that passes on it, and not by how often it was looked at: sweeps are made by every
-- worker process, each had gone on by ten minutes (0064), and with five of them a clock that was ahead by three days for an hour had
-- answers of two days forgotten. From one sweep to the next it is believed twice the time that has passed, so that what was
-- missed is made up for, and never more than ten minutes: so much a jump is worth, however far it went.
alter table assent.swept_answers add column swept_at timestamptz not null default clock_timestamp();

-- As before (0067), but for that.
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
  -- Set back, no time has passed: what is believed then is the earlier of the two.
  update assent.swept_answers s set
    until = least(past, s.until + least(2 * greatest(past - s.swept_at, interval '0'), interval '10 minutes')),
    swept_at = past
    returning s.until into answers;
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
