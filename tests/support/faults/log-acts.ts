// What is done to a log that is pruned, by one process or by several, and the log that each life of a test begins with.

import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import { formatProof, proveInclusion, treeHash } from "@assent/tlog";
import { openSealingFiles } from "../../../packages/harness/src/adapters/files/sealing-files.ts";
import { createSealing } from "../../../packages/harness/src/adapters/postgres/sealing.ts";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import {
  changeSealingKey,
  type SealingKeyPorts,
} from "../../../packages/harness/src/services/audit/sealing-keys.ts";
import type { ThrowAwayDatabase } from "../database.ts";
import { oldEvidence } from "../pruned-log.ts";
import { sealingPorts } from "../sealing.ts";
import {
  addManyFacts,
  adminOf,
  advanced,
  logPorts,
  type LogPorts,
  newTenant,
  originOf,
} from "../tenant-log.ts";

/** Two bundles and a piece: the first two are pruned. */
const PLAIN = 560;
export const MINIMUM = 512;
/** Places of facts with sealed fields: in what is pruned, and behind it. */
const SEALED_BELOW = [256, 257] as const;
export const SEALED_ABOVE = [PLAIN + 2, PLAIN + 3] as const;

/** What a process has, with its own view of database and home. */
export type LogProcess = {
  readonly tenant: TenantId;
  readonly ports: LogPorts;
  readonly keys: SealingKeyPorts;
};

export type Act = (process: LogProcess) => Promise<void>;

const erasing =
  (place: number): Act =>
  async ({ ports, tenant }) => {
    // Refused where it is gone already, with a record: by an erasure that was not heard of, or by pruning.
    await oldEvidence(ports).erase(adminOf(tenant), 1, place, "Art. 17");
  };

const ATTEMPTS_MAX = 20;

async function pruneAll({ ports, tenant }: LogProcess): Promise<void> {
  const evidence = oldEvidence(ports);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const pruned = await evidence.prune(adminOf(tenant));
    if (!pruned.ok) throw new Error(pruned.error.detail);
    if (!pruned.value.isUnfinished) return;
  }
  throw new Error("a pruning does not come to its end");
}

async function changeKey({ keys }: LogProcess): Promise<void> {
  const changed = await changeSealingKey(keys, 60_000);
  if (!changed.ok) throw new Error(changed.error.detail);
  if (changed.value === null) throw new Error("a change of the key did not come to its end");
}

export const ACTS = {
  prune: pruneAll,
  rekey: changeKey,
  eraseBelow: erasing(SEALED_BELOW[0]),
  eraseAbove: erasing(SEALED_ABOVE[0]),
} as const satisfies Readonly<Record<string, Act>>;
export type ActName = keyof typeof ACTS;

export type Base = {
  readonly database: ThrowAwayDatabase;
  readonly home: string;
  readonly tenant: TenantId;
  /** What somebody outside kept from before. */
  readonly kept: string;
  readonly receipt: { readonly proof: string; readonly leaf: Uint8Array };
};

/** The log that every life begins with. */
export async function begin(database: ThrowAwayDatabase, home: string): Promise<Base> {
  const tenant = await newTenant(database, "pruned");
  const ports = logPorts(database, home);
  const process = soundProcess(database, home, tenant);
  const seal = async (): Promise<void> => {
    const given = { pool: database.appPool(), wakeUps: { ring: () => undefined } };
    const store = postgresStore({
      ...given,
      clock: systemClock,
      random: systemRandom,
      sealing: createSealing(process.keys),
    });
    await store.transaction(tenant, async (tx) => {
      const data = { code: "signature_refused", detail: "somebody's", path: "/" };
      await tx.access.append({ at: new Date(), kind: "signature_refused", actor: null, data });
    });
  };
  const step = async (work: () => Promise<void>): Promise<void> => {
    await work();
    await advanced(ports, tenant);
  };
  await step(async () => await addManyFacts(database, tenant, SEALED_BELOW[0]));
  for (const _ of SEALED_BELOW) await step(seal);
  await step(async () => await addManyFacts(database, tenant, PLAIN - SEALED_BELOW[0]));
  for (const _ of SEALED_ABOVE) await step(seal);
  const origin = originOf(tenant, 1);
  const kept = (await ports.files.readCheckpoint(origin)) ?? "";
  const receipt = await process.ports.store.transaction(tenant, async (tx) => {
    const [leaf] = await tx.leaves(1, 7, 1);
    return leaf;
  });
  const proof = await proofOf(ports, tenant, 7);
  return { database, home, tenant, kept, receipt: { proof, leaf: receipt ?? new Uint8Array() } };
}

async function proofOf(ports: LogPorts, tenant: TenantId, index: number): Promise<string> {
  return await ports.store.transaction(tenant, async (tx) => {
    const checkpoint = await tx.checkpoint(1, 0);
    const hashes = await tx.hashes(1, 0, 0, checkpoint?.size ?? 0);
    const path = proveInclusion(
      (level, place) => treeHash(hashes.slice(place * 2 ** level, (place + 1) * 2 ** level)),
      index,
      hashes.length,
    );
    return formatProof({ index, hashes: path, checkpoint: checkpoint?.note ?? "", extra: null });
  });
}

/** A process on this database and home, in which nothing fails. */
export const soundProcess = (database: ThrowAwayDatabase, home: string, tenant: TenantId): LogProcess => ({
  tenant,
  ports: logPorts(database, home),
  keys: sealingPorts(database.appPool(), openSealingFiles(join(home, "sealing"))),
});
