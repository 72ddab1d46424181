// A log on the real database, copied out as `assent audit export` and `mirror` do it, and verified there.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type TenantId, uuidOf } from "@assent/contract";
import { parsePolicy, parseVerifierKey, SIGNATURE_TYPES, signerKey } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createWitness } from "../../../packages/harness/src/cli/commands/witness.ts";
import { cosignCopy, type CosignContext } from "../../../packages/harness/src/cli/commands/cosign.ts";
import { openLogKeys } from "../../../packages/harness/src/adapters/files/log-keys.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { publishedCheckpoint } from "../../../packages/harness/src/services/audit/ahead.ts";
import { copyLog } from "../../../packages/harness/src/cli/verify/copy-log.ts";
import { openLogFolder } from "../../../packages/harness/src/cli/verify/log-folder.ts";
import { verifyLog, type VerifyReport } from "../../../packages/harness/src/core/audit/verify-log.ts";
import { createEvidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import { createAuditTrail } from "../../../packages/harness/src/services/audit/trail.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { letEntriesBeEdited } from "../../support/edited-entries.ts";
import {
  adminOf,
  addFacts,
  addManyFacts,
  advanced,
  logPorts,
  type LogPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";

let database: ThrowAwayDatabase;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
  await letEntriesBeEdited(database.ownerPool());
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

type Client = Parameters<typeof copyLog>[0];
type Log = Parameters<typeof copyLog>[1];

function openLog(ports: LogPorts, tenant: TenantId) {
  const evidence = createEvidence({
    ...ports,
    wake: async () => await advanced(ports, tenant),
    holds: () => false,
    onCheckpoint: () => () => undefined,
    stoppedBy: () => null,
    rotate: () => undefined,
    onOperated: async () => await Promise.resolve(),
    witnessed: null,
    installation: null,
    operators: null,
    retentionDays: null,
    gaps: () => 0,
    stopped: () => 0,
  });
  const trail = createAuditTrail(evidence);
  const caller = adminOf(tenant);
  const failed = { kind: "aborted" } as const;
  const client: Client = {
    getAuditCheckpoint: async (epoch) => {
      const found = await trail.checkpoint(caller, epoch);
      return found.ok ? found : { ok: false, error: failed };
    },
    listAuditEntries: async (epoch, from, limit) => {
      const found = await trail.entries(caller, epoch, from, limit);
      return found.ok ? found : { ok: false, error: failed };
    },
  };
  const log = async (): Promise<Log> => (await trail.logs(caller)).data.at(-1) ?? expect.unreachable();
  return { evidence, trail, caller, client, log };
}

function verify(
  ports: LogPorts,
  tenant: TenantId,
  folder: string,
  more: { remembered?: string; epoch?: number } = {},
): VerifyReport {
  const origin = originOf(tenant, more.epoch ?? 1);
  return verifyLog({
    source: openLogFolder(folder),
    origin,
    keys: ports.signer.vkeys(origin).map((text) => {
      const key = parseVerifierKey(text);
      return key.ok ? key.value : expect.unreachable();
    }),
    remembered: more.remembered ?? null,
    policy: null,
    now: new Date(),
    cosignedSince: null,
  });
}

const codes = (report: VerifyReport): string[] => report.findings.map(({ code, at }) => `${code} at ${at}`);

test("an export verifies; after an erasure it verifies as well, and what was copied before is continued", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "exports");
  const ports = logPorts(database, folder.path);
  await addManyFacts(database, tenant, 300);
  await advanced(ports, tenant);
  const { client, log, trail, caller } = openLog(ports, tenant);
  const [whole, mirror] = [join(folder.path, "whole"), join(folder.path, "mirror")];
  expect(await copyLog(client, await log(), whole, "payloads")).toEqual({ ok: true, value: { size: 300 } });
  expect(await copyLog(client, await log(), mirror, "bare")).toEqual({ ok: true, value: { size: 300 } });
  const kept = readFileSync(join(whole, "checkpoint"), "utf8");
  expect(verify(ports, tenant, whole)).toMatchObject({ verified: true, opened: 300 });
  await database
    .ownerPool()
    .query(
      "insert into assent.principals (tenant_id, id, kind, name, created_at) values ($1, $2, 'human', 'auditor', now())",
      [uuidOf(tenant), uuidOf(caller.actor.id)],
    );
  // That there is a new principal is entry 300, and the erasure's record 301.
  const erased = await trail.erase(caller, { epoch: 1, index: 17, reason: "The person asked for it." });
  expect(erased.ok).toBe(true);
  const again = await trail.erase(caller, { epoch: 1, index: 17, reason: "Once more." });
  expect(again.ok).toBe(false);
  const record = await trail.erase(caller, { epoch: 1, index: 301, reason: "To hide the erasure." });
  expect(record.ok).toBe(false);
  await addFacts(ports.store, tenant, "later", 2);
  await advanced(ports, tenant);
  await copyLog(client, await log(), whole, "payloads");
  await copyLog(client, await log(), mirror, "bare");
  expect(verify(ports, tenant, whole, { remembered: kept })).toMatchObject({
    verified: true,
    size: 304,
    opened: 303,
    erased: 1,
  });
  expect(verify(ports, tenant, mirror, { remembered: kept })).toMatchObject({
    verified: true,
    unopened: 304,
  });
  // The published files are the same log.
  expect(verify(ports, tenant, join(folder.path, "logs", originOf(tenant, 1)))).toMatchObject({
    verified: true,
  });
});

test("a database that was restored is refused by the signer, and a new epoch goes on; the copy shows what was lost", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "epochs");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 6);
  await advanced(ports, tenant);
  const { client, log, evidence, caller } = openLog(ports, tenant);
  const copy = join(folder.path, "copy");
  await copyLog(client, await log(), copy, "bare");
  // An old backup: the last entries and checkpoints are gone.
  const owner = await database.ownerPool().connect();
  for (const sql of [
    "alter table assent.audit_batches disable trigger user",
    "alter table assent.audit_checkpoints disable trigger user",
    `delete from assent.audit_leaves where tenant_id = '${uuidOf(tenant)}' and idx >= 4`,
    `delete from assent.audit_checkpoints where tenant_id = '${uuidOf(tenant)}'`,
    `update assent.audit_heads set size = 4 where tenant_id = '${uuidOf(tenant)}'`,
    "alter table assent.audit_batches enable trigger user",
    "alter table assent.audit_checkpoints enable trigger user",
  ])
    await owner.query(sql);
  owner.release();
  await expect(advanced(ports, tenant)).rejects.toThrow("history_cut");
  const shorter = await copyLog(client, await log(), copy, "bare");
  expect(shorter.ok).toBe(false);
  expect(verify(ports, tenant, copy)).toMatchObject({ verified: true, size: 6 });
  await evidence.beginEpoch(caller, { reason: "A backup was restored.", anyway: true });
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  const second = join(folder.path, "second");
  await copyLog(client, await log(), second, "payloads");
  const report = verify(ports, tenant, second, { epoch: 2 });
  expect(codes(report)).toEqual([]);
  expect(report).toMatchObject({ verified: true, size: 2 });
  const first = await evidence.entries(tenant, 2, 0, 1);
  expect(first?.entries[0]?.payload).toContain('"signer_remembers":6');
});

test("a log that was followed by another is copied and verified after the keys were rotated, by those that signed it", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "rotated-later");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 3);
  await advanced(ports, tenant);
  const { client, trail, caller, evidence } = openLog(ports, tenant);
  const keysOf = async (): Promise<(readonly string[])[]> =>
    (await trail.logs(caller)).data.map(({ keys }) => keys);
  const first = ports.signer.vkeys(originOf(tenant, 1));
  await evidence.beginEpoch(caller, { reason: "Another machine signs from now on.", anyway: true });
  await advanced(ports, tenant);
  const rotated = openLogKeys(join(folder.path, "signer"), systemRandom);
  rotated.add();
  expect(await keysOf()).toEqual([first, ports.signer.vkeys(originOf(tenant, 2))]);
  rotated.retire();
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  expect(await keysOf()).toEqual([first, ports.signer.vkeys(originOf(tenant, 2))]);
  const [log] = (await trail.logs(caller)).data;
  const copy = join(folder.path, "copy");
  expect(await copyLog(client, log ?? expect.unreachable(), copy, "payloads")).toMatchObject({ ok: true });
  const report = verifyLog({
    source: openLogFolder(copy),
    origin: originOf(tenant, 1),
    keys: first.flatMap((text) => {
      const key = parseVerifierKey(text);
      return key.ok ? [key.value] : [];
    }),
    remembered: null,
    policy: null,
    now: new Date(),
    cosignedSince: null,
  });
  expect(report).toMatchObject({ verified: true, size: 3 });
  // What was published under the old key is known still: no second epoch would begin before it.
  expect(await publishedCheckpoint(ports, originOf(tenant, 1))).toMatchObject({ size: 3 });
});

test("a witness cosigns a copy, and never a fork of it", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "witnessed");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 3);
  await advanced(ports, tenant);
  const { client, log } = openLog(ports, tenant);
  const copy = join(folder.path, "copy");
  await copyLog(client, await log(), copy, "bare");
  const origin = originOf(tenant, 1);
  const keys = ports.signer.vkeys(origin).flatMap((text) => {
    const key = parseVerifierKey(text);
    return key.ok ? [key.value] : [];
  });
  const state = join(folder.path, "witness");
  mkdirSync(state);
  const key = signerKey("witness.example/w", SIGNATURE_TYPES.cosignature, new Uint8Array(32).fill(5));
  const witness = createWitness(state, key, [{ origin, keys }], () => new Date());
  const server = createServer((request, reply) => void witness(request, reply));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const policyText = `log ${keys[0]?.vkey}\nwitness w ${key.vkey} ${url}\nquorum w\n`;
  writeFileSync(join(folder.path, "policy"), policyText);
  const context: CosignContext = { deps: { cwd: folder.path, fetch }, show: () => undefined };
  const ask = async (what: string): Promise<unknown> => await cosignCopy(context, what, { policy: "policy" });
  expect(await ask("copy")).toEqual({ ok: true, value: "ok" });
  await addFacts(ports.store, tenant, "s", 4);
  await advanced(ports, tenant);
  await copyLog(client, await log(), copy, "bare");
  expect(await ask("copy")).toEqual({ ok: true, value: "ok" });
  const policy = parsePolicy(policyText);
  const report = verifyLog({
    source: openLogFolder(copy),
    origin,
    keys,
    remembered: null,
    policy: policy.ok ? policy.value : expect.unreachable(),
    now: new Date(),
    cosignedSince: new Date(Date.now() - 600_000),
  });
  expect(codes(report)).toEqual([]);
  expect(report.cosigners).toEqual(["witness.example/w"]);
  server.close();
});
