-- A dead letter is redriven by a new run that names it; the dead one stays as it is. One new run for each: whoever asks
-- twice gets the same, and what dies again is redriven by its own name.

alter table assent.runs add column redrive_of uuid;
alter table assent.runs add constraint runs_redrive_of foreign key (tenant_id, redrive_of) references assent.runs;
create unique index runs_redriven on assent.runs (tenant_id, redrive_of) where redrive_of is not null;

create function assent.check_redrive() returns trigger language plpgsql
  set search_path = '' as $$
begin
  if not exists (
    select 1 from assent.runs r
    where r.tenant_id = new.tenant_id and r.id = new.redrive_of and r.state = 'dead_lettered'
  ) then
    raise exception 'run % redrives %, which is no dead letter', new.id, new.redrive_of using errcode = 'AS004';
  end if;
  return new;
end
$$;
create trigger runs_redrive before insert on assent.runs
  for each row when (new.redrive_of is not null) execute function assent.check_redrive();

create function assent.refuse_new_redrive() returns trigger language plpgsql
  set search_path = '' as $$
begin
  raise exception 'run %: what a run redrives never changes', new.id using errcode = 'AS004';
end
$$;
create trigger runs_redrive_fixed before update on assent.runs
  for each row when (old.redrive_of is distinct from new.redrive_of) execute function assent.refuse_new_redrive();

-- Dead letters, newest first.
create index runs_dead on assent.runs (tenant_id, created_at desc, id desc) where state = 'dead_lettered';
