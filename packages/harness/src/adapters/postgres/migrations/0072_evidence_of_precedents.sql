-- What a remembered answer is, whether it is in force, until when and for which rules: each change of it is a fact of the evidence,
-- which takes a digest of the row, stated by the database whoever changes it (as for keys, 0012). An answer is given without
-- asking anybody: whoever could write one into a row, or make one last longer, would have given a person's word.

-- All of the record but what each use of the answer writes: how often it was applied, and when last. In the text of a record these can
-- stand as names only, since a quote within a string is written with a backslash.
create function assent.precedent_text(record json) returns text
  language sql immutable set search_path = pg_catalog, pg_temp as $$
  select regexp_replace(
    regexp_replace(record::text, '"applied_count":[0-9]+', '"applied_count":0', 'g'),
    '"last_used_at":(null|"[^"\\]*")', '"last_used_at":null', 'g')
$$;

-- Of all rows that have the id: there is one, since the id follows from the question's. Null where there is none.
create function assent.audit_precedent_image(tenant uuid, resolution bytea) returns bytea
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select sha256(convert_to(string_agg(row(encode(r.pattern_id, 'hex'), encode(r.id, 'hex'), r.revoked,
      assent.precedent_text(r.record), extract(epoch from t.expires_at), t.rules)::text, e'\n' order by r.pattern_id), 'UTF8'))
  from assent.harmony_resolutions r
  left join assent.precedent_terms t
    on t.tenant_id = r.tenant_id and t.pattern_id = r.pattern_id and t.resolution_id = r.id
  where r.tenant_id = tenant and r.id = resolution
$$;

-- As before (0027), and of answers.
create or replace function assent.audit_file_facts() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
begin
  insert into assent.audit_inbox (tenant_id, id, event_ids, states)
    select f.tenant_id, min(f.event_id), array_agg(f.event_id order by f.event_id), array_agg(f.state order by f.event_id)
    from (
      select n.tenant_id, n.event_id,
        case
          when n.subject like 'key\_%' then assent.audit_key_image(n.tenant_id, substr(n.subject, 5)::uuid)
          when n.subject like 'precedent\_%' then
            assent.audit_precedent_image(n.tenant_id, decode(substr(n.subject, 11), 'hex'))
        end as state,
        (row_number() over (partition by n.tenant_id order by n.event_id) - 1) / 256 as part
      from fresh n
    ) f group by f.tenant_id, f.part;
  return null;
end
$$;

-- Whoever changes an answer holds its row, and whoever changes its terms the answer's (below): so numbers have no gap.
create function assent.audit_precedent(tenant uuid, pattern bytea, resolution bytea, change text) returns void
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
    select tenant, 'precedent_' || encode(resolution, 'hex'), coalesce(max(f.version), 0) + 1, clock_timestamp(), change, (
      select json_build_object('pattern_id', 'sha256:' || encode(pattern, 'hex'),
          'resolution_id', 'sha256:' || encode(resolution, 'hex'), 'revoked', r.revoked,
          'expires_at', t.expires_at, 'rules', t.rules)
      from (values (1)) one
      left join assent.harmony_resolutions r
        on r.tenant_id = tenant and r.pattern_id = pattern and r.id = resolution
      left join assent.precedent_terms t
        on t.tenant_id = r.tenant_id and t.pattern_id = r.pattern_id and t.resolution_id = r.id)
    from assent.audit_facts f
    where f.tenant_id = tenant and f.subject = 'precedent_' || encode(resolution, 'hex')
$$;

create function assent.audit_resolution() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    perform assent.audit_precedent(old.tenant_id, old.pattern_id, old.id, 'precedent_removed');
  else
    perform assent.audit_precedent(new.tenant_id, new.pattern_id, new.id,
      case when tg_op = 'INSERT' then 'precedent_stored' else 'precedent_changed' end);
  end if;
  return null;
end
$$;
create trigger harmony_resolutions_event after insert or delete on assent.harmony_resolutions
  for each row execute function assent.audit_resolution();
-- Not for each use of an answer.
create trigger harmony_resolutions_event_on_update after update on assent.harmony_resolutions
  for each row when ((old.tenant_id, old.pattern_id, old.id, old.revoked, assent.precedent_text(old.record))
    is distinct from (new.tenant_id, new.pattern_id, new.id, new.revoked, assent.precedent_text(new.record)))
  execute function assent.audit_resolution();

-- Before the terms' own row is: everybody takes the answer first, so nobody waits for whoever waits for them.
create function assent.hold_answer_of_terms() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  perform from assent.harmony_resolutions r
    where r.tenant_id = new.tenant_id and r.pattern_id = new.pattern_id and r.id = new.resolution_id for no key update;
  return new;
end
$$;
create trigger precedent_terms_held before insert or update on assent.precedent_terms
  for each row execute function assent.hold_answer_of_terms();

create function assent.audit_terms() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  terms assent.precedent_terms := case when tg_op = 'DELETE' then old else new end;
begin
  -- With the answer its terms go, and that is said of the answer.
  perform from assent.harmony_resolutions r
    where r.tenant_id = terms.tenant_id and r.pattern_id = terms.pattern_id and r.id = terms.resolution_id;
  if found then
    perform assent.audit_precedent(terms.tenant_id, terms.pattern_id, terms.resolution_id, 'precedent_changed');
  end if;
  return null;
end
$$;
create trigger precedent_terms_event after insert or delete on assent.precedent_terms
  for each row execute function assent.audit_terms();
create trigger precedent_terms_event_on_update after update on assent.precedent_terms
  for each row when (old is distinct from new) execute function assent.audit_terms();

-- Answers of before begin with what they are now; what they were made by stands in what the memory recorded.
do $$
begin
  perform assent.audit_precedent(r.tenant_id, r.pattern_id, r.id, 'precedent_stored') from assent.harmony_resolutions r;
end
$$;

revoke all on function assent.precedent_text, assent.audit_precedent_image, assent.audit_precedent, assent.audit_resolution,
  assent.hold_answer_of_terms, assent.audit_terms from public;
grant execute on function assent.precedent_text to assent_app;
