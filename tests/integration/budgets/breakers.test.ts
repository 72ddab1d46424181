// The breakers in the database: what one process learns all know, and of any number of them one probes.

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  afterCall,
  CLOSED,
  entryOf,
  takeProbe,
} from "../../../packages/harness/src/core/resilience/breaker.ts";
import { DEFAULT_PROVIDER_SETTINGS } from "../../../packages/harness/src/core/resilience/settings.ts";
import { afterWord, shutForAllMs } from "../../../packages/harness/src/core/resilience/for-all.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { ownBreakers } from "../../../packages/harness/src/services/tool-doors.ts";
import { type Engine, openEngine } from "../../support/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

const SETTINGS = DEFAULT_PROVIDER_SETTINGS.breaker;
const FAILED = { ended: "failed", code: "provider_unavailable", retryAfterMs: null } as const;

test("failures of many processes add up; of many that want to probe one does", async () => {
  const { breakers } = engine.store;
  const now = engine.clock.now();
  expect(await breakers.read("openai")).toEqual(CLOSED);
  const { breakersOpen: others } = await engine.harness.readiness();
  await Promise.all(
    Array.from({ length: SETTINGS.failures }, async () => {
      await breakers.change("openai", (before) => afterCall(before, FAILED, null, now, SETTINGS));
    }),
  );
  const open = await breakers.read("openai");
  expect(entryOf(open, now)).toEqual({ enter: "no", waitMs: SETTINGS.open_ms, why: "open" });
  expect(await engine.harness.readiness()).toMatchObject({ database: true, breakersOpen: others + 1 });
  const later = new Date(now.getTime() + SETTINGS.open_ms);
  const probes = await Promise.all(
    Array.from(
      { length: 10 },
      async (_, at) => await breakers.change("openai", (before) => takeProbe(before, `p${at}`, later)),
    ),
  );
  expect(probes.filter(({ changed }) => changed)).toHaveLength(1);
  expect((await breakers.list()).get("openai")).toEqual(probes.find(({ changed }) => changed)?.breaker);
  const prober = (await breakers.read("openai")).probe?.by ?? "";
  await breakers.change("openai", (before) =>
    afterCall(before, { ended: "answered" }, prober, later, SETTINGS),
  );
  expect(await breakers.read("openai")).toEqual(CLOSED);
  expect(await engine.harness.readiness()).toMatchObject({ database: true, breakersOpen: others });
});

test("a tenant's own breakers are shown to that tenant, counted for nobody, and swept after a day", async () => {
  const { breakers } = engine.store;
  const now = engine.clock.now();
  const own = ownBreakers(engine.tenant);
  const name = `${own}tool-book-0123abcd`;
  const { breakersOpen } = await engine.harness.readiness();
  for (let failure = 0; failure < SETTINGS.failures; failure += 1)
    await breakers.change(name, (before) => afterCall(before, FAILED, null, now, SETTINGS));
  expect(await engine.harness.readiness()).toMatchObject({ breakersOpen });
  const shown = async (caller: Caller): Promise<readonly string[]> =>
    (await engine.harness.listProviders(caller)).map(({ provider }) => provider);
  expect(await shown(engine.caller)).toContain("tool-book-0123abcd");
  const others = await shown(await engine.newCaller("other", "another"));
  expect(others.filter((provider) => provider.includes("tool-book"))).toEqual([]);
  await engine.store.sweepExpired(new Date(now.getTime() + 80_000_000), 100);
  expect((await breakers.read(name)).state).toBe("open");
  await engine.database.ownerPool().query(
    `update assent.provider_breakers set since = now() - interval '2 days', open_until = now() - interval '2 days'
     where provider = $1`,
    [name],
  );
  await engine.store.sweepExpired(now, 100);
  expect(await breakers.read(name)).toEqual(CLOSED);
  expect((await breakers.read("openai")).failures).toBe(0);
});

test("the word that a breaker for all has heard is known to every process", async () => {
  const { breakers } = engine.store;
  const now = engine.clock.now();
  const hear = async (voice: string): Promise<number> => {
    const { breaker } = await breakers.change("all-tool-lend-0123abcd", (before) =>
      afterWord(before, voice, now, SETTINGS),
    );
    return shutForAllMs(breaker, now, SETTINGS);
  };
  expect(await hear("own-a")).toBe(0);
  expect(await hear("own-a")).toBe(0);
  expect(await hear("own-b")).toBe(SETTINGS.open_ms);
});
