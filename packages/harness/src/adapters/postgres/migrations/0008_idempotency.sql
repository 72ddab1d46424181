-- Takes an idempotency key for the transaction that asks, or says what an earlier request was answered.
-- Past its announced time a key is free again, as if it had never been used. Whoever inserts first holds the key; all
-- others wait here until that transaction has ended, and then see its answer (or, if it failed, one of them inserts).
-- They wait two seconds and no longer, for each of them holds a connection meanwhile.
create function assent.claim_key(tenant uuid, principal uuid, route text, key text, at timestamptz, until timestamptz)
  returns table (claimed boolean, fingerprint bytea, status integer, location text, body text)
  language plpgsql set search_path = '' set lock_timeout = '2s' as $$
#variable_conflict use_column
begin
  delete from assent.idempotency_keys i
    where i.tenant_id = tenant and i.principal_id = principal and i.route = claim_key.route
      and i.key = claim_key.key and i.expires_at <= at;
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
revoke all on function assent.claim_key(uuid, uuid, text, text, timestamptz, timestamptz) from public;
grant execute on function assent.claim_key(uuid, uuid, text, text, timestamptz, timestamptz) to assent_app;
