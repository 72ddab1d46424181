// Memories of tenants on one database of their own, for tests of what SQL does to them.

import { uuidOf } from "@assent/contract";
import type { HarmonyStore } from "@assent/harmony";
import { ensureTenant } from "../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { harmonyStoreIn } from "../../packages/harness/src/adapters/postgres/harmony/harmony-store.ts";
import type { Query } from "../../packages/harness/src/adapters/postgres/rows.ts";
import { queryOn } from "../../packages/harness/src/adapters/postgres/store.ts";
import { systemClock } from "../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../packages/harness/src/adapters/system/random.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "./database.ts";
import { anySealing } from "./sealing.ts";

export type InMemory = <T>(work: (memory: HarmonyStore, query: Query) => Promise<T>) => Promise<T>;

/** One tenant's; each use of it is a transaction. */
export type TenantMemory = { readonly tenant: string; readonly inMemory: InMemory };

export type Memories = AsyncDisposable & {
  readonly database: ThrowAwayDatabase;
  /** A tenant of its own; who has to wait for a lock fails at once. */
  open(): Promise<TenantMemory>;
};

export async function openMemories(): Promise<Memories> {
  const database = await connectThrowAwayDatabase();
  let tenants = 0;
  return {
    database,
    async open(): Promise<TenantMemory> {
      tenants += 1;
      const name = `tenant-${tenants}`;
      const tenant = uuidOf(
        await transaction(
          database.ownerPool(),
          async (client) => await ensureTenant({ client, clock: systemClock, random: systemRandom }, name),
        ),
      );
      return {
        tenant,
        inMemory: async (work) =>
          await transaction(database.appPool(), async (client) => {
            const query = queryOn(client);
            await query(
              "select set_config('assent.tenant', $1, true), set_config('lock_timeout', '1ms', true)",
              [tenant],
            );
            return await work(harmonyStoreIn({ query, tenant }, anySealing(database.appPool())), query);
          }),
      };
    },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
    },
  };
}
