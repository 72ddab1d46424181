// Rotation of the key that signs: both keys sign while verifiers learn of the new one, then the old one is gone. What was
// signed before verifies as ever; what is signed after is not believed for the old key's sake.

import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import { openCheckpoint, parseVerifierKey, type VerifierKey } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLogKeys } from "../../../packages/harness/src/adapters/files/log-keys.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { openLogFolder } from "../../../packages/harness/src/cli/verify/log-folder.ts";
import { verifyLog } from "../../../packages/harness/src/core/audit/verify-log.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { createEvidence } from "../../../packages/harness/src/services/audit/evidence.ts";
import { advance } from "../../../packages/harness/src/services/audit/keeper.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import {
  addFacts,
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
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const callerOf = (tenant: TenantId): Caller => ({
  tenant,
  actor: { id: `prn_${"1".repeat(32)}`, kind: "human", name: "admin" },
  key: `key_${"1".repeat(32)}`,
  scopes: [],
  roles: ["admin"],
  mustSign: false,
});

const parsed = (vkeys: readonly string[]): readonly VerifierKey[] =>
  vkeys.map((text) => {
    const key = parseVerifierKey(text);
    return key.ok ? key.value : expect.unreachable();
  });

async function noteOf(ports: LogPorts, tenant: TenantId): Promise<string> {
  return (await ports.store.transaction(tenant, async (tx) => await tx.checkpoint(1, 0)))?.note ?? "";
}

test("checkpoints of before and after a rotation verify, each for its keys; the old key speaks for nothing new", async () => {
  using folder = scratchFolder();
  const tenant = await newTenant(database, "rotated");
  const ports = logPorts(database, folder.path);
  const origin = originOf(tenant, 1);
  const keys = openLogKeys(join(folder.path, "signer"), systemRandom);
  const told: string[] = [];
  const evidence = createEvidence({
    ...ports,
    wake: async () => await Promise.resolve(),
    holds: () => true,
    onCheckpoint: () => () => undefined,
    stoppedBy: () => null,
    rotate: (step) => (step === "add" ? keys.add() : keys.retire()),
    onOperated: async (_, kind) => await Promise.resolve(void told.push(kind)),
    witnessed: null,
    installation: null,
    gaps: () => 0,
  });
  const opens = (note: string, ...by: readonly (readonly VerifierKey[])[]): boolean[] =>
    by.map((some) => openCheckpoint(note, origin, some).ok);

  await addFacts(ports.store, tenant, "s", 3);
  await advanced(ports, tenant);
  const before = await noteOf(ports, tenant);
  const old = parsed(ports.signer.vkeys(origin));

  const both = parsed(await evidence.rotate(callerOf(tenant), "add"));
  const fresh = both.slice(1);
  expect(both.map(({ vkey }) => vkey)).toEqual([old[0]?.vkey, fresh[0]?.vkey]);
  await advanced(ports, tenant);
  const during = await noteOf(ports, tenant);

  expect(parsed(await evidence.rotate(callerOf(tenant), "retire"))).toMatchObject([{ vkey: fresh[0]?.vkey }]);
  await addFacts(ports.store, tenant, "s", 2);
  // A process that was started after it does the same.
  expect(await advance(logPorts(database, folder.path), tenant)).toBeNull();
  const after = await noteOf(ports, tenant);

  expect(opens(before, old, fresh)).toEqual([true, false]);
  expect(opens(during, old, fresh)).toEqual([true, true]);
  expect(opens(after, old, fresh)).toEqual([false, true]);
  expect(told).toEqual(["key.added", "key.rotated"]);

  // The log goes on through it: whoever kept a checkpoint of before verifies the later one with both keys, in any order.
  const verify = (by: readonly VerifierKey[], remembered: string | null): string[] =>
    verifyLog({
      source: openLogFolder(join(folder.path, "logs", origin)),
      origin,
      keys: by,
      remembered,
      policy: null,
      cosignedSince: null,
    }).findings.map(({ code }) => code);
  expect(verify(both, before)).toEqual([]);
  expect(verify(fresh, during)).toEqual([]);
  expect(verify(fresh, before)).toEqual(["remembered_invalid"]);
  expect(verify(old, before)).toEqual(["checkpoint_invalid"]);
});

test("a home with another key does not go on with a log that was rotated, either", async () => {
  using folder = scratchFolder();
  using other = scratchFolder();
  const tenant = await newTenant(database, "rotated-elsewhere");
  const ports = logPorts(database, folder.path);
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  const keys = openLogKeys(join(folder.path, "signer"), systemRandom);
  keys.add();
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  keys.retire();
  await addFacts(ports.store, tenant, "s", 1);
  await advanced(ports, tenant);
  await addFacts(ports.store, tenant, "s", 1);
  expect((await advance(logPorts(database, other.path), tenant))?.code).toBe("key_differs");
});
