-- How long a remembered answer is given again: a person's word from one day, or from one run, is no standing authority. The
-- newest word of a person counts; answers of before have none, and end a while after they were given.

create table assent.precedent_terms (
  tenant_id uuid not null references assent.tenants,
  pattern_id bytea not null check (octet_length(pattern_id) = 32),
  resolution_id bytea not null check (octet_length(resolution_id) = 32),
  expires_at timestamptz not null,
  primary key (tenant_id, pattern_id, resolution_id),
  foreign key (tenant_id, pattern_id, resolution_id) references assent.harmony_resolutions on delete cascade
);

alter table assent.precedent_terms enable row level security;
alter table assent.precedent_terms force row level security;
create policy tenant_wall on assent.precedent_terms to assent_app
  using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant());
create policy owner on assent.precedent_terms to current_user using (true) with check (true);
grant select, insert, update, delete on assent.precedent_terms to assent_app;
