// The alarm that the evidence has lost something, or has gained what never happened: counted in the database, told once.

import type { TenantId } from "@assent/contract";
import { uuidOf } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresLogStore } from "../../../packages/harness/src/adapters/postgres/audit-log.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import type { Clock, LogStore } from "../../../packages/harness/src/ports.ts";
import {
  CHECK_INTERVAL_MS,
  gapOf,
  IDLE_INTERVAL_MS,
  startConservation,
} from "../../../packages/harness/src/services/audit/conservation.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import {
  addFacts,
  addManyFacts,
  advanced,
  logPorts,
  newTenant,
  scratchFolder,
} from "../../support/tenant-log.ts";
import { until } from "../../support/until.ts";
import { anySealing } from "../../support/sealing.ts";

let database: ThrowAwayDatabase;
let store: LogStore;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
  store = postgresLogStore(database.appPool(), anySealing(database.appPool()));
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

type Table = "audit_inbox" | "audit_facts" | "audit_batches" | "audit_heads";

/** As its owner, with the table's triggers switched off meanwhile. */
async function tamper(table: Table, statement: string, tenant: TenantId, on = database): Promise<void> {
  await transaction(on.ownerPool(), async (client) => {
    await client.query(`alter table assent.${table} disable trigger user`);
    const { rowCount } = await client.query(statement, [uuidOf(tenant)]);
    await client.query(`alter table assent.${table} enable trigger user`);
    expect(rowCount).toBeGreaterThan(0);
  });
}

const balanceOf = async (tenant: TenantId) =>
  (await store.balances()).find((balance) => balance.tenant === tenant) ?? expect.unreachable();

test("what waits and what stands in the tree is all that was recorded, at every moment", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "balance");
  const ports = logPorts(database, folder.path);
  const writing = addFacts(store, tenant, "busy", 60);
  const done = { yet: false };
  void writing.then(() => (done.yet = true));
  while (!done.yet) {
    expect(gapOf(await balanceOf(tenant))).toBeNull();
    await advanced(ports, tenant);
  }
  await writing;
  await advanced(ports, tenant);
  expect(gapOf(await balanceOf(tenant))).toBeNull();
});

test.each([
  [
    "an event that neither waits nor has a place",
    "audit_inbox",
    "delete from assent.audit_inbox where tenant_id = $1",
    2,
    0,
  ],
  [
    "an event that was taken away",
    "audit_facts",
    "delete from assent.audit_facts where tenant_id = $1 and version = 1 and subject = 'before'",
    -1,
    0,
  ],
  [
    "entries that were taken away",
    "audit_batches",
    "delete from assent.audit_batches where tenant_id = $1",
    3,
    3,
  ],
  [
    "a head that counts too few",
    "audit_heads",
    "update assent.audit_heads set size = 2 where tenant_id = $1",
    0,
    -1,
  ],
] as const)("%s is a gap", async (name, table, statement, lost, missing) => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, `gap-${lost}-${missing}`);
  const ports = logPorts(database, folder.path);
  await addFacts(store, tenant, "before", 3);
  await advanced(ports, tenant);
  await addFacts(store, tenant, "after", 2);
  expect(gapOf(await balanceOf(tenant))).toBeNull();
  await tamper(table, statement, tenant);
  expect([name, gapOf(await balanceOf(tenant))]).toEqual([name, { tenant, lost, missing }]);
});

test("what was even once and is not any more is found when its turn comes, and told until it is mended", async () => {
  await using own = await connectThrowAwayDatabase();
  using folder = scratchFolder();
  const tenant = await newTenant(own, "old");
  const ports = logPorts(own, folder.path);
  for (let batch = 0; batch < 3; batch += 1) {
    await addFacts(ports.store, tenant, `old-${batch}`, 2);
    await advanced(ports, tenant);
  }
  const look = async () => {
    const gaps = (await ports.store.balances()).flatMap((balance) => gapOf(balance) ?? []);
    return gaps.map(({ lost, missing }) => [lost, missing]);
  };
  for (let looks = 0; looks < 3; looks += 1) expect(await look()).toEqual([]);
  const mark = await own.ownerPool().query("select event_id from assent.audit_balanced");
  expect(mark.rows).toEqual([{ event_id: "6" }]);
  const facts = "create table kept as select * from assent.audit_facts where event_id = 2";
  const batches = "create table kept_batch as select * from assent.audit_batches where first = 2";
  await own.ownerPool().query(`${facts}; ${batches}`);
  await tamper(
    "audit_facts",
    "delete from assent.audit_facts where tenant_id = $1 and event_id = 2",
    tenant,
    own,
  );
  const turn = [await look(), await look()];
  expect(turn).toContainEqual([[-1, 0]]);
  expect([await look(), await look()]).toEqual([[[-1, 0]], [[-1, 0]]]);
  await tamper(
    "audit_facts",
    "insert into assent.audit_facts select * from kept where tenant_id = $1",
    tenant,
    own,
  );
  expect([await look(), await look(), await look()]).toEqual([[], [], []]);
  await tamper(
    "audit_batches",
    "delete from assent.audit_batches where tenant_id = $1 and first = 2",
    tenant,
    own,
  );
  const later = [await look(), await look(), await look()];
  expect(later.slice(1)).toEqual([[[0, 2]], [[0, 2]]]);
  const mend = "insert into assent.audit_batches select * from kept_batch where tenant_id = $1";
  await tamper("audit_batches", mend, tenant, own);
  expect(await look()).toEqual([]);
});

test("an event whose number is old when it is committed is looked at all the same, until it has its place", async () => {
  await using own = await connectThrowAwayDatabase();
  using folder = scratchFolder();
  const tenant = await newTenant(own, "late");
  const ports = logPorts(own, folder.path);
  const gaps = async () => (await ports.store.balances()).flatMap((balance) => gapOf(balance) ?? []);
  const late = await own.appPool().connect();
  await late.query("begin");
  await late.query("select set_config('assent.tenant', $1, true)", [uuidOf(tenant)]);
  await late.query(
    `insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
     values ($1, 'late', 1, now(), 'test_happened', '{}')`,
    [uuidOf(tenant)],
  );
  await addFacts(ports.store, tenant, "early", 3);
  await advanced(ports, tenant);
  for (let looks = 0; looks < 4; looks += 1) expect(await gaps()).toEqual([]);
  await late.query("commit");
  late.release();
  // And for as long as it waits.
  for (let looks = 0; looks < 4; looks += 1) expect(await gaps()).toEqual([]);
  await tamper("audit_inbox", "delete from assent.audit_inbox where tenant_id = $1", tenant, own);
  expect(await gaps()).toEqual([{ tenant, lost: 1, missing: 0 }]);
});

test("a look reads no more of a log that is five times as long", async () => {
  await using own = await connectThrowAwayDatabase();
  using folder = scratchFolder();
  const tenant = await newTenant(own, "long");
  const ports = logPorts(own, folder.path);
  const rowsRead = async (): Promise<number> =>
    await transaction(own.ownerPool(), async (client) => {
      const soFar = async (): Promise<number> => {
        const { rows } = await client.query<{ rows: string }>(
          `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as rows from pg_stat_xact_user_tables
           where schemaname = 'assent'`,
        );
        return Number(rows[0]?.rows);
      };
      const before = await soFar();
      await client.query("select * from assent.audit_balance_step(256)");
      return (await soFar()) - before;
    });
  const read: number[] = [];
  for (const count of [520, 2_080]) {
    await addManyFacts(own, tenant, count);
    await advanced(ports, tenant);
    // The first sees them, the second knows that they are settled.
    await rowsRead();
    await rowsRead();
    read.push(Math.max(await rowsRead(), await rowsRead()));
  }
  const [short = 0, long = Number.POSITIVE_INFINITY] = read;
  // A slice is two batches here, each entry one row of what happened.
  expect(short).toBeGreaterThanOrEqual(512);
  expect(long).toBeLessThan(short * 1.2);
});

test("the service neither numbers its events nor writes down how far they were looked at", async () => {
  const tenant = await newTenant(database, "chosen");
  const asService = async (statement: string): Promise<unknown> =>
    await transaction(database.appPool(), async (client) => {
      await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(tenant)]);
      await client.query(statement);
    }).catch((error: unknown) => (error instanceof Error && "code" in error ? error.code : error));
  const denied = "42501";
  const [columns, values] = ["tenant_id, subject, version, at, kind, data", "'x', 1, now(), 'x', '{}'"];
  const insert = `insert into assent.audit_facts (event_id, ${columns}) values (1, '${uuidOf(tenant)}', ${values})`;
  expect(await asService(insert)).toBe(denied);
  expect(await asService("update assent.audit_balanced set event_id = 1000000000")).toBe(denied);
  expect(await asService("select setval('assent.audit_event_ids', 1)")).toBe(denied);
});

test("the alarm is given once for each gap, every minute anew where it has become another, and only by the keeper", async () => {
  const said: unknown[] = [];
  const sleeps: { readonly ms: number; readonly wake: () => void }[] = [];
  const clock: Clock = {
    now: () => new Date(0),
    sleep: async (ms, signal) => {
      await new Promise<void>((resolve) => {
        sleeps.push({ ms, wake: resolve });
        signal?.addEventListener("abort", () => resolve());
      });
    },
  };
  const tenant: TenantId = `ten_${"1".repeat(32)}`;
  const standing = { waiting: 0, holds: true };
  const alarm = startConservation({
    store: {
      balances: async () =>
        await Promise.resolve([
          { tenant, events: 5, placed: 5, entries: 5, size: 5, waiting: standing.waiting },
        ]),
    },
    clock,
    log: (level, message, fields) => said.push([level, message, fields]),
    holds: () => standing.holds,
  });
  let looks = 0;
  const minute = async (): Promise<void> => {
    sleeps[looks - 1]?.wake();
    looks += 1;
    await until("it has looked", () => sleeps.length === looks);
  };
  await minute();
  expect([sleeps[0]?.ms, said, alarm.gaps()]).toEqual([CHECK_INTERVAL_MS, [], []]);
  standing.waiting = 1;
  await minute();
  await minute();
  const told = ["error", "a tenant's log does not balance", { tenant_id: tenant, lost: -1, missing: 0 }];
  expect([said, alarm.gaps()]).toEqual([[told], [{ tenant, lost: -1, missing: 0 }]]);
  standing.waiting = 2;
  await minute();
  expect(said).toHaveLength(2);
  standing.holds = false;
  await minute();
  expect([said.length, alarm.gaps(), sleeps.at(-1)?.ms]).toEqual([2, [], IDLE_INTERVAL_MS]);
  await alarm.stop();
});
