-- That a question came up once more, as a row of its own. Counted in the record of the question it would be locked by
-- whoever asks until all else of that run is committed, and everybody who asks the same would wait in a row.
-- Moments are kept as the records keep them: text whose alphabetical order is the order in time.
create table assent.harmony_sightings (
  tenant_id uuid not null references assent.tenants,
  -- A pattern, or an escalation.
  subject bytea not null check (octet_length(subject) = 32),
  at text collate "C" not null check (octet_length(at) = 32),
  primary key (tenant_id, subject, at)
);

alter table assent.harmony_sightings enable row level security;
alter table assent.harmony_sightings force row level security;
create policy tenant_wall on assent.harmony_sightings to assent_app
  using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant());
create policy owner on assent.harmony_sightings to current_user using (true) with check (true);
grant select, insert, delete on assent.harmony_sightings to assent_app;
