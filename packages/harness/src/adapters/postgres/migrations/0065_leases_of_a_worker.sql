-- What a worker holds by the database, for one that lost an answer: a run may be leased to it without its knowing. Of all
-- runs few are held, as many as there are slots.

create function assent.leases_of(worker integer) returns table (tenant_id uuid, run_id uuid, token bigint)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.tenant_id, r.id, r.fencing_token from assent.runs r
  where r.state = 'running' and r.lease_until is not null and r.lease_worker = leases_of.worker
$$;

revoke all on function assent.leases_of from public;
grant execute on function assent.leases_of to assent_app;
