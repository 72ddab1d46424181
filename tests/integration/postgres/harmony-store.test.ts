// Harmony's store contract on the SQL store, on the engine that users run.

import { uuidOf } from "@assent/contract";
import { afterAll } from "vitest";
import { storeContract } from "../../../packages/harmony/src/store.contract.ts";
import { ensureTenant } from "../../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { postgresHarmonyStore } from "../../../packages/harness/src/adapters/postgres/harmony/harmony-store.ts";
import { queryOn } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { anySealing } from "../../support/sealing.ts";

let database: ThrowAwayDatabase | undefined;
let tenants = 0;

afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
});

// One database, a tenant for each test: what one leaves behind must not be seen by the next.
storeContract("Postgres", async () => {
  database ??= await connectThrowAwayDatabase();
  const throwAway = database;
  tenants += 1;
  const tenant = await transaction(
    throwAway.ownerPool(),
    async (client) =>
      await ensureTenant({ client, clock: systemClock, random: systemRandom }, `tenant-${tenants}`),
  );
  const id = uuidOf(tenant);
  return postgresHarmonyStore(
    async (work) =>
      await transaction(
        throwAway.appPool(),
        async (client) => {
          const query = queryOn(client);
          await query("select set_config('assent.tenant', $1, true)", [id]);
          return await work({ query, tenant: id });
        },
        { attemptsMax: 5 },
      ),
    anySealing(throwAway.appPool()),
  );
});
