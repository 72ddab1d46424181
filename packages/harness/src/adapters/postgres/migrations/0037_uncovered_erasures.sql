-- Since when what was erased can still be opened in copies of before, of all tenants together; null for nothing. The law
-- sets a time for it, so it is something to be watched.
create index sealed_keys_erased on assent.sealed_keys (erased_at, generation) where erased_at is not null;

create function assent.sealing_uncovered_since() returns timestamptz
  language sql stable security definer set search_path = '' as $$
  select min(s.erased_at) from assent.sealed_keys s
  where s.erased_at is not null
    and s.generation >= (select min(k.generation) from assent.sealing_keys k where k.destroyed_at is null)
$$;
revoke all on function assent.sealing_uncovered_since() from public;
grant execute on function assent.sealing_uncovered_since() to assent_app;
