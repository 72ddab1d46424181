// Invariant 11, history is evidence: every committed fact gets its place, once, and what was signed is never taken back.

import { uuidOf, type TenantId } from "@assent/contract";
import { openCheckpoint, parseVerifierKey, treeHash, type VerifierKey } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresLogStore } from "../../../packages/harness/src/adapters/postgres/audit-log.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { decodeLeaf, commitment } from "../../../packages/harness/src/core/audit/leaf.ts";
import type { LogStore } from "../../../packages/harness/src/ports.ts";
import { advance } from "../../../packages/harness/src/services/audit/keeper.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { sequence } from "../../../packages/harness/src/services/audit/sequencer.ts";
import { dyingAt } from "../../support/dying-operations.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { letEntriesBeEdited } from "../../support/edited-entries.ts";
import { anySealing } from "../../support/sealing.ts";
import {
  addFacts,
  addManyFacts,
  advanced,
  logPorts,
  type LogPorts,
  newTenant,
  originOf,
  scratchFolder,
  keptEvidence,
} from "../../support/tenant-log.ts";

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

function keysOf(ports: LogPorts, tenant: TenantId, epoch = 1): VerifierKey[] {
  return ports.signer.vkeys(originOf(tenant, epoch)).map((vkey) => {
    const key = parseVerifierKey(vkey);
    return key.ok ? key.value : expect.unreachable();
  });
}

async function checkpointOf(
  ports: LogPorts,
  tenant: TenantId,
  epoch = 1,
): Promise<{ size: number; root: string }> {
  const stored = await store.transaction(tenant, async (tx) => await tx.checkpoint(epoch, 0));
  const opened = openCheckpoint(stored?.note ?? "", originOf(tenant, epoch), keysOf(ports, tenant, epoch));
  if (!opened.ok) throw new Error(opened.error);
  return { size: opened.value.size, root: Buffer.from(opened.value.root).toString("hex") };
}

const count = async (tenant: TenantId): Promise<{ events: number; leaves: number; waiting: number }> =>
  await store.transaction(tenant, async (tx) => await tx.count());

const rootOf = async (tenant: TenantId, size: number): Promise<string> =>
  Buffer.from(
    treeHash(await store.transaction(tenant, async (tx) => await tx.hashes(1, 0, 0, size))),
  ).toString("hex");

test("many writers, some that roll back, two sequencers: every committed fact has one place, none is lost", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "writers");
  const ports = logPorts(database, folder.path);
  await addFacts(store, tenant, "begin", 1);
  await advanced(ports, tenant);
  const writers = Array.from({ length: 6 }, async (_, writer) => {
    await addFacts(store, tenant, `writer:${writer}`, 12);
    const lost = store.transaction(tenant, async (tx) => {
      await tx.addFact({ subject: `lost:${writer}`, at: new Date(), kind: "x", actor: null, payload: "{}" });
      throw new Error("rolled back");
    });
    await expect(lost).rejects.toThrow("rolled back");
  });
  const writing = { on: true };
  const sequencers = [0, 1].map(async () => {
    while (writing.on) await sequence(ports, tenant, { batchFactsMax: 7 });
  });
  await Promise.all(writers);
  writing.on = false;
  await Promise.all(sequencers);
  await advanced(ports, tenant);
  expect(await count(tenant)).toEqual({ events: 73, leaves: 73, waiting: 0 });
  const checkpoint = await checkpointOf(ports, tenant);
  expect(checkpoint).toEqual({ size: 73, root: await rootOf(tenant, 73) });
  const leaves = await store.transaction(tenant, async (tx) => await tx.opened(1, 0, 100));
  expect(leaves.map(({ index }) => index)).toEqual(Array.from({ length: 73 }, (_, i) => i));
  // What one writer did one after the other stands in that order.
  const versions = new Map<string, number>();
  for (const { leaf, salt, payload } of leaves) {
    const decoded = decodeLeaf(leaf) ?? expect.unreachable();
    expect(decoded).toMatchObject({ log: originOf(tenant, 1), tenant });
    expect(commitment(salt ?? expect.unreachable(), payload ?? "").toString("hex")).toBe(decoded.commit);
    expect(decoded.version).toBe((versions.get(decoded.subject) ?? 0) + 1);
    versions.set(decoded.subject, decoded.version);
  }
});

test("a log of several tiles has the same root however it was batched", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "tiles");
  const ports = logPorts(database, folder.path);
  for (const size of [255, 1, 1, 300]) {
    await addManyFacts(database, tenant, size);
    await advanced(ports, tenant);
  }
  expect(await checkpointOf(ports, tenant)).toEqual({ size: 557, root: await rootOf(tenant, 557) });
  const nodes = await store.transaction(tenant, async (tx) => await tx.hashes(1, 1, 0, 10));
  expect(nodes).toHaveLength(2);
});

test("a process that dies at any file operation leaves a log that goes on, and never two truths", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "dying");
  const ports = logPorts(database, folder.path);
  await addFacts(store, tenant, "begin", 1);
  await advanced(ports, tenant);
  const whole = dyingAt(Number.POSITIVE_INFINITY);
  await addFacts(store, tenant, "counted", 1);
  await advanced(logPorts(database, folder.path, { operations: whole.operations }), tenant);
  expect(whole.calls()).toBeGreaterThan(20);
  const signed: { size: number; root: string }[] = [];
  // Every place at night (tests/nightly/audit-crashes.test.ts).
  for (let k = 1; k <= whole.calls(); k += 4) {
    await addFacts(store, tenant, "crash", 1);
    const { operations } = dyingAt(k);
    await expect(advance(logPorts(database, folder.path, { operations }), tenant)).rejects.toThrow(
      "died here",
    );
    // What comes after the crash may find nothing new to sign: then it signs the same again.
    await advanced(logPorts(database, folder.path), tenant);
    const checkpoint = await checkpointOf(ports, tenant);
    expect(checkpoint.root).toBe(await rootOf(tenant, checkpoint.size));
    signed.push(checkpoint);
  }
  expect(signed.map(({ size }) => size)).toEqual(signed.map((_, i) => i + 3));
  for (const { size, root } of signed) expect(await rootOf(tenant, size)).toBe(root);
  expect((await count(tenant)).waiting).toBe(0);
});

// The database's owner, who can switch off every rule of it.
async function asOwner(sql: string, values: readonly unknown[]): Promise<void> {
  await transaction(database.ownerPool(), async (client) => {
    for (const table of ["batches", "checkpoints"])
      await client.query(`alter table assent.audit_${table} disable trigger user`);
    await client.query(sql, [...values]);
    for (const table of ["batches", "checkpoints"])
      await client.query(`alter table assent.audit_${table} enable trigger user`);
  });
}

const HEAD = "update assent.audit_heads set size = $2, root = $3 where tenant_id = $1";

test.each<[string, string, (tenant: TenantId) => Promise<void>]>([
  [
    "a leaf that was rewritten, with its hash and the root",
    "history_rewritten",
    async (tenant) => {
      await asOwner(
        String.raw`update assent.audit_leaves set leaf = 'another', leaf_hash = sha256('\x00'::bytea || 'another'::bytea)
          where tenant_id = $1 and idx = 3`,
        [uuidOf(tenant)],
      );
      const hashes = await store.transaction(tenant, async (tx) => await tx.hashes(1, 0, 0, 10));
      await asOwner(HEAD, [uuidOf(tenant), 10, Buffer.from(treeHash(hashes))]);
      await asOwner("delete from assent.audit_checkpoints where tenant_id = $1", [uuidOf(tenant)]);
    },
  ],
  [
    "an old backup",
    "history_cut",
    async (tenant) => {
      await asOwner("delete from assent.audit_leaves where tenant_id = $1 and idx >= 5", [uuidOf(tenant)]);
      const hashes = await store.transaction(tenant, async (tx) => await tx.hashes(1, 0, 0, 5));
      await asOwner(HEAD, [uuidOf(tenant), 5, Buffer.from(treeHash(hashes))]);
      await asOwner("delete from assent.audit_checkpoints where tenant_id = $1", [uuidOf(tenant)]);
    },
  ],
  [
    "an old backup that has gone on past the size that was signed",
    "history_rewritten",
    async (tenant) => {
      await asOwner("delete from assent.audit_leaves where tenant_id = $1 and idx >= 5", [uuidOf(tenant)]);
      const hashes = await store.transaction(tenant, async (tx) => await tx.hashes(1, 0, 0, 5));
      await asOwner(HEAD, [uuidOf(tenant), 5, Buffer.from(treeHash(hashes))]);
      await addManyFacts(database, tenant, 20);
      // As a keeper of the version before did, which gave them places that were taken.
      await sequence({ store, random: systemRandom }, tenant);
    },
  ],
  [
    "an entry whose bytes are not those of its hash",
    "leaf_altered",
    async (tenant) => {
      await asOwner("update assent.audit_leaves set leaf = leaf || ' ' where tenant_id = $1 and idx = 7", [
        uuidOf(tenant),
      ]);
      await addManyFacts(database, tenant, 1);
    },
  ],
])("the signer refuses %s", async (name, code, tamper) => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, `tamper-${name.length}`);
  const ports = logPorts(database, folder.path);
  await addFacts(store, tenant, "s", 10);
  await advanced(ports, tenant);
  await tamper(tenant);
  expect((await advance(logPorts(database, folder.path), tenant))?.code).toBe(code);
});

test("a home that has not the key of a log does not sign it", async () => {
  using folder = scratchFolder();
  using other = scratchFolder();
  const tenant = await newTenant(database, "keys");
  await addFacts(store, tenant, "s", 1);
  await advanced(logPorts(database, folder.path), tenant);
  expect((await advance(logPorts(database, other.path), tenant))?.code).toBe("key_differs");
});

test("a home that has not the key of a log says whose it is, and not its own", async () => {
  using folder = scratchFolder();
  using other = scratchFolder();
  const tenant = await newTenant(database, "keys-told");
  await addFacts(store, tenant, "s", 1);
  const ports = logPorts(database, folder.path);
  await advanced(ports, tenant);
  const told = async (at: typeof ports): Promise<unknown> =>
    (await keptEvidence(at).logs(tenant)).states.map(({ vkey, keys }) => [vkey, keys]);
  const own = ports.signer.newest(ports.originOf(tenant, 1));
  expect(await told(ports)).toEqual([[own, [own]]]);
  expect(await told(logPorts(database, other.path))).toEqual([[own, [own]]]);
});

test("the service can append to the evidence, and do nothing else with it", async () => {
  const outcomes = new Set<string>();
  const tables = [
    "facts",
    "inbox",
    "logs",
    "heads",
    "batches",
    "nodes",
    "checkpoints",
    "cosignatures",
    "events",
  ];
  for (const table of tables)
    for (const sql of [
      `update assent.audit_${table} set tenant_id = tenant_id`,
      `delete from assent.audit_${table}`,
      `truncate assent.audit_${table} cascade`,
    ])
      await database
        .appPool()
        .query(sql)
        .then(() => outcomes.add(sql))
        .catch((error: unknown) => {
          outcomes.add(error instanceof Error && "code" in error ? String(error.code) : String(error));
        });
  expect([...outcomes]).toEqual(["42501"]);
  for (const table of ["inbox", "logs", "heads", "batches", "nodes"])
    await expect(
      database.appPool().query(`insert into assent.audit_${table} default values`),
    ).rejects.toThrow("permission denied");
});

test("the owner of the evidence is refused as well, unless he takes the rules away", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "owned");
  await addFacts(store, tenant, "s", 1);
  await advanced(logPorts(database, folder.path), tenant);
  for (const table of ["facts", "batches", "logs", "checkpoints", "events"])
    await expect(database.ownerPool().query(`truncate assent.audit_${table} cascade`)).rejects.toThrow(
      "never changed",
    );
  for (const edit of ["salts[1] = null", "leaves[1] = 'another'", "first = first + 1"])
    await expect(database.ownerPool().query(`update assent.audit_batches set ${edit}`)).rejects.toThrow(
      "never changed",
    );
  await expect(
    database.ownerPool().query(`update assent.audit_facts set data = '{"erased":true}'`),
  ).rejects.toThrow("never changed");
});

test("nobody appends to another tenant's log, or an event that does not wait", async () => {
  using folder = scratchFolder();
  const [mine, yours] = [await newTenant(database, "mine"), await newTenant(database, "yours")];
  await addFacts(store, yours, "s", 1);
  await advanced(logPorts(database, folder.path), yours);
  const [leaf] = await store.transaction(yours, async (tx) => await tx.opened(1, 0, 1));
  const { rows } = await database
    .ownerPool()
    .query<{ event_id: string }>("select event_id from assent.audit_leaves where tenant_id = $1", [
      uuidOf(yours),
    ]);
  const append = async (as: TenantId): Promise<unknown> =>
    await transaction(database.appPool(), async (client) => {
      await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(as)]);
      const hash = Buffer.alloc(32);
      await client.query("select assent.audit_append($1, 1, 1, $2, $3, $4, $5, $5, $5)", [
        uuidOf(yours),
        [rows[0]?.event_id],
        leaf?.leaf,
        [leaf?.leaf.length],
        hash,
      ]);
    }).catch((error: unknown) => (error instanceof Error ? error.message : error));
  expect(await append(mine)).toContain("another tenant's log");
  expect(await append(yours)).toContain("one leaf for each event");
});

test("business transactions of one tenant do not wait for each other, nor for the sequencer", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "waits");
  await addFacts(store, tenant, "s", 1);
  const ports = logPorts(database, folder.path);
  await advanced(ports, tenant);
  const fact = (
    subject: string,
  ): Parameters<Parameters<Parameters<LogStore["transaction"]>[1]>[0]["addFact"]>[0] => ({
    subject,
    at: new Date(),
    kind: "x",
    actor: null,
    payload: "{}",
  });
  await store.transaction(tenant, async (open) => {
    await open.addFact(fact("first"));
    // While that one is open: others commit, and are sequenced and signed.
    await store.transaction(tenant, async (tx) => await tx.addFact(fact("second")));
    await advanced(ports, tenant);
    expect((await checkpointOf(ports, tenant)).size).toBe(2);
    await store.transaction(tenant, async (sequencer) => {
      await sequencer.lock();
      await store.transaction(tenant, async (tx) => await tx.addFact(fact("third")));
    });
  });
  await advanced(ports, tenant);
  expect((await checkpointOf(ports, tenant)).size).toBe(4);
});
