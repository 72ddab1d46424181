-- A step that ends is written in its page, and in no index. Until now `state` stood in the condition of an index, and
-- Postgres takes that for a column of it: each step was written into the table's key again when it ended. What the index
-- is about now stands in a column of its own, which for nearly every step is null and stays so (0036 did it for runs).

-- The step that this one takes back, unless it has failed to.
alter table assent.steps add column taken_back integer;

-- Nothing that an event would tell of changes; the old index finds the few.
alter table assent.steps disable trigger user;
update assent.steps set taken_back = compensates
  where compensates is not null and state in ('intended', 'in_doubt', 'succeeded');
alter table assent.steps enable trigger user;

create or replace function assent.guard_step() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if assent.is_transition_legal('step', '', new.state) is not true then
      raise exception 'illegal transition of a step:  -> %', new.state using errcode = 'AS001';
    end if;
  elsif new.state is distinct from old.state then
    if assent.is_transition_legal('step', old.state, new.state) is not true then
      raise exception 'illegal transition of a step: % -> %', old.state, new.state using errcode = 'AS001';
    end if;
  end if;
  if new.compensates is not null then
    new.taken_back := case when new.state in ('intended', 'in_doubt', 'succeeded') then new.compensates end;
  end if;
  return new;
end
$$;

drop index assent.steps_taken_back_once;
create unique index steps_taken_back_once on assent.steps (tenant_id, run_id, taken_back) where taken_back is not null;

-- Room for what came of a step; of pages that are written from now on.
alter table assent.steps set (fillfactor = 70);
