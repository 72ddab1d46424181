-- A document is read into prompts, so that it was there is evidence: its coming and going are facts of its tenant's log.

-- The database states them itself, whoever changes the rows. Of the text it holds the digest only. Who removes one is
-- named for the transaction (assent.actor); an owner who removes rows by hand is nobody in particular.
create function assent.audit_document() returns trigger language plpgsql security definer
  set search_path = '' as $$
declare
  doc assent.documents := case when tg_op = 'DELETE' then old else new end;
  name text := 'doc_' || assent.audit_hex(doc.id);
  stated integer;
begin
  select coalesce(max(f.version), 0) + 1 into stated
    from assent.audit_facts f where f.tenant_id = doc.tenant_id and f.subject = name;
  insert into assent.audit_facts (tenant_id, subject, version, at, kind, actor_id, data)
    values (doc.tenant_id, name, stated, clock_timestamp(),
      case tg_op when 'INSERT' then 'document_added' when 'UPDATE' then 'document_changed' else 'document_removed' end,
      case when tg_op = 'INSERT' then doc.created_by
        else nullif(pg_catalog.current_setting('assent.actor', true), '')::uuid end,
      json_build_object('name', doc.name, 'source', doc.source, 'sha256', encode(doc.sha256, 'hex'),
        'chars', doc.chars, 'passages', doc.passages));
  return null;
end
$$;
create trigger documents_event after insert or update or delete on assent.documents
  for each row execute function assent.audit_document();

-- What stood there before is evidence as well.
insert into assent.audit_facts (tenant_id, subject, version, at, kind, actor_id, data)
  select d.tenant_id, 'doc_' || assent.audit_hex(d.id), 1, clock_timestamp(), 'document_added', d.created_by,
    json_build_object('name', d.name, 'source', d.source, 'sha256', encode(d.sha256, 'hex'), 'chars', d.chars,
      'passages', d.passages)
  from assent.documents d;

revoke all on function assent.audit_document() from public;
