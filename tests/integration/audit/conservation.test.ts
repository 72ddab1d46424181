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
  startConservation,
} from "../../../packages/harness/src/services/audit/conservation.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { addFacts, advanced, logPorts, newTenant, scratchFolder } from "../../support/tenant-log.ts";
import { until } from "../../support/until.ts";

let database: ThrowAwayDatabase;
let store: LogStore;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
  store = postgresLogStore(database.appPool());
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

type Table = "audit_inbox" | "audit_facts" | "audit_batches" | "audit_heads";

/** As its owner, with the table's triggers switched off meanwhile. */
async function tamper(table: Table, statement: string, tenant: TenantId): Promise<void> {
  await transaction(database.ownerPool(), async (client) => {
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
  expect(await balanceOf(tenant)).toMatchObject({ events: 60, entries: 60, size: 60, waiting: 0 });
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
        await Promise.resolve([{ tenant, events: 5, entries: 5, size: 5, waiting: standing.waiting }]),
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
  expect([said.length, alarm.gaps()]).toEqual([2, []]);
  await alarm.stop();
});
