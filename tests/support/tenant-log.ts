// A tenant's log on a database of the test's own, with a signer that has a folder of its own, as an installation has it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TenantId, uuidOf } from "@assent/contract";
import { openAnchorFiles } from "../../packages/harness/src/adapters/files/anchor-files.ts";
import {
  diskOperations,
  type FileOperations,
} from "../../packages/harness/src/adapters/files/file-operations.ts";
import { openLogFiles } from "../../packages/harness/src/adapters/files/log-files.ts";
import { type LogKeys, openLogKeys } from "../../packages/harness/src/adapters/files/log-keys.ts";
import { changeSignerKeys } from "../../packages/harness/src/adapters/postgres/alone.ts";
import { postgresLogStore } from "../../packages/harness/src/adapters/postgres/audit-log.ts";
import { ensureTenant } from "../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { systemClock } from "../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../packages/harness/src/adapters/system/random.ts";
import { createSealing } from "../../packages/harness/src/adapters/postgres/sealing.ts";
import type { Caller, LogStore } from "../../packages/harness/src/ports.ts";
import {
  createEvidence,
  type Evidence,
  type EvidencePorts,
} from "../../packages/harness/src/services/audit/evidence.ts";
import { advance, type KeeperPorts } from "../../packages/harness/src/services/audit/keeper.ts";
import type { SealingKeyPorts } from "../../packages/harness/src/services/audit/sealing-keys.ts";
import { createSigner } from "../../packages/harness/src/services/audit/signer.ts";
import type { ThrowAwayDatabase } from "./database.ts";
import { sealingIn } from "./sealing.ts";

export type LogPorts = Omit<KeeperPorts, "hold" | "log"> & {
  readonly sealing: SealingKeyPorts;
  readonly keys: LogKeys;
  readonly alone: EvidencePorts["alone"];
};

export const originOf = (tenant: TenantId, epoch: number): string =>
  `assent-test/audit/${tenant}${epoch === 1 ? "" : `/e${epoch}`}`;

/** A folder that goes when it is disposed of. */
export function scratchFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "assent-log-"));
  return {
    path,
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true });
    },
  };
}

export type LogOptions = {
  readonly operations?: FileOperations;
  readonly store?: LogStore;
  /** Whether checkpoints have their second line. */
  readonly mldsa?: boolean;
};

/** What a process has that keeps the logs; a second call on the same folder is what it has after a restart. */
export function logPorts(database: ThrowAwayDatabase, folder: string, options: LogOptions = {}): LogPorts {
  const operations = options.operations ?? diskOperations;
  const keys = openLogKeys(join(folder, "signer"), systemRandom, { mldsa: options.mldsa ?? false });
  const sealing = sealingIn(database.appPool(), join(folder, "sealing"));
  return {
    store: options.store ?? postgresLogStore(database.appPool(), createSealing(sealing)),
    sealing,
    keys,
    alone: async (work) => await changeSignerKeys(database.appPool(), work),
    files: openLogFiles({ folder: join(folder, "logs"), random: systemRandom, operations }),
    signer: createSigner(openAnchorFiles(join(folder, "signer"), operations), keys),
    clock: systemClock,
    random: systemRandom,
    originOf,
  };
}

/** What a server that keeps the logs has of them. Whoever waits for a checkpoint has it made at once. */
export function keptEvidence(ports: LogPorts, changed: Partial<EvidencePorts> = {}): Evidence {
  const { keys } = ports;
  // One look after the other, as one keeper has them.
  let looked = Promise.resolve();
  const look = async (): Promise<void> => {
    for (const tenant of await ports.store.pending()) await advanced(ports, tenant);
  };
  return createEvidence({
    ...ports,
    wake: async () => {
      looked = looked.then(look);
      await looked;
    },
    holds: () => true,
    onCheckpoint: () => () => undefined,
    stoppedBy: () => null,
    rotate: (step) => (step === "add" ? keys.add() : keys.retire()),
    onOperated: async () => await Promise.resolve(),
    witnessed: null,
    installation: null,
    operators: null,
    retentionDays: null,
    gaps: () => 0,
    stopped: () => 0,
    ...changed,
  });
}

export async function newTenant(database: ThrowAwayDatabase, slug: string): Promise<TenantId> {
  return await transaction(
    database.ownerPool(),
    async (client) => await ensureTenant({ client, clock: systemClock, random: systemRandom }, slug),
  );
}

/** Commits facts about one subject, each in a transaction of its own. */
export async function addFacts(
  store: LogStore,
  tenant: TenantId,
  subject: string,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await store.transaction(tenant, async (tx) => {
      await tx.addFact({
        subject,
        at: new Date(),
        kind: "test_happened",
        actor: null,
        payload: JSON.stringify({ subject, i }),
      });
    });
  }
}

/** Many at once, past every trigger's cost: for logs of a size that matters. */
export async function addManyFacts(
  database: ThrowAwayDatabase,
  tenant: TenantId,
  count: number,
): Promise<void> {
  await transaction(database.appPool(), async (client) => {
    await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(tenant)]);
    await client.query(
      `insert into assent.audit_facts (tenant_id, subject, version, at, kind, data)
       select $1, 'bulk:' || gen_random_uuid(), 1, now(), 'test_happened', json_build_object('n', n)
       from generate_series(1, $2) n`,
      [uuidOf(tenant), count],
    );
  });
}

export async function advanced(ports: LogPorts, tenant: TenantId): Promise<void> {
  const refusal = await advance(ports, tenant);
  if (refusal !== null) throw new Error(`${refusal.code}: ${refusal.detail}`);
}

/** Who may do anything with the tenant's log. */
export const adminOf = (tenant: TenantId): Caller => ({
  tenant,
  actor: { id: `prn_${"1".repeat(32)}`, kind: "human", name: "admin" },
  key: `key_${"1".repeat(32)}`,
  scopes: [],
  roles: ["admin"],
  mustSign: false,
});
