// The breakers in the database: what one process learns all know, and of any number of them one probes.

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  afterCall,
  CLOSED,
  entryOf,
  takeProbe,
} from "../../../packages/harness/src/core/resilience/breaker.ts";
import { DEFAULT_PROVIDER_SETTINGS } from "../../../packages/harness/src/core/resilience/settings.ts";
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
  await Promise.all(
    Array.from({ length: SETTINGS.failures }, async () => {
      await breakers.change("openai", (before) => afterCall(before, FAILED, null, now, SETTINGS));
    }),
  );
  const open = await breakers.read("openai");
  expect(entryOf(open, now)).toEqual({ enter: "no", waitMs: SETTINGS.open_ms, why: "open" });
  expect(await engine.harness.readiness()).toMatchObject({ database: true, breakersOpen: 1 });
  const later = new Date(now.getTime() + SETTINGS.open_ms);
  const probes = await Promise.all(
    Array.from(
      { length: 10 },
      async (_, at) => await breakers.change("openai", (before) => takeProbe(before, `p${at}`, later, 1_000)),
    ),
  );
  expect(probes.filter(({ changed }) => changed)).toHaveLength(1);
  expect(await breakers.list()).toEqual(
    new Map([["openai", probes.find(({ changed }) => changed)?.breaker]]),
  );
  const prober = (await breakers.read("openai")).probe?.by ?? "";
  await breakers.change("openai", (before) =>
    afterCall(before, { ended: "answered" }, prober, later, SETTINGS),
  );
  expect(await breakers.read("openai")).toEqual(CLOSED);
  expect(await engine.harness.readiness()).toMatchObject({ database: true, breakersOpen: 0 });
});
