-- What the evidence costs a commit, in fewer and shorter statements; what is demanded and what is written stay the same.

-- What a step looks like, as its events say it. Its body is bound now and depends on no search path, so it needs none of
-- its own, and is put into the statement instead of being called.
create function assent.step_image(s assent.steps) returns bytea language sql stable parallel safe
  return sha256(convert_to(row(s.run_id, s.seq, s.kind, s.name, s.state, s.effect, s.request, s.decision, s.approval_id,
    s.outcome, s.error, s.retried_by, s.compensates, extract(epoch from s.started_at),
    extract(epoch from s.finished_at))::text, 'UTF8'));
revoke all on function assent.step_image from public;
grant execute on function assent.step_image to assent_app;

create or replace function assent.audit_image(tenant uuid, run uuid, kind text, data json) returns bytea
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  image text;
begin
  if kind like 'step\_%' then
    return (select assent.step_image(s) from assent.steps s
      where s.tenant_id = tenant and s.run_id = run and s.seq = (data ->> 'step')::integer);
  elsif kind like 'approval\_%' and data ->> 'approval_id' is not null then
    select row(a.id, a.run_id, a.seq, a.state, a.subject, a.action, encode(a.action_digest, 'hex'), a.summary,
        a.preview, a.precondition, a.decision, a.judgement, a.requirement, a.advice, a.edited_action,
        extract(epoch from a.requested_at), extract(epoch from a.expires_at), extract(epoch from a.decided_at),
        a.decided_by, a.comment, (
          select string_agg(v.principal_id::text, ',' order by v.principal_id::text) from assent.approval_votes v
          where v.tenant_id = tenant and v.approval_id = a.id))::text into image
      from assent.approvals a where a.tenant_id = tenant and a.id = substr(data ->> 'approval_id', 5)::uuid;
  elsif kind like 'artifact\_%' and data ->> 'artifact_id' is not null then
    select row(a.run_id, a.id, a.name, a.media_type, a.size_bytes, encode(a.sha256, 'hex'))::text into image
      from assent.artifacts a
      where a.tenant_id = tenant and a.run_id = run and a.id = substr(data ->> 'artifact_id', 5)::uuid;
  elsif kind like 'run\_%' then
    -- Not what changes with every step, and not what only places the run in a queue.
    select row(r.id, r.driver, r.state, r.agent, encode(r.agent_version, 'hex'), r.task, r.workspace_name,
        r.workspace_commit, r.model, r.labels, r.requested_by, r.reason_code, r.reason_detail, r.answer,
        extract(epoch from r.created_at), extract(epoch from r.finished_at))::text into image
      from assent.runs r where r.tenant_id = tenant and r.id = run;
  end if;
  return case when image is null then null else sha256(convert_to(image, 'UTF8')) end;
end
$$;

-- An event at a time: most statements record one, and gathering the rows of a statement cost as much as filing another
-- one. The two checks stand here, and not at the table, since each statement that writes to a table reads its checks
-- from their text; refuse_change_of_event says the same of an event whose payload goes.
create function assent.audit_file_event() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  image bytea;
begin
  if new.version < 1 or octet_length(new.digest) <> 32 then
    raise exception 'event % of run % has no number or no digest', new.version, new.run_id using errcode = '23514';
  end if;
  if new.kind like 'step\_%' then
    select assent.step_image(s) into image from assent.steps s
      where s.tenant_id = new.tenant_id and s.run_id = new.run_id and s.seq = (new.data ->> 'step')::integer;
  else
    image := assent.audit_image(new.tenant_id, new.run_id, new.kind, new.data);
  end if;
  insert into assent.audit_inbox (tenant_id, id, event_ids, states)
    values (new.tenant_id, new.event_id, array[new.event_id], array[image]);
  return null;
end
$$;
revoke all on function assent.audit_file_event from public;
drop trigger audit_events_filed on assent.audit_events;
create trigger audit_events_filed after insert on assent.audit_events
  for each row execute function assent.audit_file_event();
drop function assent.audit_file_events;
alter table assent.audit_events drop constraint audit_events_version_check, drop constraint audit_events_digest_check;

create or replace function assent.refuse_change_of_event() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare
  same boolean := false;
begin
  if tg_op = 'UPDATE' and tg_table_name = 'audit_events' then
    same := new.run_id = old.run_id and octet_length(new.digest) = 32;
  elsif tg_op = 'UPDATE' then same := new.subject = old.subject;
  end if;
  if same and tg_op = 'UPDATE' and new.data::text in ('{"erased":true}', '{"pruned":true}')
    and (new.tenant_id, new.version, new.event_id, new.at, new.kind, coalesce(new.actor_id::text, ''))
      = (old.tenant_id, old.version, old.event_id, old.at, old.kind, coalesce(old.actor_id::text, ''))
    and exists (select from assent.audit_place(old.tenant_id, old.event_id) l
      where l.salt is null and (l.leaf is null) = (new.data::text = '{"pruned":true}'))
  then return new; end if;
  raise exception 'audit events are never changed or removed' using errcode = 'AS003';
end
$$;

-- The same question in its shortest form: a list of nothing is asked for, not a value of a value.
create or replace function assent.require_event() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  perform from assent.audit_events e
    where e.tenant_id = new.tenant_id and e.run_id = new.id and e.version = new.version;
  if found then return null; end if;
  raise exception 'run % changed to version % without an audit event', new.id, new.version using errcode = 'AS002';
end
$$;
create or replace function assent.require_step_event() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp set enable_sort = off as $$
begin
  perform from assent.audit_events e
    where e.tenant_id = new.tenant_id and e.run_id = new.run_id and e.xmin = pg_current_xact_id()::xid
      and e.kind like 'step\_%' and e.data ->> 'step' = new.seq::text
    order by e.version desc limit 1;
  if found then return null; end if;
  raise exception 'a step of run % changed without an audit event', new.run_id using errcode = 'AS002';
end
$$;
