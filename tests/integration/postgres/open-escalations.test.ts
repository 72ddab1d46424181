// Whoever decides looks for the question that waits. Others wait for ever, since nobody answered them in time: they are not
// read for it.

import { afterAll, expect, test } from "vitest";
import { fakeId } from "../../../packages/harmony/src/ids.ts";
import { AuditEventType, type EscalationRecord, newAuditEntry } from "@assent/harmony";
import { ann, escalation, moment, pattern } from "../../../packages/harmony/src/testing/samples.ts";
import { questionRows } from "../../../packages/harness/src/adapters/postgres/harmony/questions.ts";
import type { Query } from "../../../packages/harness/src/adapters/postgres/rows.ts";
import type { ClosedEscalation, QuestionRows } from "../../../packages/harness/src/ports.ts";
import { openMemories, type TenantMemory } from "../../support/harmony-memory.ts";
import { anySealing } from "../../support/sealing.ts";

const memories = await openMemories();

afterAll(async () => {
  await memories[Symbol.asyncDispose]();
});

/** As many as a plan is kept for after: the first five times Postgres plans for what is asked. */
const TIMES = 8;

const sealing = anySealing(memories.database.appPool());
const rowsOf = (query: Query, tenant: string): QuestionRows => questionRows({ query, tenant }, { sealing });

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
      expect(await rowsOf(query, tenant).lockOpen(patternId)).toBe(escalationId);
    // Once to find it, once to lock it.
    expect((await rowsRead(query)) - before).toBe(2 * TIMES);
    // A page costs a page: of each state, and the first that is not on it.
    const listedBefore = await rowsRead(query);
    const LIMIT = 4;
    for (let time = 0; time < TIMES; time += 1)
      expect(await rowsOf(query, tenant).list(["open", "resolved"], null, LIMIT)).toHaveLength(LIMIT);
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
    await rowsOf(query, tenant).lockOpen(patternId);
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

const ANSWER = fakeId("answer");
const closing =
  (seconds: number) =>
  (open: EscalationRecord): ClosedEscalation => ({
    escalation: open.with({
      status: "resolved",
      resolutionId: ANSWER,
      resolvedBy: ann,
      resolvedAt: moment(seconds),
    }),
    fact: newAuditEntry({
      eventType: AuditEventType.ESCALATION_RESOLVED,
      at: moment(seconds),
      actor: ann,
      patternId: open.patternId,
      metadata: { escalation_id: open.escalationId, resolution_id: ANSWER },
    }),
  });

const { patternId: ASKED } = pattern("waiting");

/** A question that was put three times. */
async function putThrice({ inMemory }: TenantMemory): Promise<EscalationRecord> {
  const first = escalation("no answer", { patternId: ASKED });
  await inMemory(async (memory) => await memory.recordEscalation(first));
  for (const seconds of [1, 3])
    await inMemory(async (memory) => {
      const again = escalation("no answer", { patternId: ASKED, escalatedAt: moment(seconds) });
      expect(await memory.recordEscalation(again)).toMatchObject({ opened: false });
    });
  return first;
}

const count = async (query: Query, tenant: string, table: string): Promise<number> =>
  (
    await query<{ n: number }>(`select count(*)::int as n from assent.${table} where tenant_id = $1`, [
      tenant,
    ])
  )[0]?.n ?? -1;

test("an answer closes the question as it was counted, with the fact of it and the key of what is sealed in that, once", async () => {
  const opened = await memories.open();
  const { inMemory, tenant } = opened;
  const { escalationId } = await putThrice(opened);
  const others = escalation("another's", { patternId: pattern("another").patternId });
  await inMemory(async (memory) => {
    await memory.recordEscalation(others);
    await memory.recordEscalation(
      escalation("another's", { patternId: others.patternId, escalatedAt: moment(2) }),
    );
  });
  const closed = await inMemory(async (_, query) => await rowsOf(query, tenant).closeOpen(ASKED, closing(9)));
  expect(closed?.escalation).toMatchObject({ escalationId, seenCount: 3, lastSeenAt: moment(3) });
  await inMemory(async (memory, query) => {
    expect((await memory.loadEscalation(escalationId))?.toJSON()).toEqual(closed?.escalation.toJSON());
    expect(await memory.listEscalations({ status: "resolved", patternId: ASKED })).toHaveLength(1);
    expect((await memory.loadEscalation(others.escalationId))?.status).toBe("open");
    const [fact, ...more] = await memory.listAudit({
      patternId: ASKED,
      eventType: AuditEventType.ESCALATION_RESOLVED,
    });
    expect([fact, more]).toEqual([closed?.fact, []]);
    const [row] = await query<{ record: Record<string, unknown> }>(
      "select record from assent.harmony_audit where tenant_id = $1 and pattern_id = $2",
      [tenant, Buffer.from(ASKED.slice("sha256:".length), "hex")],
    );
    expect(JSON.stringify(row?.record)).not.toContain("ann");
    expect(await count(query, tenant, "sealed_keys")).toBe(1);
    // What was counted beside the record is in it now, and what was counted of others is not taken.
    expect(await count(query, tenant, "harmony_sightings")).toBe(1);
    expect(await rowsOf(query, tenant).closeOpen(ASKED, closing(10))).toBeNull();
  });
});

test("who closes a question passes over one that somebody else is closing, and nothing of what is undone is left", async () => {
  const opened = await memories.open();
  const { inMemory, tenant } = opened;
  const { escalationId } = await putThrice(opened);
  const before = await inMemory(async (memory) => (await memory.loadEscalation(escalationId))?.toJSON());
  const undone = inMemory(async (_, query) => {
    expect(await rowsOf(query, tenant).closeOpen(ASKED, closing(9))).not.toBeNull();
    // Who waits for a lock here fails at once.
    expect(
      await inMemory(async (__, other) => await rowsOf(other, tenant).closeOpen(ASKED, closing(10))),
    ).toBeNull();
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  await inMemory(async (memory, query) => {
    expect((await memory.loadEscalation(escalationId))?.toJSON()).toEqual(before);
    expect(await count(query, tenant, "sealed_keys")).toBe(0);
    expect(await memory.listAudit({ patternId: ASKED })).toEqual([]);
    expect((await rowsOf(query, tenant).closeOpen(ASKED, closing(11)))?.escalation).toMatchObject({
      seenCount: 3,
    });
  });
});

test("a question is closed by two statements", async () => {
  const opened = await memories.open();
  const { inMemory, tenant } = opened;
  await putThrice(opened);
  const { patternId } = pattern("another");
  await inMemory(async (memory) => await memory.recordEscalation(escalation("another's", { patternId })));
  await inMemory(async (_, query) => {
    let sent = 0;
    const counted: Query = async (...given) => {
      sent += 1;
      return await query(...given);
    };
    const rows = rowsOf(counted, tenant);
    // The first of a process asks which the sealing key is.
    await rows.closeOpen(patternId, closing(8));
    sent = 0;
    await rows.closeOpen(ASKED, closing(9));
    expect(sent).toBe(2);
  });
});
