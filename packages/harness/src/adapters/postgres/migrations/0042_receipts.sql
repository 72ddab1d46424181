-- What a receipt is made of, read by two statements that need no transaction around them: entries, their checkpoints and
-- the hashes of what is full never change. Each begins as the tenant that it is about.

-- A person's decision about an approval, with the oldest checkpoint that covers it.
create function assent.audit_decision_entry(tenant uuid, run uuid, approval text)
  returns table (epoch integer, idx bigint, leaf bytea, size bigint, note text)
  language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('assent.tenant', tenant::text, true);
  return query
    select l.epoch, l.idx, l.leaf, c.size, c.note
    from assent.audit_events e, assent.audit_place(e.tenant_id, e.event_id) l, lateral (
      select k.size, k.note from assent.audit_checkpoints k
      where k.tenant_id = tenant and k.epoch = l.epoch and k.size > l.idx order by k.size limit 1) c
    where e.tenant_id = tenant and e.run_id = run and e.data ->> 'approval_id' = approval
      and e.kind in ('approval_approved', 'approval_denied', 'approval_confirmed');
end
$$;

-- Of each part of a tree, which is a level and places of it, the hashes there are; batches hold up to 256 of level 0. It is
-- planned once: planning took longer than reading.
create function assent.audit_hash_ranges(tenant uuid, of_epoch integer, levels integer[], starts bigint[], stops bigint[])
  returns table (part bigint, hash bytea) language plpgsql volatile set search_path = pg_catalog, pg_temp
  set plan_cache_mode = 'force_generic_plan' as $$
begin
  perform set_config('assent.tenant', tenant::text, true);
  return query
    select w.at, h.hash from unnest(levels, starts, stops) with ordinality as w (level, start, stop, at),
      lateral (
        select b.first + u.n - 1 as n, u.hash
        from assent.audit_batches b, unnest(b.hashes) with ordinality as u (hash, n)
        where w.level = 0 and b.tenant_id = tenant and b.epoch = of_epoch and b.first > w.start - 256 and b.first < w.stop
          and b.first + u.n - 1 >= w.start and b.first + u.n - 1 < w.stop
        union all
        select o.n, o.hash from assent.audit_nodes o
        where w.level > 0 and o.tenant_id = tenant and o.epoch = of_epoch and o.level = w.level
          and o.n >= w.start and o.n < w.stop
      ) h
    order by w.at, h.n;
end
$$;

revoke all on function assent.audit_decision_entry, assent.audit_hash_ranges from public;
grant execute on function assent.audit_decision_entry, assent.audit_hash_ranges to assent_app;
