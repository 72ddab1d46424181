-- Most questions that an agent puts have no answer in force, neither they nor one like them, and go to a person. Those are
-- looked up by one statement before the commit, and remembered within the statement that asks the person; it was eight
-- inside a transaction, while the rows that it had locked already were kept from others.

-- No row: it has an answer, or one like it has, or there are policies; then it is asked in a transaction. `newest`: the
-- newest occurrence of the escalation that it would become.
create function assent.unanswered(of_tenant uuid, of_pattern bytea, of_scope text, of_domain text, of_type text, shape bytea,
                                  of_bands bigint[], of_first bytea)
  returns table (is_known boolean, pattern_sightings integer, newest json, sightings integer, sighted_at text)
  language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  newest_id bytea;
begin
  perform set_config('assent.tenant', of_tenant::text, true);
  if exists (select from assent.harmony_policies p where p.tenant_id = of_tenant)
    or exists (select from assent.harmony_resolutions r
      where r.tenant_id = of_tenant and r.pattern_id = of_pattern and not r.revoked)
    or exists (select from assent.harmony_patterns p
      where p.tenant_id = of_tenant and p.scope = of_scope and p.domain = of_domain and p.conflict_type = of_type
        and p.id <> of_pattern and p.answered and (p.bands && of_bands or p.semantic_fingerprint = shape))
  then return; end if;
  is_known := exists (select from assent.harmony_patterns p where p.tenant_id = of_tenant and p.id = of_pattern);
  select count(*)::int into pattern_sightings from assent.harmony_sightings s
    where s.tenant_id = of_tenant and s.subject = of_pattern;
  select e.id, e.record into newest_id, unanswered.newest from assent.harmony_escalations e
    where e.tenant_id = of_tenant and e.first_id = of_first order by e.occurrence desc limit 1;
  select count(*)::int, max(s.at) into unanswered.sightings, unanswered.sighted_at from assent.harmony_sightings s
    where s.tenant_id = of_tenant and s.subject = newest_id;
  return next;
end
$$;

-- What was worked out from that. Where the memory is not as it was any more, nothing of the statement is kept.
create function assent.note_question(
    of_pattern bytea, is_known boolean, of_scope text, of_domain text, of_type text, shape bytea,
    of_bands bigint[], seen_at text, pattern json, recorded text, escalation bytea, of_first bytea, at_occurrence integer,
    escalated json, fact_ids bytea[], fact_types text[], facts json[])
  returns boolean language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  of_tenant constant uuid := assent.tenant();
  known record;
begin
  select p.record ->> 'last_seen_at' as at into known from assent.harmony_patterns p
    where p.tenant_id = of_tenant and p.id = of_pattern;
  if found <> is_known then
    raise exception 'the question was % meanwhile', case when is_known then 'forgotten' else 'put' end using errcode = 'AS017';
  end if;
  if not is_known then
    insert into assent.harmony_patterns (tenant_id, id, scope, domain, conflict_type, semantic_fingerprint, bands, recorded_at,
        record)
      values (of_tenant, of_pattern, of_scope, of_domain, of_type, shape, of_bands, seen_at::timestamptz, pattern)
      on conflict do nothing;
    if not found then raise exception 'the question was put meanwhile' using errcode = 'AS017'; end if;
  elsif seen_at collate "C" > known.at collate "C" and not exists (
      select from assent.harmony_sightings s where s.tenant_id = of_tenant and s.subject = of_pattern and s.at >= seen_at) then
    insert into assent.harmony_sightings (tenant_id, subject, at) values (of_tenant, of_pattern, seen_at)
      on conflict do nothing;
  end if;
  if recorded = 'opened' then
    insert into assent.harmony_escalations (tenant_id, id, first_id, occurrence, pattern_id, status, escalated_at, record)
      values (of_tenant, escalation, of_first, at_occurrence, of_pattern, 'open', seen_at::timestamptz, escalated)
      on conflict do nothing;
    if not found then raise exception 'the question was escalated meanwhile' using errcode = 'AS017'; end if;
  elsif recorded = 'counted' then
    insert into assent.harmony_sightings (tenant_id, subject, at) values (of_tenant, escalation, seen_at)
      on conflict do nothing;
  end if;
  insert into assent.harmony_audit (tenant_id, id, event_type, pattern_id, at, record)
    select of_tenant, f.id, f.event_type, of_pattern, seen_at::timestamptz, f.record
    from unnest(fact_ids, fact_types, facts) with ordinality f (id, event_type, record, n) order by f.n
    on conflict do nothing;
  return true;
end
$$;

revoke all on function assent.unanswered, assent.note_question from public;
grant execute on function assent.unanswered, assent.note_question to assent_app;

-- Whoever decides looks for the open one of a question that may have been decided a thousand times.
drop index assent.harmony_escalations_of_pattern;
create index harmony_escalations_of_pattern on assent.harmony_escalations (tenant_id, pattern_id, status, escalated_at desc, id);
