// Answers of before their rows were evidence (migration 0072): what they are when the database is brought up to date is held from
// then on, and nothing of it is a finding.

import { uuidOf } from "@assent/contract";
import { memory } from "@assent/harmony";
import { expect, test } from "vitest";
import { ann, moment, pattern } from "../../../packages/harmony/src/testing/samples.ts";
import { ensureTenant } from "../../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { harmonyStoreIn } from "../../../packages/harness/src/adapters/postgres/harmony/harmony-store.ts";
import { MIGRATIONS_FOLDER } from "../../../packages/harness/src/adapters/postgres/migrate.ts";
import { queryOn } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { connectThrowAwayDatabase } from "../../support/database.ts";
import { bring, migrationsBefore } from "../../support/older-database.ts";
import { anySealing } from "../../support/sealing.ts";
import { foundIn, stateAfter } from "../../support/state-after.ts";

/** The migration with which rows of answers became evidence. */
const EVIDENCE = 72;

test("an answer of before is held to what it was when the database was brought up to date", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await bring(database, migrationsBefore(EVIDENCE));
  const tenant = await transaction(
    database.ownerPool(),
    async (client) => await ensureTenant({ client, clock: systemClock, random: systemRandom }, "default"),
  );
  const asked = pattern("asked");
  const answer = async (strategy: string): Promise<void> => {
    await transaction(
      database.appPool(),
      async (client) => {
        const scope = { query: queryOn(client), tenant: uuidOf(tenant) };
        const store = harmonyStoreIn(scope, anySealing(database.appPool()));
        await memory.answer(store, asked.patternId, { strategy }, { at: moment(1), actor: ann });
      },
      { tenant: uuidOf(tenant) },
    );
  };
  await answer("approve");
  await bring(database, MIGRATIONS_FOLDER);
  const owned = { database, tenant };
  expect(await stateAfter(owned, [])).toMatchObject({ findings: [], precedents: { held: 1, erased: 0 } });
  expect(
    (await stateAfter(owned, ["update assent.harmony_resolutions set revoked = true"])).findings,
  ).toHaveLength(2);
  // And it goes on as every other: it is overridden, which is recorded.
  await answer("deny");
  expect(await stateAfter(owned, [])).toMatchObject({ findings: [], precedents: { held: 2, erased: 0 } });
  const forgotten = [
    "update assent.harmony_resolutions set record = replace(record::text, '\"overridden_count\":1', '\"overridden_count\":0')::json",
  ];
  expect(foundIn(await stateAfter(owned, forgotten))).toHaveLength(1);
});
