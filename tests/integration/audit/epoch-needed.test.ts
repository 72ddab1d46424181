// A new log is begun where something calls for one, or somebody says that they want it anyway: whoever reads the logs has to be
// told of it, and be given its key.

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EvidencePorts, Stopped } from "../../../packages/harness/src/services/audit/evidence.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import {
  addFacts,
  adminOf,
  advanced,
  keptEvidence,
  logPorts,
  type LogPorts,
  newTenant,
  scratchFolder,
} from "../../support/tenant-log.ts";

let database: ThrowAwayDatabase;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
});
afterAll(async () => await database[Symbol.asyncDispose]());

const epochs = async (ports: LogPorts, tenant: TenantId): Promise<readonly number[]> =>
  (await ports.store.transaction(tenant, async (tx) => await tx.logs())).map(({ epoch }) => epoch);

async function signedLog(slug: string, folder: string): Promise<{ tenant: TenantId; ports: LogPorts }> {
  const tenant = await newTenant(database, slug);
  const ports = logPorts(database, folder);
  await addFacts(ports.store, tenant, "s", 3);
  await advanced(ports, tenant);
  return { tenant, ports };
}

const begin = async (
  ports: LogPorts,
  tenant: TenantId,
  anyway: { readonly anyway?: true } = {},
  changed: Partial<EvidencePorts> = {},
): Promise<unknown> =>
  await keptEvidence(ports, changed).beginEpoch(adminOf(tenant), { reason: "Why not.", ...anyway });

const REFUSED = { ok: false, error: { code: "epoch_not_needed" } };

test("of a log that goes on none is begun, unless somebody wants it anyway", async () => {
  using scratch = scratchFolder();
  const { tenant, ports } = await signedLog("healthy", scratch.path);
  expect(await begin(ports, tenant)).toMatchObject(REFUSED);
  // What waits to be signed is no reason either.
  await addFacts(ports.store, tenant, "s", 2);
  expect(await begin(ports, tenant)).toMatchObject(REFUSED);
  expect(await epochs(ports, tenant)).toEqual([1]);
  expect(await begin(ports, tenant, { anyway: true })).toMatchObject({ ok: true, value: { epoch: 2 } });
  // And of the new one as little: who asks twice gets one.
  expect(await begin(ports, tenant)).toMatchObject(REFUSED);
  expect(await epochs(ports, tenant)).toEqual([1, 2]);
});

test("of a tenant that has no log yet none is begun so: its first begins by itself", async () => {
  using scratch = scratchFolder();
  const tenant = await newTenant(database, "without");
  expect(await begin(logPorts(database, scratch.path), tenant)).toMatchObject(REFUSED);
});

test("a home that has not the log's key begins a new one", async () => {
  using scratch = scratchFolder();
  const { tenant } = await signedLog("key-lost", scratch.path);
  rmSync(join(scratch.path, "signer"), { recursive: true });
  const ports = logPorts(database, scratch.path);
  expect(await begin(ports, tenant)).toMatchObject({ ok: true, value: { epoch: 2 } });
});

test.each<[code: string, needed: boolean]>([
  ["history_cut", true],
  ["history_rewritten", true],
  ["leaf_altered", true],
  ["log_not_kept", false],
  ["signer_busy", false],
])("a log that is stopped by %s calls for one: %s", async (code, needed) => {
  using scratch = scratchFolder();
  const { tenant, ports } = await signedLog(code.replaceAll("_", "-"), scratch.path);
  const stoppedBy = (of: TenantId): Stopped | null => (of === tenant ? { code, detail: "It is." } : null);
  expect(await begin(ports, tenant, {}, { stoppedBy })).toMatchObject(needed ? { ok: true } : REFUSED);
  expect(await epochs(ports, tenant)).toEqual(needed ? [1, 2] : [1]);
});

test("where the installation's log is stopped, which nobody has a key of, any tenant's call begins it anew", async () => {
  using scratch = scratchFolder();
  const { tenant, ports } = await signedLog("caller", scratch.path);
  const installation = await newTenant(database, "installation");
  await addFacts(ports.store, installation, "s", 3);
  await advanced(ports, installation);
  expect(await begin(ports, tenant, {}, { installation })).toMatchObject(REFUSED);
  // Its head is cut, as by a backup that was restored.
  const owner = database.ownerPool();
  await owner.query(
    "update assent.audit_heads h set size = 1 from assent.tenants t where t.id = h.tenant_id and t.slug = 'installation'",
  );
  expect(await begin(ports, tenant, {}, { installation })).toMatchObject({ ok: true });
  expect(await epochs(ports, installation)).toEqual([1, 2]);
});
