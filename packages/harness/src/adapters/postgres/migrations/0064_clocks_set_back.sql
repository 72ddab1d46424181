-- The machine's clock, and this database's with it, can be set ahead and back again. What was forgotten meanwhile must not
-- be taken a second time, and nobody is shut out for as long as it was ahead.

-- Up to when the nonces of a signing key were forgotten: a signature whose nonce may be among them is not taken, whatever
-- time it is by now. It follows the nonces and not the clock, so a key that was used as usual is good again at once.
create table assent.forgotten_nonces (
  tenant_id uuid not null,
  key_id uuid not null,
  until timestamptz not null,
  primary key (tenant_id, key_id),
  foreign key (tenant_id, key_id) references assent.signing_keys
);
alter table assent.forgotten_nonces enable row level security;
alter table assent.forgotten_nonces force row level security;
create policy tenant_wall on assent.forgotten_nonces to assent_app
  using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant());
create policy owner on assent.forgotten_nonces to current_user using (true) with check (true);

create or replace function assent.take_nonce(tenant uuid, key uuid, nonce text, until timestamptz) returns boolean
  language sql security definer set search_path = '' as $$
  with taken as (
    insert into assent.signature_nonces (tenant_id, key_id, nonce, expires_at)
    select take_nonce.tenant, take_nonce.key, take_nonce.nonce, take_nonce.until
      where take_nonce.until > pg_catalog.clock_timestamp() and not exists (
        select from assent.forgotten_nonces f
        where f.tenant_id = take_nonce.tenant and f.key_id = take_nonce.key and f.until >= take_nonce.until)
    on conflict do nothing returning 1)
  select exists (select 1 from taken)
$$;

-- Until when the answers of requests were looked through. The clock is believed in steps: each sweep goes on by ten
-- minutes at most, so a clock that is set ahead for a while makes no answer forgotten.
create table assent.swept_answers (
  only_row boolean primary key default true check (only_row),
  until timestamptz not null
);
insert into assent.swept_answers values (true, clock_timestamp());

-- As before (0051), but for nonces and answers; and a run that waits for a time of before the clock was set back is due.
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

-- As before (0006), and a window that began in a time that is still to come is over: else whoever had used it up would be
-- refused until the clock is there again. A minute more than a window is left to those who waited for its row.
create or replace function assent.take_quota(tenant uuid, buckets text[], quotas integer[], windows integer[])
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
        used = case when b.filled_at + span <= at or b.filled_at > at + span + interval '1 minute' then 1 else b.used + 1 end,
        filled_at = case when b.filled_at + span <= at or b.filled_at > at + span + interval '1 minute' then at
          else b.filled_at end
      where b.filled_at + span <= at or b.filled_at > at + span + interval '1 minute' or b.used < quotas[i]
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
