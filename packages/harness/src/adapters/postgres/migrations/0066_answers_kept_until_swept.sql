-- An answer under an idempotency key is given again until the sweep has come past its time: that believes a clock which jumps ahead in
-- steps only (0064). By that clock alone a repeat would be carried out anew while it is ahead.

create function assent.answers_swept() returns timestamptz
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.until from assent.swept_answers s
$$;

-- As before (0008, 0020), but for what has not been swept past.
create or replace function assent.claim_key(tenant uuid, principal uuid, route text, key text, at timestamptz,
                                            until timestamptz)
  returns table (claimed boolean, fingerprint bytea, status integer, location text, body text)
  language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
#variable_conflict use_column
begin
  delete from assent.idempotency_keys i
    where i.tenant_id = tenant and i.principal_id = principal and i.route = claim_key.route
      and i.key = claim_key.key and i.expires_at <= at and i.expires_at <= assent.answers_swept();
  insert into assent.idempotency_keys (tenant_id, principal_id, route, key, expires_at)
    values (tenant, principal, claim_key.route, claim_key.key, until)
    on conflict (tenant_id, principal_id, route, key) do nothing;
  if found then
    claimed := true;
    return next;
    return;
  end if;
  claimed := false;
  return query select false, i.fingerprint, i.status, i.location, i.body from assent.idempotency_keys i
    where i.tenant_id = tenant and i.principal_id = principal and i.route = claim_key.route
      and i.key = claim_key.key;
end
$$;

-- As before (0030), with the same.
create or replace function assent.keep_answer(tenant uuid, principal uuid, of_route text, of_key text, at timestamptz,
                                              until timestamptz, new_fingerprint bytea, new_status integer,
                                              new_location text, new_body text)
  returns boolean language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  delete from assent.idempotency_keys i
    where i.tenant_id = tenant and i.principal_id = principal and i.route = of_route and i.key = of_key
      and i.expires_at <= at and i.expires_at <= assent.answers_swept();
  insert into assent.idempotency_keys (tenant_id, principal_id, route, key, expires_at, fingerprint, status, location, body)
    values (tenant, principal, of_route, of_key, until, new_fingerprint, new_status, new_location, new_body)
    on conflict (tenant_id, principal_id, route, key) do nothing;
  return found;
end
$$;

revoke all on function assent.answers_swept from public;
grant execute on function assent.answers_swept to assent_app;
