// Retention: old entries go out of rows and files behind a signed record of it; the tree, the proofs and what is counted
// stay, whatever comes before, after or in between. What goes without a record is found.
// tests/nightly/audit-pruning.test.ts has every place where a process can die on the way.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TenantId, uuidOf } from "@assent/contract";
import { verifyProof } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reviewOn } from "../../../packages/harness/src/adapters/postgres/audit-review.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { queryOn } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { copyLog } from "../../../packages/harness/src/cli/verify/copy-log.ts";
import { verifyTrail } from "../../../packages/harness/src/cli/verify/trail.ts";
import type { Evidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import { sequence } from "../../../packages/harness/src/services/audit/sequencer.ts";
import { createAuditTrail } from "../../../packages/harness/src/services/audit/trail.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { openEngine, value } from "../../support/engine.ts";
import {
  DAYS,
  keysOf,
  leftIn,
  oldEvidence,
  review,
  reviewWith,
  verifyFolder,
} from "../../support/pruned-log.ts";
import {
  adminOf,
  addFacts,
  addManyFacts,
  advanced,
  keptEvidence,
  logPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";

let database: ThrowAwayDatabase;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const clientOf = (evidence: Evidence, tenant: TenantId) => {
  const trail = createAuditTrail(evidence);
  const aborted = { ok: false, error: { kind: "aborted" } } as const;
  return {
    getAuditCheckpoint: async (epoch: number) => {
      const found = await trail.checkpoint(adminOf(tenant), epoch);
      return found.ok ? found : aborted;
    },
    listAuditEntries: async (epoch: number, from: number, limit: number) => {
      const found = await trail.entries(adminOf(tenant), epoch, from, limit);
      return found.ok ? found : aborted;
    },
    log: async () => (await trail.logs(adminOf(tenant))).data.at(-1) ?? expect.unreachable(),
  };
};

test("what is old goes from rows, files and new copies; tree, proofs, runs and old copies stay whole", async () => {
  using folder = scratchFolder();
  await using engine = await openEngine();
  const { tenant } = engine;
  const ports = logPorts(engine.database, folder.path);
  const origin = originOf(tenant, 1);
  await engine.startWorker();
  const run = await engine.reaches(await engine.submit("Answer."), "succeeded");
  await addManyFacts(engine.database, tenant, 560);
  await advanced(ports, tenant);
  const evidence = oldEvidence(ports);
  const client = clientOf(evidence, tenant);
  const [before, mirror, after] = ["before", "mirror", "after"].map((name) => join(folder.path, name));
  await copyLog(client, await client.log(), before ?? "", "payloads");
  await copyLog(client, await client.log(), mirror ?? "", "bare");
  const kept = readFileSync(join(before ?? "", "checkpoint"), "utf8");
  const receipt = (await evidence.prove(tenant, run.id, 1)) ?? expect.unreachable();
  const size = (await evidence.logs(tenant)).states[0]?.size ?? 0;

  expect(await evidence.prune(adminOf(tenant))).toEqual({ ok: true, value: { isUnfinished: false } });
  expect((await evidence.logs(tenant)).states[0]).toMatchObject({ minimum: 512, size: size + 1 });
  expect(await leftIn(engine.database, tenant)).toEqual({
    leaves: size + 1 - 512,
    salts: size + 1 - 512,
    payloads: size + 1 - 512,
    hashes: size + 1,
  });
  const published = join(folder.path, "logs", origin);
  expect(["000", "001"].map((name) => existsSync(join(published, "tile/entries", name)))).toEqual([
    false,
    false,
  ]);
  expect(["000", "001"].map((name) => existsSync(join(published, "tile/0", name)))).toEqual([true, true]);
  expect(readFileSync(join(published, "minimum-index"), "utf8")).toBe("512\n");

  // Once more there is nothing to do, and nothing is recorded.
  expect(await evidence.prune(adminOf(tenant))).toMatchObject({ ok: true });
  expect((await evidence.logs(tenant)).states[0]).toMatchObject({ minimum: 512, size: size + 1 });

  const pruned = { findings: [], minimum: 512, size: size + 1, rememberedSize: size };
  expect(verifyFolder(ports, published, origin, kept)).toMatchObject({ ...pruned, pruned: 512 });
  await copyLog(client, await client.log(), after ?? "", "payloads");
  expect(verifyFolder(ports, after ?? "", origin, kept)).toMatchObject({
    ...pruned,
    pruned: 512,
    opened: size + 1 - 512,
  });
  await copyLog(client, await client.log(), before ?? "", "payloads");
  expect(verifyFolder(ports, before ?? "", origin, kept)).toMatchObject({
    ...pruned,
    pruned: 0,
    opened: size + 1,
  });
  await copyLog(client, await client.log(), mirror ?? "", "bare");
  expect(verifyFolder(ports, mirror ?? "", origin, kept)).toMatchObject({ ...pruned, pruned: 0 });
  expect(await review(engine.database, ports, tenant)).toEqual([]);

  // The receipt of before, and the tree for who kept the entry.
  expect(verifyProof(receipt.proof, receipt.leaf, origin, keysOf(ports, origin)).ok).toBe(true);
  expect(await evidence.prove(tenant, run.id, 1)).toBeNull();
  const { events } = value(await engine.harness.listEvents(engine.caller, run.id, 0));
  expect(verifyTrail(events, { id: run.id, version: run.version, status: run.status })).toEqual([]);
  expect(events[0]?.data).toEqual({ pruned: true });
});

test("a pruned log goes on: erasures, epochs, lost files and the next pruning", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "goes-on");
  const ports = logPorts(database, folder.path);
  const origin = originOf(tenant, 1);
  const evidence = oldEvidence(ports);
  await addManyFacts(database, tenant, 300);
  await advanced(ports, tenant);
  expect((await evidence.erase(adminOf(tenant), 1, 280, "Art. 17")).ok).toBe(true);
  expect((await evidence.erase(adminOf(tenant), 1, 7, "Art. 17")).ok).toBe(true);
  await evidence.prune(adminOf(tenant));
  expect((await evidence.erase(adminOf(tenant), 1, 8, "Art. 17")).ok).toBe(false);
  expect(await review(database, ports, tenant)).toEqual([]);
  // Files that are lost are made anew from rows, without what was pruned.
  using fresh = scratchFolder();
  const moved = { ...ports, files: logPorts(database, fresh.path).files };
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(moved, tenant);
  const anew = join(fresh.path, "logs", origin);
  expect(existsSync(join(anew, "tile/entries/000"))).toBe(false);
  expect(verifyFolder(ports, anew, origin, null)).toMatchObject({ findings: [], pruned: 256, minimum: 256 });
  await advanced(ports, tenant);

  await evidence.beginEpoch(adminOf(tenant), { reason: "Another machine signs.", anyway: true });
  await addManyFacts(database, tenant, 300);
  await advanced(ports, tenant);
  // An erasure of the first log stands in the second, and stays there while its entry does.
  expect((await evidence.erase(adminOf(tenant), 1, 290, "Art. 17")).ok).toBe(true);
  await addManyFacts(database, tenant, 300);
  await advanced(ports, tenant);
  await evidence.prune(adminOf(tenant));
  expect((await evidence.logs(tenant)).states.map(({ minimum }) => minimum)).toEqual([256, 256]);
  expect(await review(database, ports, tenant)).toEqual([]);
  const second = verifyFolder(
    ports,
    join(folder.path, "logs", originOf(tenant, 2)),
    originOf(tenant, 2),
    null,
  );
  expect(second).toMatchObject({ findings: [], pruned: 256, minimum: 256 });
  const first = await evidence.entries(tenant, 2, 0, 1);
  expect(first).toMatchObject({ entries: [], minimum: 256 });
  // Where the log before ended is kept in the database.
  const left = await leftIn(database, tenant);
  expect(left.hashes - left.leaves).toBe(256 + 255);
});

test("nothing is pruned without a retention, and nothing that is young", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "young");
  const ports = logPorts(database, folder.path);
  await addManyFacts(database, tenant, 300);
  await advanced(ports, tenant);
  expect(await keptEvidence(ports).prune(adminOf(tenant))).toMatchObject({
    ok: false,
    error: { code: "retention_not_set" },
  });
  const young = keptEvidence(ports, { retentionDays: DAYS });
  expect(await young.prune(adminOf(tenant))).toMatchObject({ ok: true });
  expect((await young.logs(tenant)).states[0]).toMatchObject({ minimum: 0, size: 300 });
  // Whoever asks is told what the configuration says.
  await using engine = await openEngine();
  for (const [evidence, seconds] of [
    [young, DAYS * 86_400],
    [keptEvidence(ports), null],
  ] as const)
    expect(engine.again({ evidence }).getRetention().data[0]?.seconds).toBe(seconds);
});

test("rows go by a signed record alone, whoever asks", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "guarded");
  const ports = logPorts(database, folder.path);
  await addManyFacts(database, tenant, 600);
  await advanced(ports, tenant);
  const owner = database.ownerPool();
  const NULLED = `update assent.audit_batches b set leaves[1] = null, salts[1] = null
    where b.tenant_id = $1 and b.first = $2`;
  const tryNull = async (first: number): Promise<unknown> =>
    await owner.query(NULLED, [uuidOf(tenant), first]);
  await expect(tryNull(0)).rejects.toThrow("never changed");
  // A record that is not signed yet is none, and one of a place within a bundle neither.
  for (const minimum of [256, 300]) {
    await ports.store.transaction(tenant, async (tx) => {
      const fact = { subject: `pruned:1:${minimum}`, kind: "log.pruned", actor: null, payload: "{}" };
      await tx.addFact({ ...fact, at: new Date() });
    });
    expect(await ports.store.transaction(tenant, async (tx) => await tx.pruneNext(1, 0))).toBeNull();
  }
  await sequence(ports, tenant);
  expect(await ports.store.transaction(tenant, async (tx) => await tx.pruneNext(1, 0))).toBeNull();
  await advanced(ports, tenant);
  await expect(tryNull(256)).rejects.toThrow("never changed");
  const asService = transaction(
    database.appPool(),
    async (client) => await client.query(NULLED, [uuidOf(tenant), 0]),
    { tenant: uuidOf(tenant) },
  );
  await expect(asService).rejects.toThrow(/permission denied/);
  expect(await ports.store.transaction(tenant, async (tx) => await tx.pruneNext(1, 0))).toBe(256);
  expect(await ports.store.transaction(tenant, async (tx) => await tx.pruneNext(1, 0))).toBeNull();
  await expect(
    owner.query("update assent.audit_batches set leaves[1] = $2 where tenant_id = $1 and first = 0", [
      uuidOf(tenant),
      Buffer.from("{}"),
    ]),
  ).rejects.toThrow("never changed");
  // What it says that cannot be is told, and counts for nothing.
  expect(await review(database, ports, tenant)).toEqual(["pruning_malformed at entry 601"]);
});

const ATTACKS: readonly (readonly [what: string, sql: string, finding: string])[] = [
  [
    "an entry past the minimum",
    "update assent.audit_batches set leaves[9] = null, salts[9] = null where tenant_id = $1 and first = 256",
    "entries_missing at entries 264 to 264",
  ],
  [
    "the record",
    "delete from assent.audit_facts where tenant_id = $1 and kind = 'log.pruned'",
    "event_missing at entry 300",
  ],
  [
    "a hash of what was pruned",
    "update assent.audit_batches set hashes[3] = hashes[4] where tenant_id = $1 and first = 0",
    "history_rewritten at entries 0 to 299",
  ],
  [
    "the payload put back",
    `update assent.audit_facts set data = '{"n":1}' where tenant_id = $1 and event_id = (
       select event_ids[5] from assent.audit_batches where tenant_id = $1 and first = 0)`,
    "payload_not_erased at entry 4",
  ],
];

const UNDONE = new Error("undone");

test("whoever owns the database and changes what is left of a pruned log is found", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "attacked");
  const ports = logPorts(database, folder.path);
  await addManyFacts(database, tenant, 300);
  await advanced(ports, tenant);
  await oldEvidence(ports).prune(adminOf(tenant));
  expect(await review(database, ports, tenant)).toEqual([]);
  for (const [what, sql, finding] of ATTACKS) {
    let found: string[] = [];
    const attacked = transaction(database.ownerPool(), async (client) => {
      for (const table of ["audit_batches", "audit_facts"])
        await client.query(`alter table assent.${table} disable trigger user`);
      await client.query(sql, [uuidOf(tenant)]);
      found = await reviewWith(reviewOn(queryOn(client)), ports, tenant);
      throw UNDONE;
    });
    await expect(attacked).rejects.toBe(UNDONE);
    expect([what, found]).toEqual([what, expect.arrayContaining([finding])]);
  }
});
