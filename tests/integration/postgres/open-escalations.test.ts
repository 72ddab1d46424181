// Whoever decides looks for the question that waits. Others wait for ever, since nobody answered them in time: they are not
// read for it.

import { afterAll, expect, test } from "vitest";
import { pattern, escalation } from "../../../packages/harmony/src/testing/samples.ts";
import { openMemories } from "../../support/harmony-memory.ts";

const memories = await openMemories();

afterAll(async () => {
  await memories[Symbol.asyncDispose]();
});

/** As many as a plan is kept for after: the first five times Postgres plans for what is asked. */
const TIMES = 8;

test("one question's open escalations are found without reading those of others", async () => {
  const { inMemory, tenant } = await memories.open();
  const { patternId } = pattern("waiting");
  await inMemory(async (memory) => await memory.recordEscalation(escalation("no answer", { patternId })));
  const owner = memories.database.ownerPool();
  await owner.query(
    `insert into assent.harmony_escalations (tenant_id, id, first_id, occurrence, pattern_id, status, escalated_at, record)
     select e.tenant_id, i.id, i.id, 1, i.id, 'open', e.escalated_at + n * interval '1 s', e.record
     from assent.harmony_escalations e, generate_series(1, 3000) n, lateral (select sha256(n::text::bytea) as id) i
     where e.tenant_id = $1`,
    [tenant],
  );
  await owner.query("analyze assent.harmony_escalations");
  const read = await inMemory(async (memory, query) => {
    for (let time = 0; time < TIMES; time += 1)
      expect(await memory.listEscalations({ patternId, status: "open" })).toHaveLength(1);
    const [row] = await query<{ read: string }>(
      `select seq_tup_read + idx_tup_fetch as read from pg_catalog.pg_stat_xact_user_tables
       where schemaname = 'assent' and relname = 'harmony_escalations'`,
      [],
    );
    return Number(row?.read);
  });
  expect(read).toBe(TIMES);
});
