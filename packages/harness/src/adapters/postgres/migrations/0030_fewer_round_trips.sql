-- What the service asks one thing after the other, in one statement. Each begins as the tenant that it is about.

-- As before; what follows in the transaction is the tenant's whose run was taken.
create function assent.take_run(turn_after uuid, due_at timestamptz, newest_version integer)
  returns table (taken_tenant uuid, taken_run uuid)
  language plpgsql volatile set search_path = '' as $$
begin
  select t.taken_tenant, t.taken_run into take_run.taken_tenant, take_run.taken_run
    from assent.take_queued(turn_after, due_at, newest_version) t;
  if take_run.taken_run is null then return; end if;
  perform set_config('assent.tenant', take_run.taken_tenant::text, true);
  return next;
end
$$;

-- A run, locked until the transaction ends, with its journal and one approval of it: the one that is named, else the
-- newest that a yes waits in. Read after the lock, each by a statement of its own, so that nothing is older than it.
create function assent.whole_run(of_run uuid, of_approval uuid)
  returns table (run json, journal json, approval json) language plpgsql volatile set search_path = '' as $$
declare
  tenant uuid := assent.tenant();
  found_run uuid := of_run;
begin
  if of_run is null then
    select a.run_id into found_run from assent.approvals a where a.tenant_id = tenant and a.id = of_approval;
  end if;
  perform from assent.runs r where r.tenant_id = tenant and r.id = found_run for update;
  if not found then return; end if;
  select row_to_json(x) into whole_run.run from (
    select r.id, r.driver, r.state, r.version, r.agent, encode(r.agent_version, 'hex') as agent_version, r.task,
      r.workspace_name, r.workspace_commit, r.model, r.labels, r.requested_by, p.kind as requester_kind,
      p.name as requester_name, r.reason_code, r.reason_detail, r.answer, r.attempt, r.fencing_token, r.created_at,
      r.updated_at, r.finished_at, r.redrive_of, r.traceparent
    from assent.runs r join assent.principals p on p.tenant_id = r.tenant_id and p.id = r.requested_by
    where r.tenant_id = tenant and r.id = found_run
  ) x;
  select json_agg(x) into whole_run.journal from (
    select s.seq, s.kind, s.name, s.state, s.effect, s.request, s.decision, s.approval_id, s.outcome, s.error,
      s.retried_by, s.started_at, s.finished_at
    from assent.steps s where s.tenant_id = tenant and s.run_id = found_run order by s.seq
  ) x;
  select row_to_json(x) into whole_run.approval from (
    select a.id, a.run_id, a.seq, a.state, a.subject, a.action, encode(a.action_digest, 'hex') as action_digest,
      a.summary, a.preview, a.precondition, a.decision, a.judgement, a.requirement, a.advice, a.edited_action,
      a.requested_at, a.expires_at, a.decided_at, a.decided_by, p.kind as decider_kind, p.name as decider_name, a.comment,
      (select count(*) from assent.approval_votes v where v.tenant_id = tenant and v.approval_id = a.id
        and v.action_digest = a.action_digest) as votes
    from assent.approvals a left join assent.principals p on p.tenant_id = a.tenant_id and p.id = a.decided_by
    where a.tenant_id = tenant and a.run_id = found_run
      and case when of_approval is null then a.state = 'approved' else a.id = of_approval end
    order by a.seq desc limit 1
  ) x;
  return next;
end
$$;

-- As processes of the version before call it, which run beside this one during an upgrade.
create function assent.audit_append(tenant uuid, of_epoch integer, old_size bigint, given bigint[], leaves bytea[],
                                    hashes bytea[], salts bytea[], new_root bytea)
  returns void language sql volatile set search_path = '' as $$
  select assent.audit_append(tenant, of_epoch, old_size, given, string_agg(u.leaf, ''::bytea order by u.n),
    array_agg(octet_length(u.leaf) order by u.n), string_agg(u.hash, ''::bytea order by u.n),
    string_agg(u.salt, ''::bytea order by u.n), new_root)
  from unnest(leaves, hashes, salts) with ordinality as u (leaf, hash, salt, n)
$$;

-- Keeps the answer to a request for whoever repeats it. False: there is one already, which stays. Whoever is second
-- waits for the first to end, and no longer than this: each of them holds a connection meanwhile.
create function assent.keep_answer(tenant uuid, principal uuid, of_route text, of_key text, at timestamptz,
                                   until timestamptz, new_fingerprint bytea, new_status integer, new_location text,
                                   new_body text)
  returns boolean language plpgsql set search_path = '' set lock_timeout = '5s' as $$
begin
  -- Past its announced time a key is free again, as if it had never been used.
  delete from assent.idempotency_keys i
    where i.tenant_id = tenant and i.principal_id = principal and i.route = of_route and i.key = of_key
      and i.expires_at <= at;
  insert into assent.idempotency_keys (tenant_id, principal_id, route, key, expires_at, fingerprint, status, location, body)
    values (tenant, principal, of_route, of_key, until, new_fingerprint, new_status, new_location, new_body)
    on conflict (tenant_id, principal_id, route, key) do nothing;
  return found;
end
$$;

-- A run with its first event, its agent's definition and the answer to whoever asked for it, or, where the request was
-- answered before, that answer and nothing else.
create function assent.submit_run(
  tenant uuid, principal uuid, of_route text, of_key text, at timestamptz, until timestamptz, new_fingerprint bytea,
  new_location text, new_body text, new_run uuid, of_agent text, of_agent_version bytea, definition json, new_task text,
  of_workspace text, of_commit text, of_model text, new_labels jsonb, format integer, trace text, event_data json,
  event_digest bytea)
  returns table (fingerprint bytea, status integer, location text, body text)
  language plpgsql set search_path = '' as $$
begin
  perform set_config('assent.tenant', tenant::text, true);
  if not assent.keep_answer(tenant, principal, of_route, of_key, at, until, new_fingerprint, 202, new_location, new_body)
  then
    return query select i.fingerprint, i.status, i.location, i.body from assent.idempotency_keys i
      where i.tenant_id = tenant and i.principal_id = principal and i.route = of_route and i.key = of_key;
    return;
  end if;
  insert into assent.agent_versions (tenant_id, digest, definition) values (tenant, of_agent_version, definition)
    on conflict do nothing;
  insert into assent.runs (tenant_id, id, driver, state, version, agent, agent_version, task, workspace_name,
      workspace_commit, model, labels, requested_by, wake_at, created_at, updated_at, message_version, traceparent)
    values (tenant, new_run, 'assent', 'queued', 1, of_agent, of_agent_version, new_task, of_workspace, of_commit, of_model,
      new_labels, principal, at, at, at, format, trace);
  insert into assent.audit_events (tenant_id, run_id, version, at, kind, actor_id, data, digest)
    values (tenant, new_run, 1, at, 'run_queued', principal, event_data, event_digest);
end
$$;

revoke all on function assent.take_run, assent.whole_run, assent.keep_answer, assent.submit_run,
  assent.audit_append(uuid, integer, bigint, bigint[], bytea[], bytea[], bytea[], bytea) from public;
grant execute on function assent.take_run, assent.whole_run, assent.keep_answer, assent.submit_run,
  assent.audit_append(uuid, integer, bigint, bigint[], bytea[], bytea[], bytea[], bytea) to assent_app;
