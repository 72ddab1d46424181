-- Of each tenant the newest log with its newest checkpoint, all lines included: the process that keeps the logs looks through
-- them once when its keys have changed, for those that the keys it has now have not signed. A checkpoint says a size and a
-- root, nothing else.
create function assent.audit_newest_checkpoints(after uuid, most integer)
  returns table (tenant_id uuid, epoch integer, origin text, vkey text, size bigint, note text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select l.tenant_id, l.epoch, l.origin, l.vkey, c.size, c.note || coalesce((
      select string_agg(s.line || e'\n', '' order by s.witness) from assent.audit_cosignatures s
      where s.tenant_id = l.tenant_id and s.epoch = l.epoch and s.size = c.size), '')
  from (
    select distinct on (g.tenant_id) g.tenant_id, g.epoch, g.origin, g.vkey from assent.audit_logs g
    where after is null or g.tenant_id > after order by g.tenant_id, g.epoch desc limit most
  ) l
  left join lateral (
    select k.size, k.note from assent.audit_checkpoints k
    where k.tenant_id = l.tenant_id and k.epoch = l.epoch order by k.size desc limit 1
  ) c on true
  order by l.tenant_id
$$;

revoke all on function assent.audit_newest_checkpoints from public;
grant execute on function assent.audit_newest_checkpoints to assent_app;
