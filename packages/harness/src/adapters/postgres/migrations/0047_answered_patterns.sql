-- Every question that an agent puts is remembered, and few are answered for good. Only answers can be shown to whoever is
-- asked something like it, so only questions that have one in force are looked through, and indexed for it.
alter table assent.harmony_patterns add column answered boolean not null default false;
update assent.harmony_patterns p set answered = true where exists (
  select 1 from assent.harmony_resolutions r where r.tenant_id = p.tenant_id and r.pattern_id = p.id and not r.revoked);

drop index assent.harmony_patterns_shape;
drop index assent.harmony_patterns_bands;
create index harmony_patterns_shape on assent.harmony_patterns (tenant_id, semantic_fingerprint, recorded_at desc)
  where answered;
create index harmony_patterns_bands on assent.harmony_patterns using gin (bands) where answered;

-- Whichever comes first, question or answer, and whoever writes it: processes of the version before do not know of this.
create function assent.is_answered(tenant uuid, pattern bytea) returns boolean language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select exists (
    select 1 from assent.harmony_resolutions r
    where r.tenant_id = tenant and r.pattern_id = pattern and not r.revoked)
$$;
create function assent.mark_new_pattern() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  new.answered := assent.is_answered(new.tenant_id, new.id);
  return new;
end
$$;
create trigger harmony_patterns_answered before insert on assent.harmony_patterns
  for each row execute function assent.mark_new_pattern();

create function assent.mark_answered() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare
  answer assent.harmony_resolutions := case when tg_op = 'DELETE' then old else new end;
begin
  update assent.harmony_patterns p set answered = not p.answered
    where p.tenant_id = answer.tenant_id and p.id = answer.pattern_id
      and p.answered <> assent.is_answered(answer.tenant_id, answer.pattern_id);
  return null;
end
$$;
create trigger harmony_resolutions_given after insert or delete on assent.harmony_resolutions
  for each row execute function assent.mark_answered();
create trigger harmony_resolutions_revoked after update on assent.harmony_resolutions
  for each row when (new.revoked is distinct from old.revoked) execute function assent.mark_answered();
revoke all on function assent.is_answered, assent.mark_new_pattern, assent.mark_answered from public;
grant execute on function assent.is_answered to assent_app;
