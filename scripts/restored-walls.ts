// What walls look like in a database that was restored from a dump: a dump has them as the catalogue spells them, and what is read
// from that may be spelt in another way once more (`(a or b) or c` as `a or b or c`). They mean the same.

import type { Query } from "../packages/harness/src/adapters/postgres/rows.ts";

type Statement = { readonly text: string };

/** In the order of a dump: checks, triggers, policies, each as the catalogue spells it. */
const SPELT = `
  select format('alter table %s drop constraint %I, add constraint %I %s', k.conrelid::regclass, k.conname, k.conname,
      pg_get_constraintdef(k.oid)) as text
    from pg_constraint k where k.connamespace = 'assent'::regnamespace and k.contype = 'c'
  union all
  select format('drop trigger %I on %s; %s', t.tgname, t.tgrelid::regclass, pg_get_triggerdef(t.oid))
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace = 'assent'::regnamespace and not t.tgisinternal
  union all
  select format('alter policy %I on %s', p.polname, p.polrelid::regclass)
      || coalesce(format(' using (%s)', pg_get_expr(p.polqual, p.polrelid)), '')
      || coalesce(format(' with check (%s)', pg_get_expr(p.polwithcheck, p.polrelid)), '')
    from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'assent'::regnamespace
  union all
  select format('drop index %s; %s', i.indexrelid::regclass, pg_get_indexdef(i.indexrelid))
    from pg_index i join pg_class c on c.oid = i.indrelid
    where c.relnamespace = 'assent'::regnamespace and i.indisunique
      and not exists (select from pg_constraint k where k.conindid = i.indexrelid)`;

/** Makes them all anew from how they are spelt. Within a transaction, on a path that has nothing but the catalogue. */
export async function spellAgain(query: Query): Promise<void> {
  for (const { text } of await query<Statement>(SPELT, []))
    for (const statement of text.split(/; (?=create )/i)) await query(statement, []);
}
