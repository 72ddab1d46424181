-- Content that no run names any more is swept (services/content-sweeper.ts). What lies in a store of files is not in
-- this database, so naming it and removing it take turns under a lock of the content's own.

create index artifacts_content on assent.artifacts (sha256);

create function assent.content_lock(sha256 bytea) returns bigint language sql immutable
  set search_path = '' as $$ select ('x' || pg_catalog.encode(pg_catalog.substr(sha256, 1, 8), 'hex'))::bit(64)::bigint $$;

-- Which of these digests no artifact of any tenant names: digests in, digests out, whose they are is not told.
create function assent.unnamed_content(digests bytea[]) returns setof bytea
  language sql stable security definer set search_path = '' as $$
  select d from pg_catalog.unnest(digests) d
  where not exists (select 1 from assent.artifacts a where a.sha256 = d)
$$;

revoke all on function assent.content_lock(bytea), assent.unnamed_content(bytea[]) from public;
grant execute on function assent.content_lock(bytea), assent.unnamed_content(bytea[]) to assent_app;
