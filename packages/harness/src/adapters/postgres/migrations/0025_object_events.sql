-- Whether an event of this very transaction says that a step, an approval, a vote or an artifact changed. A run's events
-- are numbered without gaps and its row is locked by whoever adds some, so this transaction's are the newest ones: they
-- are looked at from the end, and nothing before them is.
create or replace function assent.require_object_event(what text, tenant uuid, run uuid, family text, field text,
                                                       wanted text)
  returns void language plpgsql set search_path = '' as $$
declare
  event record;
begin
  for event in
    select e.xmin = pg_current_xact_id()::xid as ours, e.kind, e.data from assent.audit_events e
    where e.tenant_id = tenant and e.run_id = run order by e.version desc
  loop
    exit when not event.ours;
    if event.kind like family and event.data ->> field = wanted then return; end if;
  end loop;
  raise exception 'a % of run % changed without an audit event', what, run using errcode = 'AS002';
end
$$;
