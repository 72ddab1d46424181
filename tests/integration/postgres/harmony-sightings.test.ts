// The same question asked by many at the same time: nobody waits for another's transaction, and each is counted once.

import type { HarmonyStore } from "@assent/harmony";
import { afterAll, expect, test } from "vitest";
import { fakeId } from "../../../packages/harmony/src/ids.ts";
import { ann, escalation, moment, pattern } from "../../../packages/harmony/src/testing/samples.ts";
import { SIGHTINGS_MAX } from "../../../packages/harness/src/adapters/postgres/harmony/sightings.ts";
import { type InMemory, openMemories } from "../../support/harmony-memory.ts";

const memories = await openMemories();

afterAll(async () => {
  await memories[Symbol.asyncDispose]();
});

async function openMemory(): Promise<{ inMemory: InMemory; countRows: () => Promise<number> }> {
  const { tenant, inMemory } = await memories.open();
  return {
    inMemory,
    countRows: async () => {
      const { rows } = await memories.database
        .ownerPool()
        .query("select count(*)::int as n from assent.harmony_sightings where tenant_id = $1", [tenant]);
      return Number(rows[0].n);
    },
  };
}

const question = pattern("the same");
const asked = (at: number): typeof question => pattern("the same", { recordedAt: moment(at) });
const waiting = (at: number): ReturnType<typeof escalation> =>
  escalation("no answer", { patternId: question.patternId, escalatedAt: moment(at) });

async function ask(memory: HarmonyStore, at: number): Promise<void> {
  await memory.recordPattern(asked(at));
  await memory.recordEscalation(waiting(at));
}

test("who asks does not wait for those who ask the same and have not committed yet", async () => {
  const { inMemory } = await openMemory();
  await inMemory(async (memory) => {
    await ask(memory, 1);
  });
  await inMemory(async (first) => {
    await ask(first, 2);
    await inMemory(async (second) => {
      await ask(second, 3);
      await inMemory(async (third) => {
        await ask(third, 4);
      });
    });
  });
  await inMemory(async (memory) => {
    expect(await memory.loadPattern(question.patternId)).toMatchObject({
      occurrences: 4,
      lastSeenAt: moment(4),
    });
    expect(await memory.listEscalations()).toMatchObject([{ seenCount: 4, lastSeenAt: moment(4) }]);
  });
});

test("however often it is asked, each is counted and few rows are kept", async () => {
  const { inMemory, countRows } = await openMemory();
  const times = 3 * SIGHTINGS_MAX + 7;
  for (let at = 1; at <= times; at += 1)
    await inMemory(async (memory) => {
      await ask(memory, at);
      // A retry of the same, and one that comes late.
      await ask(memory, at);
      await ask(memory, Math.max(1, at - 1));
    });
  expect(await countRows()).toBeLessThanOrEqual(2 * (SIGHTINGS_MAX + 1));
  await inMemory(async (memory) => {
    const seen = { occurrences: times, lastSeenAt: moment(times) };
    expect(await memory.loadPattern(question.patternId)).toMatchObject(seen);
    expect(await memory.listPatterns()).toMatchObject([seen]);
    expect(await memory.listEscalations()).toMatchObject([{ seenCount: times, lastSeenAt: moment(times) }]);
  });
});

test("decided and marked, an escalation keeps what was counted beside it, also what came at that moment", async () => {
  const { inMemory, countRows } = await openMemory();
  const { escalationId } = waiting(1);
  const answer = fakeId("answer");
  for (const at of [1, 2, 3])
    await inMemory(async (memory) => {
      await ask(memory, at);
    });
  await inMemory(async (asker) => {
    await ask(asker, 4);
    await inMemory(async (memory) => {
      expect(await memory.resolveEscalation(escalationId, answer, ann, moment(9))).toBe(true);
      expect(await memory.markEscalations(answer, moment(10))).toMatchObject([{ seenCount: 3 }]);
    });
  });
  const seen = {
    status: "resolved",
    seenCount: 4,
    lastSeenAt: moment(4),
    resolutionRevokedAt: moment(10),
  };
  await inMemory(async (memory) => {
    expect(await memory.loadEscalation(escalationId)).toMatchObject(seen);
    // Marked already: nothing but the count is written.
    expect(await memory.markEscalations(answer, moment(11))).toMatchObject([seen]);
  });
  await inMemory(async (memory) => {
    expect(await memory.loadEscalation(escalationId)).toMatchObject(seen);
    expect(await memory.forgetPattern(question.patternId)).toBe(true);
    expect(await memory.recordPattern(asked(20))).toBe(true);
    expect(await memory.loadPattern(question.patternId)).toMatchObject({ occurrences: 1 });
  });
  expect(await countRows()).toBe(0);
});
