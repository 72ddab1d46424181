// What a run reads does not grow with the runs before it: not even in a database that was never counted, where every plan was
// made for empty tables and is kept.

import type { Pool } from "pg";
import { expect, test } from "vitest";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const ASKING = policiesOf({
  texts: {
    "test.cedar": `
      @id("act") permit (principal, action == Action::"call", resource);
      @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`,
  },
});

/** Runs of one look; so many were there before the second one's. */
const RUNS = 12;
/** More rows of a table that a run may read the second time: who is taken first, and how often one looks, differ. */
const MORE_MAX = 4;

/** Rows that were read of each table so far. Each connection tells what it read when it is asked to. */
async function rowsRead(engine: Engine, pool: Pool): Promise<ReadonlyMap<string, number>> {
  const clients = await Promise.all(
    Array.from({ length: pool.totalCount }, async () => await pool.connect()),
  );
  for (const client of clients) {
    await client.query("select pg_stat_force_next_flush()");
    client.release();
  }
  const { rows } = await engine.database.ownerPool().query<{ name: string; read: string }>(
    `select relname as name, seq_tup_read + coalesce(idx_tup_fetch, 0) as read from pg_stat_user_tables
     where schemaname = 'assent'`,
  );
  return new Map(rows.map(({ name, read }) => [name, Number(read)]));
}

/** Counted by the server's own housekeeping in between, tables so small are rightly read as a whole. */
async function leaveUncounted(owner: Pool): Promise<void> {
  const { rows } = await owner.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'assent'",
  );
  for (const { name } of rows) await owner.query(`alter table ${name} set (autovacuum_enabled = off)`);
}

test("what a run reads of any table does not grow with the runs before it", async () => {
  let amount = 0;
  const pools: Pool[] = [];
  await using engine = await openEngine({
    models: answering((turn) =>
      turn === 0 ? { calls: [{ id: "c1", tool: "count", arguments: { amount } }] } : { text: "Done." },
    ),
    tools: [countingTool("count", "once")],
    policies: ASKING,
    wrapPool: (pool) => {
      pools.push(pool);
      return pool;
    },
  });
  const [pool] = pools;
  if (pool === undefined) throw new Error("the store was opened without connections");
  await leaveUncounted(engine.database.ownerPool());
  await engine.startWorker();
  const live = async (): Promise<ReadonlyMap<string, number>> => {
    const before = await rowsRead(engine, pool);
    for (let run = 0; run < RUNS; run += 1) {
      amount += 1;
      const id = await engine.submit(`Count ${amount}.`, `count-${amount}`);
      const approval = (await engine.reaches(id, "awaiting_approval")).approvals[0];
      if (approval === undefined) throw new Error("nothing waits");
      const { id: approval_id, action_digest } = approval;
      value(await engine.harness.decide(engine.caller, { approval_id, decision: "approve", action_digest }));
      await engine.reaches(id, "succeeded");
    }
    const after = await rowsRead(engine, pool);
    return new Map([...after].map(([table, read]) => [table, (read - (before.get(table) ?? 0)) / RUNS]));
  };
  const first = await live();
  const second = await live();
  const grown = [...second].filter(([table, read]) => read > (first.get(table) ?? 0) + MORE_MAX);
  expect(grown).toEqual([]);
  // Each of them is looked up, so something was counted.
  expect(second.get("approvals")).toBeGreaterThan(1);
});
