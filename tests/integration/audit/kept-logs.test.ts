// Invariant 11 where the process that keeps a log remembers its growing end: what it remembers is used for the tree that
// it was written with, and for no other.

import { uuidOf, type TenantId } from "@assent/contract";
import { parseVerifierKey, treeHash } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresLogStore } from "../../../packages/harness/src/adapters/postgres/audit-log.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { openLogFolder } from "../../../packages/harness/src/cli/verify/log-folder.ts";
import { verifyLog } from "../../../packages/harness/src/core/audit/verify-log.ts";
import type { LogStore, LogTx } from "../../../packages/harness/src/ports.ts";
import { advance, type KeptLogs } from "../../../packages/harness/src/services/audit/keeper.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { letEntriesBeEdited } from "../../support/edited-entries.ts";
import {
  addFacts,
  addManyFacts,
  advanced,
  logPorts,
  type LogPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";
import { anySealing } from "../../support/sealing.ts";

let database: ThrowAwayDatabase;
let store: LogStore;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
  store = postgresLogStore(database.appPool(), anySealing(database.appPool()));
  await letEntriesBeEdited(database.ownerPool());
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** A log's store that tells how often entries and hashes were read from rows. */
function counting(): { readonly store: LogStore; readonly reads: () => number } {
  let reads = 0;
  const counted = (tx: LogTx): LogTx => ({
    ...tx,
    hashes: async (...asked) => {
      reads += 1;
      return await tx.hashes(...asked);
    },
    hashRanges: async (...asked) => {
      reads += 1;
      return await tx.hashRanges(...asked);
    },
    leaves: async (...asked) => {
      reads += 1;
      return await tx.leaves(...asked);
    },
  });
  return {
    store: {
      ...store,
      transaction: async (tenant, work) =>
        await store.transaction(tenant, async (tx) => await work(counted(tx))),
    },
    reads: () => reads,
  };
}

/** @returns entries of the published log, which is held against its rows */
async function verified(ports: LogPorts, folder: string, tenant: TenantId, epoch = 1): Promise<number> {
  const origin = originOf(tenant, epoch);
  const keys = ports.signer.vkeys(origin).map((text) => {
    const key = parseVerifierKey(text);
    return key.ok ? key.value : expect.unreachable();
  });
  const report = verifyLog({
    source: openLogFolder(`${folder}/logs/${origin}`),
    origin,
    keys,
    remembered: null,
    policy: null,
    now: new Date(),
    cosignedSince: null,
  });
  expect(report.findings).toEqual([]);
  const head = await store.transaction(tenant, async (tx) => await tx.head(epoch));
  const hashes = await store.transaction(tenant, async (tx) => await tx.hashes(epoch, 0, 0, head?.size ?? 0));
  expect(Buffer.from(treeHash(hashes)).equals(head?.root ?? Buffer.alloc(0))).toBe(true);
  const checkpoint = await store.transaction(tenant, async (tx) => await tx.checkpoint(epoch, 0));
  expect(checkpoint?.size).toBe(head?.size);
  return head?.size ?? 0;
}

test("a log that grows past tiles is what its rows are, and they are not read for it", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "kept");
  const { store: counted, reads } = counting();
  const ports = logPorts(database, folder.path, { store: counted });
  const kept: KeptLogs = new Map();
  let size = 0;
  // Tiles are left partly full, filled to the last place, and passed over whole.
  for (const more of [1, 254, 1, 1, 255, 300, 700, 2]) {
    await addManyFacts(database, tenant, more);
    size += more;
    expect(await advance(ports, tenant, kept)).toBeNull();
    expect(await verified(ports, folder.path, tenant)).toBe(size);
  }
  // The edge of an empty log has no row to be read.
  expect(reads()).toBe(0);
});

test("what another process appended is read from the rows, and what follows is remembered again", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "kept-by-two");
  const { store: counted, reads } = counting();
  const ports = logPorts(database, folder.path, { store: counted });
  const kept: KeptLogs = new Map();
  await addManyFacts(database, tenant, 300);
  expect(await advance(ports, tenant, kept)).toBeNull();
  await addManyFacts(database, tenant, 5);
  await advanced(logPorts(database, folder.path), tenant);
  const before = reads();
  await addManyFacts(database, tenant, 5);
  expect(await advance(ports, tenant, kept)).toBeNull();
  expect(reads()).toBeGreaterThan(before);
  expect(await verified(ports, folder.path, tenant)).toBe(310);
  await addManyFacts(database, tenant, 250);
  expect(await advance(ports, tenant, kept)).toBeNull();
  const again = reads();
  await addManyFacts(database, tenant, 250);
  expect(await advance(ports, tenant, kept)).toBeNull();
  expect(reads()).toBe(again);
  expect(await verified(ports, folder.path, tenant)).toBe(810);
});

test("a batch that was rolled back is remembered by nobody", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "kept-rolled-back");
  const kept: KeptLogs = new Map();
  const ports = logPorts(database, folder.path);
  await addManyFacts(database, tenant, 3);
  expect(await advance(ports, tenant, kept)).toBeNull();
  const failing: LogStore = {
    ...store,
    transaction: async (of, work) =>
      await store.transaction(
        of,
        async (tx) =>
          await work({
            ...tx,
            append: async (...batch) => {
              await tx.append(...batch);
              throw new Error("after the append");
            },
          }),
      ),
  };
  await addManyFacts(database, tenant, 4);
  const remembered = new Map(kept);
  await expect(
    advance(logPorts(database, folder.path, { store: failing }), tenant, remembered),
  ).rejects.toThrow("after the append");
  // Both whoever forgot all of it, and whoever would not.
  expect(remembered.has(tenant)).toBe(false);
  await addManyFacts(database, tenant, 2);
  expect(await advance(ports, tenant, kept)).toBeNull();
  expect(await verified(ports, folder.path, tenant)).toBe(9);
});

test("a new epoch that began elsewhere is gone on with", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "kept-epochs");
  const kept: KeptLogs = new Map();
  const ports = logPorts(database, folder.path);
  await addFacts(store, tenant, "s", 3);
  expect(await advance(ports, tenant, kept)).toBeNull();
  await store.transaction(tenant, async (tx) => {
    const [vkey = ""] = ports.signer.vkeys(originOf(tenant, 2));
    await tx.begin({ epoch: 2, origin: originOf(tenant, 2), vkey });
    const fact = { subject: "epoch:2", at: new Date(), kind: "log.epoch_begun", actor: null, payload: "{}" };
    await tx.addFact(fact);
  });
  await addFacts(store, tenant, "s", 2);
  expect(await advance(ports, tenant, kept)).toBeNull();
  expect(await verified(ports, folder.path, tenant, 2)).toBe(3);
  expect(await verified(ports, folder.path, tenant, 1)).toBe(3);
});

const asOwner = async (sql: string, values: readonly unknown[]): Promise<void> => {
  await transaction(database.ownerPool(), async (client) => {
    await client.query("alter table assent.audit_batches disable trigger user");
    await client.query(sql, [...values]);
    await client.query("alter table assent.audit_batches enable trigger user");
  });
};

const HEAD = "update assent.audit_heads set size = $2, root = $3 where tenant_id = $1";

test.each<[string, string, number]>([
  [
    "an entry rewritten, with the root above it",
    String.raw`update assent.audit_leaves set leaf = 'another', leaf_hash = sha256('\x00'::bytea || 'another'::bytea)
       where tenant_id = $1 and idx = 3`,
    10,
  ],
  ["the tail cut off", "delete from assent.audit_leaves where tenant_id = $1 and idx >= 5", 5],
])("a signer whose keeper remembers refuses %s", async (name, tampering, size) => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, `kept-tampered-${name.length}`);
  const ports = logPorts(database, folder.path);
  const kept: KeptLogs = new Map();
  await addManyFacts(database, tenant, 10);
  expect(await advance(ports, tenant, kept)).toBeNull();
  expect(kept.has(tenant)).toBe(true);
  await asOwner(tampering, [uuidOf(tenant)]);
  const hashes = await store.transaction(tenant, async (tx) => await tx.hashes(1, 0, 0, size));
  await asOwner(HEAD, [uuidOf(tenant), size, Buffer.from(treeHash(hashes))]);
  await addManyFacts(database, tenant, 1);
  expect((await advance(ports, tenant, kept))?.code).toMatch(/^history_(?:rewritten|cut)$/u);
});
