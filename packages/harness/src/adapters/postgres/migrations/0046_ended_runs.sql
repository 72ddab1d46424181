-- For whoever keeps private copies of workspaces: which of these runs have long ended. Ids only, of any tenant. A run that
-- is not here has not ended here either: its copy is left alone.
create function assent.ended_runs(ids uuid[], before timestamptz) returns setof uuid
  language sql stable security definer set search_path = '' as $$
  select r.id from assent.runs r where r.id = any (ids) and r.finished_at < before
$$;
revoke all on function assent.ended_runs(uuid[], timestamptz) from public;
grant execute on function assent.ended_runs(uuid[], timestamptz) to assent_app;
