-- Taking back: a run that ends otherwise than in success undoes what it did to the outside (core/run/rollback.ts).

alter table assent.steps drop constraint steps_kind_check;
alter table assent.steps
  add constraint steps_kind_check check (kind in ('model', 'tool', 'gate', 'finalise', 'rollback')),
  -- The step whose effect this one takes back.
  add column compensates integer,
  add constraint steps_compensates check (compensates is null or (kind = 'tool' and compensates between 1 and seq - 1)),
  add constraint steps_compensates_step foreign key (tenant_id, run_id, compensates) references assent.steps;

-- Two calls that could both have taken the same effect back: never, whatever the code believes (invariant 2).
create unique index steps_taken_back_once on assent.steps (tenant_id, run_id, compensates)
  where compensates is not null and state in ('intended', 'in_doubt', 'succeeded');
-- A run is taken back once.
create unique index steps_rollback_once on assent.steps (tenant_id, run_id) where kind = 'rollback';

-- A run that began to be taken back never succeeds, and does not end before its taking back has.
create function assent.check_rollback() returns trigger language plpgsql
  set search_path = '' as $$
begin
  if exists (
    select 1 from assent.steps s
    where s.tenant_id = new.tenant_id and s.run_id = new.id and s.kind = 'rollback'
      and (new.state = 'succeeded' or s.state = 'intended')
  ) then
    raise exception 'run % cannot be % while or after it is taken back', new.id, new.state using errcode = 'AS005';
  end if;
  return new;
end
$$;
create trigger runs_rollback before update on assent.runs
  for each row when (new.state is distinct from old.state
    and new.state in ('succeeded', 'failed', 'cancelled', 'dead_lettered'))
  execute function assent.check_rollback();
