import { idFromUuid, type TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import type { TenantSlots } from "../core/run/turns.ts";
import { silentTelemetry } from "./traced/silent.ts";
import { createTurns, type Turns } from "./turns.ts";

const tenant = (last: number): TenantId => idFromUuid("ten", `00000000-0000-7000-8000-00000000000${last}`);
const CROWD = tenant(1);
const FEW = tenant(2);

type Scene = {
  readonly turns: Turns;
  readonly lent: TenantId[];
  /** Lent slots are held until then. */
  readonly giveBack: (value: undefined) => void;
  /** Moves the clock, and wakes whoever waits for a time. */
  advance(seconds: number): Promise<void>;
  end(): Promise<void>;
};

/** A worker with two slots, and what the database says whenever it looks. */
function scene(slots: () => readonly TenantSlots[]): Scene {
  let nowMs = 0;
  let wake = (): void => undefined;
  const stop = new AbortController();
  const lent: TenantId[] = [];
  const held = Promise.withResolvers<undefined>();
  const turns = createTurns(
    {
      store: { slots: async () => await Promise.resolve(slots()) },
      clock: {
        now: () => new Date(nowMs),
        async sleep(_ms, signal): Promise<void> {
          const { promise, resolve } = Promise.withResolvers<undefined>();
          wake = () => resolve(undefined);
          signal.addEventListener("abort", () => resolve(undefined));
          await promise;
        },
      },
      log: () => undefined,
      telemetry: silentTelemetry,
    },
    {
      runsMax: 2,
      tenantSlots: null,
      after: () => null,
      lend: async (to) => {
        lent.push(to);
        await held.promise;
      },
    },
    stop.signal,
  );
  const watching = turns.watch();
  return {
    turns,
    lent,
    giveBack: held.resolve,
    async advance(seconds): Promise<void> {
      nowMs += seconds * 1_000;
      wake();
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    },
    async end(): Promise<void> {
      held.resolve(undefined);
      stop.abort();
      await watching;
    },
  };
}

const CROWDED: readonly TenantSlots[] = [
  { tenant: FEW, held: 0, isWaiting: true },
  { tenant: CROWD, held: 2, isWaiting: true },
];

const anywhere = (): boolean => true;

test("of two runs one gives way, once, and not before its first step nor before its time", async () => {
  const at = scene(() => CROWDED);
  const [one, other] = [at.turns.begin(CROWD), at.turns.begin(CROWD)];
  await at.advance(4);
  for (const each of [one, other])
    for (let step = 0; step < 3; step += 1) expect(each.givesWay(anywhere)).toBe(false);
  const fresh = at.turns.begin(CROWD);
  await at.advance(2);
  // It has held its slot for two seconds; and the others' looks say that somebody waits.
  expect([fresh.givesWay(anywhere), fresh.givesWay(anywhere)]).toEqual([false, false]);
  expect(one.givesWay(anywhere)).toBe(true);
  expect(at.turns.first()).toBe(FEW);
  expect(at.turns.first()).toBeNull();
  expect(other.givesWay(anywhere)).toBe(false);
  await at.end();
});

test("a run makes a step in each hold, however long it took to begin", async () => {
  const at = scene(() => CROWDED);
  at.turns.begin(CROWD);
  const held = at.turns.begin(CROWD);
  await at.advance(60);
  expect(held.givesWay(anywhere)).toBe(false);
  expect(held.givesWay(anywhere)).toBe(true);
  await at.end();
});

test("a run that can go on here only keeps its slot, another gives way, and where none does one is lent", async () => {
  const at = scene(() => CROWDED);
  const [bound, free] = [at.turns.begin(CROWD), at.turns.begin(CROWD)];
  bound.givesWay(anywhere);
  free.givesWay(anywhere);
  await at.advance(6);
  expect(bound.givesWay(() => false)).toBe(false);
  expect(free.givesWay(anywhere)).toBe(true);
  expect(at.lent).toEqual([]);
  await at.advance(1);
  expect(bound.givesWay(() => false)).toBe(false);
  await at.advance(1);
  expect(at.lent).toEqual([FEW]);
  await at.end();
});

test("no more is lent than a quarter, one at least, until it is given back", async () => {
  const at = scene(() => CROWDED);
  for (let run = 0; run < 2; run += 1) at.turns.begin(CROWD).givesWay(anywhere);
  await at.advance(6);
  for (let look = 0; look < 8; look += 1) await at.advance(1);
  expect(at.lent).toEqual([FEW]);
  at.giveBack(undefined);
  for (let look = 0; look < 4; look += 1) await at.advance(1);
  expect(at.lent.length).toBeGreaterThan(1);
  await at.end();
});

test("nobody looks while a slot is free or all runs are fresh", async () => {
  let looks = 0;
  const at = scene(() => {
    looks += 1;
    return CROWDED;
  });
  const one = at.turns.begin(CROWD);
  await at.advance(60);
  const other = at.turns.begin(CROWD);
  one.end();
  at.turns.begin(CROWD);
  await at.advance(4);
  expect(looks).toBe(0);
  await at.advance(2);
  expect(looks).toBe(1);
  other.end();
  await at.advance(1);
  expect(looks).toBe(1);
  await at.end();
});
