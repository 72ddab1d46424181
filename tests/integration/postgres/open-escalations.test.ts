// Whoever decides looks for the question that waits. Others wait for ever, since nobody answered them in time: they are not
// read for it.

import { afterAll, expect, test } from "vitest";
import { fakeId } from "../../../packages/harmony/src/ids.ts";
import { ann, escalation, moment, pattern } from "../../../packages/harmony/src/testing/samples.ts";
import { questionRows } from "../../../packages/harness/src/adapters/postgres/harmony/questions.ts";
import type { Query } from "../../../packages/harness/src/adapters/postgres/rows.ts";
import { openMemories } from "../../support/harmony-memory.ts";

const memories = await openMemories();

afterAll(async () => {
  await memories[Symbol.asyncDispose]();
});

/** As many as a plan is kept for after: the first five times Postgres plans for what is asked. */
const TIMES = 8;

type ReadRows = { readonly read: string };

/** What was read of escalations: by this transaction, and by those before it that its session has not told of yet. */
async function rowsRead(query: Query): Promise<number> {
  const [row] = await query<ReadRows>(
    `select seq_tup_read + idx_tup_fetch as read from pg_catalog.pg_stat_xact_user_tables
     where schemaname = 'assent' and relname = 'harmony_escalations'`,
    [],
  );
  return Number(row?.read);
}

test("one question's open escalation is found without reading those of others, or that were resolved; a page of them reads a page", async () => {
  const { inMemory, tenant } = await memories.open();
  const { patternId } = pattern("waiting");
  const { escalationId } = escalation("no answer", { patternId });
  await inMemory(async (memory) => await memory.recordEscalation(escalation("no answer", { patternId })));
  const owner = memories.database.ownerPool();
  await owner.query(
    `insert into assent.harmony_escalations (tenant_id, id, first_id, occurrence, pattern_id, status, resolution_id,
       escalated_at, record)
     select e.tenant_id, i.id, i.id, 1, case when n % 2 = 0 then e.pattern_id else i.id end,
       case when n % 2 = 0 then 'resolved' else 'open' end, case when n % 2 = 0 then i.id end,
       e.escalated_at + n * interval '1 s', e.record
     from assent.harmony_escalations e, generate_series(1, 6000) n, lateral (select sha256(n::text::bytea) as id) i
     where e.tenant_id = $1`,
    [tenant],
  );
  await owner.query("analyze assent.harmony_escalations");
  await inMemory(async (_, query) => {
    const before = await rowsRead(query);
    for (let time = 0; time < TIMES; time += 1)
      expect(await questionRows({ query, tenant }).lockOpen(patternId)).toBe(escalationId);
    // Once to find it, once to lock it.
    expect((await rowsRead(query)) - before).toBe(2 * TIMES);
    // A page costs a page: of each state, and the first that is not on it.
    const listedBefore = await rowsRead(query);
    const LIMIT = 4;
    for (let time = 0; time < TIMES; time += 1)
      expect(await questionRows({ query, tenant }).list(["open", "resolved"], null, LIMIT)).toHaveLength(
        LIMIT,
      );
    expect((await rowsRead(query)) - listedBefore).toBeLessThanOrEqual(2 * LIMIT * TIMES);
  });
});

test("who decides a question passes over the escalation that somebody else is deciding, until that was undone", async () => {
  const { inMemory, tenant } = await memories.open();
  const { patternId } = pattern("waiting");
  const waiting = escalation("no answer", { patternId });
  const { escalationId: id } = waiting;
  await inMemory(async (memory) => await memory.recordEscalation(waiting));
  const lockOpen = async (query: Query): Promise<string | null> =>
    await questionRows({ query, tenant }).lockOpen(patternId);
  const undone = inMemory(async (memory, query) => {
    expect(await lockOpen(query)).toBe(id);
    await memory.resolveEscalation(id, fakeId("r"), ann, moment(5));
    // Who waits for a lock here fails at once.
    expect(await inMemory(async (_, other) => await lockOpen(other))).toBeNull();
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  await inMemory(async (memory, query) => {
    expect(await lockOpen(query)).toBe(id);
    await memory.resolveEscalation(id, fakeId("r"), ann, moment(6));
  });
  expect(await inMemory(async (_, query) => await lockOpen(query))).toBeNull();
});
