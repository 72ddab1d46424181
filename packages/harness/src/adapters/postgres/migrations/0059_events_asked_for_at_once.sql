-- As before, but as for steps: each asks for its event by one statement of its own, in the place of a function that is called
-- with words and plans a second one.

create or replace function assent.require_approval_event() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp set enable_sort = off as $$
declare
  wanted constant text := 'apr_' || replace(new.id::text, '-', '');
begin
  perform from assent.audit_events e
    where e.tenant_id = new.tenant_id and e.run_id = new.run_id and e.xmin = pg_current_xact_id()::xid
      and e.kind like 'approval\_%' and e.data ->> 'approval_id' = wanted
    order by e.version desc limit 1;
  if found then return null; end if;
  raise exception 'an approval of run % changed without an audit event', new.run_id using errcode = 'AS002';
end
$$;

create or replace function assent.require_artifact_event() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp set enable_sort = off as $$
declare
  wanted constant text := 'art_' || replace(new.id::text, '-', '');
begin
  perform from assent.audit_events e
    where e.tenant_id = new.tenant_id and e.run_id = new.run_id and e.xmin = pg_current_xact_id()::xid
      and e.kind like 'artifact\_%' and e.data ->> 'artifact_id' = wanted
    order by e.version desc limit 1;
  if found then return null; end if;
  raise exception 'an artifact of run % changed without an audit event', new.run_id using errcode = 'AS002';
end
$$;
