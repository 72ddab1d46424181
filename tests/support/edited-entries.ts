// Lets a test attack single entries of the tree as if each were a row: the owner of a database can, whatever shape the
// rows have. Only for a database that is thrown away.

import type { Pool } from "pg";

// A removed entry leaves a gap: what comes after it keeps its place.
const EDITS = `
  create or replace function public.edit_entry() returns trigger language plpgsql as $$
  declare
    n integer := old.idx - old.first + 1;
    b assent.audit_batches;
  begin
    if tg_op = 'UPDATE' then
      update assent.audit_batches t set leaves[n] = new.leaf, hashes[n] = new.leaf_hash, salts[n] = new.salt,
          event_ids[n] = new.event_id
        where t.tenant_id = old.tenant_id and t.epoch = old.epoch and t.first = old.first;
      return new;
    end if;
    -- An earlier row of the same statement may have cut the batch.
    select * into b from assent.audit_batches t
      where t.tenant_id = old.tenant_id and t.epoch = old.epoch and t.first <= old.idx order by t.first desc limit 1;
    n := old.idx - b.first + 1;
    delete from assent.audit_batches t where t.tenant_id = b.tenant_id and t.epoch = b.epoch and t.first = b.first;
    insert into assent.audit_batches (tenant_id, epoch, first, last_event, event_ids, leaves, hashes, salts)
      select b.tenant_id, b.epoch, p.first, (select max(e) from unnest(p.e) e), p.e, p.l, p.h, p.s
      from (values (b.first, b.event_ids[:n - 1], b.leaves[:n - 1], b.hashes[:n - 1], b.salts[:n - 1]),
        (b.first + n, b.event_ids[n + 1:], b.leaves[n + 1:], b.hashes[n + 1:], b.salts[n + 1:])) p (first, e, l, h, s)
      where cardinality(p.e) > 0;
    return old;
  end
  $$;
  create or replace trigger entries_edited instead of update or delete on assent.audit_leaves
    for each row execute function public.edit_entry();`;

export async function letEntriesBeEdited(owner: Pool): Promise<void> {
  await owner.query(EDITS);
}
