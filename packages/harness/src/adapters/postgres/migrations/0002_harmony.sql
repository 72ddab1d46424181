-- Harmony's memory for the service: the same records as its files hold, one row each, behind the same walls. `record` is
-- the record's JSON; the columns beside it are what is looked up. Times in it have microseconds, as timestamptz has.

create table assent.harmony_patterns (
  tenant_id uuid not null references assent.tenants,
  id bytea not null check (octet_length(id) = 32),
  scope text not null,
  domain text not null,
  conflict_type text not null,
  semantic_fingerprint bytea,
  -- MinHash bands of its tokens: two patterns that share one are worth comparing.
  bands bigint[] not null,
  recorded_at timestamptz not null,
  record json not null,
  primary key (tenant_id, id)
);
create index harmony_patterns_newest on assent.harmony_patterns (tenant_id, recorded_at desc, id);
create index harmony_patterns_shape on assent.harmony_patterns (tenant_id, semantic_fingerprint)
  where semantic_fingerprint is not null;
create index harmony_patterns_bands on assent.harmony_patterns using gin (bands);

create table assent.harmony_resolutions (
  tenant_id uuid not null references assent.tenants,
  pattern_id bytea not null check (octet_length(pattern_id) = 32),
  id bytea not null check (octet_length(id) = 32),
  revoked boolean not null default false,
  record json not null,
  primary key (tenant_id, pattern_id, id)
);
create index harmony_resolutions_by_id on assent.harmony_resolutions (tenant_id, id);

create table assent.harmony_policies (
  tenant_id uuid not null references assent.tenants,
  id bytea not null check (octet_length(id) = 32),
  record json not null,
  primary key (tenant_id, id)
);

create table assent.harmony_escalations (
  tenant_id uuid not null references assent.tenants,
  id bytea not null check (octet_length(id) = 32),
  first_id bytea not null check (octet_length(first_id) = 32),
  occurrence integer not null check (occurrence >= 1),
  pattern_id bytea not null,
  status text not null check (status in ('open', 'resolved')),
  resolution_id bytea,
  escalated_at timestamptz not null,
  record json not null,
  primary key (tenant_id, id),
  unique (tenant_id, first_id, occurrence),
  check ((status = 'resolved') = (resolution_id is not null))
);
create index harmony_escalations_newest on assent.harmony_escalations (tenant_id, status, escalated_at desc, id);
create index harmony_escalations_resolution on assent.harmony_escalations (tenant_id, resolution_id)
  where resolution_id is not null;

create table assent.harmony_audit (
  tenant_id uuid not null references assent.tenants,
  id bytea not null check (octet_length(id) = 32),
  event_type text not null,
  pattern_id bytea,
  at timestamptz not null,
  record json not null,
  primary key (tenant_id, id)
);
create index harmony_audit_newest on assent.harmony_audit (tenant_id, at desc, id);

-- A resolved escalation is terminal; its answer's revocation may still be marked, so its record may change.
create function assent.check_escalation() returns trigger language plpgsql
  set search_path = '' as $$
begin
  if old.status = 'resolved' and (new.status <> 'resolved' or new.resolution_id <> old.resolution_id) then
    raise exception 'a resolved escalation is never decided again' using errcode = 'AS001';
  end if;
  return new;
end
$$;
create trigger harmony_escalations_terminal before update on assent.harmony_escalations
  for each row execute function assent.check_escalation();

create trigger harmony_audit_append_only before update or delete on assent.harmony_audit
  for each row execute function assent.refuse_change();
create trigger harmony_audit_no_truncate before truncate on assent.harmony_audit
  for each statement execute function assent.refuse_change();

do $$
declare
  name text;
begin
  foreach name in array array['harmony_patterns', 'harmony_resolutions', 'harmony_policies', 'harmony_escalations',
                              'harmony_audit']
  loop
    execute format('alter table assent.%I enable row level security', name);
    execute format('alter table assent.%I force row level security', name);
    execute format(
      'create policy tenant_wall on assent.%I to assent_app
         using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant())', name);
    execute format('create policy owner on assent.%I to current_user using (true) with check (true)', name);
  end loop;
end
$$;

grant select, insert, update, delete on assent.harmony_patterns, assent.harmony_resolutions, assent.harmony_policies,
  assent.harmony_escalations to assent_app;
grant select, insert on assent.harmony_audit to assent_app;
