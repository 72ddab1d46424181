// Many who give, keep, override and take back one answer at the same moment: each change is a fact with the next number, nobody waits
// for whoever waits for them, and the rows are what the newest facts say.

import { idFromUuid, uuidOf } from "@assent/contract";
import { AgentProvenance, isHarmonyError, memory } from "@assent/harmony";
import { expect, test } from "vitest";
import { ann, bob, moment, pattern } from "../../../packages/harmony/src/testing/samples.ts";
import { ensureTenant } from "../../../packages/harness/src/adapters/postgres/bootstrap.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { harmonyStoreIn } from "../../../packages/harness/src/adapters/postgres/harmony/harmony-store.ts";
import { precedentTermRows } from "../../../packages/harness/src/adapters/postgres/harmony/precedent-terms.ts";
import { queryOn } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import { connectThrowAwayDatabase } from "../../support/database.ts";
import { anySealing } from "../../support/sealing.ts";
import { stateAfter } from "../../support/state-after.ts";

/** Who answers: people hold the answer's row from then on, programs do not before its terms. */
const WHO = [ann, bob, AgentProvenance.agent("ci")];
const ROUNDS = 6;
const AT_ONCE = 9;
/** In this round they say different things: who overrides each other's answers lock each other out, and begin anew, as the service does. */
const DIFFERENT = 0;
const ATTEMPTS_MAX = 20;

test("whoever changes one answer at once, the evidence of it has no gap and no row differs", async () => {
  await using database = await connectThrowAwayDatabase();
  const tenant = await transaction(
    database.ownerPool(),
    async (client) => await ensureTenant({ client, clock: systemClock, random: systemRandom }, "default"),
  );
  const act = async (round: number, n: number): Promise<void> => {
    const asked = pattern(`asked ${round}`);
    await transaction(
      database.appPool(),
      async (client) => {
        const scope = { query: queryOn(client), tenant: uuidOf(tenant) };
        const store = harmonyStoreIn(scope, anySealing(database.appPool()));
        const actor = WHO[n % WHO.length] ?? ann;
        const strategy = round === DIFFERENT && n % 4 === 3 ? "deny" : "approve";
        const given = await memory.answer(store, asked.patternId, { strategy }, { at: moment(n), actor });
        const terms = { expiresAt: new Date(Date.now() + n * 60_000), rules: [`rule-${n}`] };
        await precedentTermRows(scope).set(asked.patternId, given.resolutionId, terms);
        if (n === AT_ONCE - 1)
          await memory.revoke(store, asked.patternId, given.resolutionId, { at: moment(99), actor }, "No.");
      },
      { tenant: uuidOf(tenant), attemptsMax: round === DIFFERENT ? ATTEMPTS_MAX : 1 },
    ).catch((error: unknown) => {
      // Taken back by another in the meantime.
      if (!isHarmonyError(error) || error.code !== "revoked") throw error;
    });
  };
  for (let round = 0; round < ROUNDS; round += 1)
    await Promise.all(Array.from({ length: AT_ONCE }, async (_, n) => await act(round, n)));
  const state = await stateAfter({ database, tenant: idFromUuid("ten", uuidOf(tenant)) }, []);
  expect(state.findings).toEqual([]);
  expect(state.precedents.held).toBe(ROUNDS + 1);
  const { rows } = await database.ownerPool().query(
    `select subject from assent.audit_facts where subject like 'precedent\\_%'
     group by subject having max(version) <> count(*)`,
  );
  expect(rows).toEqual([]);
});
