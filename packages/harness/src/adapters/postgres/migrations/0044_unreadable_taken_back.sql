-- A run that is being taken back, and whose journal nobody can read, has no end but as a dead letter with that journal as
-- it is: its step of taking back cannot be closed by whoever cannot read it. It had been taken up again for ever.
create or replace function assent.check_rollback() returns trigger language plpgsql
  set search_path = '' as $$
begin
  if exists (
    select 1 from assent.steps s
    where s.tenant_id = new.tenant_id and s.run_id = new.id and s.kind = 'rollback'
      and (new.state = 'succeeded' or (s.state = 'intended' and new.state <> 'dead_lettered'))
  ) then
    raise exception 'run % cannot be % while or after it is taken back', new.id, new.state using errcode = 'AS005';
  end if;
  return new;
end
$$;
