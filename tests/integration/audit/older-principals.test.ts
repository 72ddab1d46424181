// Principals of before their rows were evidence (migration 0077): what they are when the database is brought up to date is held from then on.

import { idFromUuid, uuidOf } from "@assent/contract";
import { expect, test } from "vitest";
import { ensureTenant } from "../../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { MIGRATIONS_FOLDER } from "../../../packages/harness/src/adapters/postgres/migrate.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { connectThrowAwayDatabase } from "../../support/database.ts";
import { bring, migrationsBefore } from "../../support/older-database.ts";
import { foundIn, stateAfter } from "../../support/state-after.ts";

/** The migration with which rows of principals became evidence. */
const EVIDENCE = 77;
const ROBOT = "00000000-0000-7000-8000-000000000001";
const SIGNER = "00000000-0000-7000-8000-000000000002";

test("a principal of before is held to who it was when the database was brought up to date", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await bring(database, migrationsBefore(EVIDENCE));
  const tenant = await transaction(
    database.ownerPool(),
    async (client) => await ensureTenant({ client, clock: systemClock, random: systemRandom }, "default"),
  );
  for (const [id, name] of [
    [ROBOT, "robot"],
    [SIGNER, "signer"],
  ])
    await database
      .ownerPool()
      .query(
        "insert into assent.principals (tenant_id, id, kind, name, created_at) values ($1, $2, 'service', $3, now())",
        [uuidOf(tenant), id, name],
      );
  // Of this one there is an event of before, which took no digest.
  await database.ownerPool().query("update assent.principals set must_sign = true where id = $1", [SIGNER]);
  await bring(database, MIGRATIONS_FOLDER);
  const owned = { database, tenant };
  expect(foundIn(await stateAfter(owned, []))).toEqual([]);
  for (const id of [ROBOT, SIGNER])
    expect(
      foundIn(await stateAfter(owned, [`update assent.principals set kind = 'human' where id = '${id}'`])),
    ).toEqual([`row_altered at ${idFromUuid("prn", id)}`]);
});
