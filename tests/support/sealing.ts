// Sealed fields on a database of the test's own: with keys in a folder, as an installation has them, or in memory.

import type { Pool } from "pg";
import { openSealingFiles } from "../../packages/harness/src/adapters/files/sealing-files.ts";
import { postgresOlderRows } from "../../packages/harness/src/adapters/postgres/older-rows.ts";
import { createSealing, type Sealing } from "../../packages/harness/src/adapters/postgres/sealing.ts";
import { postgresSealingStore } from "../../packages/harness/src/adapters/postgres/sealing-store.ts";
import { systemClock } from "../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../packages/harness/src/adapters/system/random.ts";
import { sealingPublicKey } from "../../packages/harness/src/core/audit/sealed.ts";
import type { SealingFiles } from "../../packages/harness/src/ports.ts";
import type { SealingKeyPorts } from "../../packages/harness/src/services/audit/sealing-keys.ts";

const SECRET = new Uint8Array(32).fill(7);

/** What a process has that seals, opens, and changes the key. */
export function sealingPorts(pool: Pool, files: SealingFiles): SealingKeyPorts {
  const keys = {
    store: postgresSealingStore(pool),
    files,
    secret: SECRET,
    clock: systemClock,
    random: systemRandom,
  };
  return { ...keys, older: postgresOlderRows(pool, createSealing(keys)) };
}

export const sealingIn = (pool: Pool, folder: string): SealingKeyPorts =>
  sealingPorts(pool, openSealingFiles(folder));

const nameOf = (publicKey: Uint8Array): string => Buffer.from(publicKey).toString("hex");

function memoryFiles(): SealingFiles {
  const held = new Map<string, Uint8Array>();
  const gone = new Set<string>();
  return {
    find: async (publicKey) => {
      const here = held.has(nameOf(publicKey)) ? "held" : "absent";
      return await Promise.resolve(gone.has(nameOf(publicKey)) ? "destroyed" : here);
    },
    read: async (publicKey) => await Promise.resolve(held.get(nameOf(publicKey)) ?? null),
    keep: async (seed) => {
      held.set(nameOf(sealingPublicKey(seed)), seed);
      await Promise.resolve();
    },
    destroy: async (publicKey) => {
      held.delete(nameOf(publicKey));
      gone.add(nameOf(publicKey));
      await Promise.resolve();
    },
  };
}

// One home for the whole process: several stores of one test share a database.
const MEMORY = memoryFiles();

/** For what is not about keys. */
export const anySealing = (pool: Pool): Sealing => createSealing(sealingPorts(pool, MEMORY));
