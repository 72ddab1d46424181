-- What a tool said of itself when a person was asked about a call of it, kept by digest as agents are: when the tool
-- has changed by the time of the call, the person is shown what differs.

create table assent.tool_manifests (
  tenant_id uuid not null references assent.tenants,
  digest bytea not null check (octet_length(digest) = 32),
  -- json, not jsonb: what was digested must come back as it was.
  manifest json not null,
  primary key (tenant_id, digest)
);

alter table assent.tool_manifests enable row level security;
alter table assent.tool_manifests force row level security;
create policy tenant_wall on assent.tool_manifests to assent_app
  using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant());
create policy owner on assent.tool_manifests to current_user using (true) with check (true);
grant select, insert on assent.tool_manifests to assent_app;

-- For the list of what waits, whichever run it is of.
create index approvals_waiting on assent.approvals (tenant_id, id) where state in ('open', 'approved');
