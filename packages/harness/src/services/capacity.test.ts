import { expect, test } from "vitest";
import type { QueueLoad } from "../ports.ts";
import { createCapacity } from "./capacity.ts";

const TENANT = "ten_1";
const LIMITS = { runs: 10, tenantRuns: 6, ageSeconds: 60 };

function scene(load: Partial<QueueLoad> = {}): {
  readonly capacity: ReturnType<typeof createCapacity>;
  readonly pass: (ms: number) => void;
  readonly set: (load: Partial<QueueLoad>) => void;
  readonly looks: () => number;
  /** Keeps looks from being answered, until what it returns is called. */
  readonly hold: () => () => void;
  waiters: number;
} {
  let nowMs = 0;
  let looks = 0;
  let held: Promise<void> = Promise.resolve();
  let now: QueueLoad = { queued: 0, queuedOfTenant: 0, oldestSeconds: 0, oldestOfTenantSeconds: 0, ...load };
  const made = {
    waiters: 0,
    pass: (ms: number): void => {
      nowMs += ms;
    },
    set: (next: Partial<QueueLoad>): void => {
      now = { ...now, ...next };
    },
    looks: (): number => looks,
    hold: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
  };
  const capacity = createCapacity(
    {
      store: {
        queueLoad: async () => {
          looks += 1;
          await held;
          return now;
        },
        waiters: () => made.waiters,
      },
      clock: { now: () => new Date(nowMs), sleep: async () => await Promise.resolve() },
      random: { bytes: (count) => new Uint8Array(count) },
    },
    LIMITS,
  );
  return Object.assign(made, { capacity });
}

test("runs are let in up to the tenant's share and not one more, between two looks as well", async () => {
  const { capacity, looks } = scene();
  const answers: (string | null)[] = [];
  for (let index = 0; index < 8; index += 1) answers.push((await capacity.takeRoom(TENANT))?.code ?? null);
  expect(answers).toEqual([null, null, null, null, null, null, "tenant_queue_full", "tenant_queue_full"]);
  expect(looks()).toBe(1);
});

test("at once they are let in no further either", async () => {
  const { capacity } = scene();
  await capacity.takeRoom(TENANT);
  const answers = await Promise.all(Array.from({ length: 20 }, async () => await capacity.takeRoom(TENANT)));
  expect(answers.filter((answer) => answer === null)).toHaveLength(5);
});

test.for([
  ["a queue that is full", { queued: 10 }],
  ["a tenant whose oldest waits too long", { oldestOfTenantSeconds: 61 }],
] as const)("%s refuses as overloaded", async ([, load]) => {
  expect(await scene(load).capacity.takeRoom(TENANT)).toMatchObject({ code: "overloaded" });
});

test("how long other tenants' runs wait is nothing to one whose own do not", async () => {
  const { capacity } = scene({ oldestSeconds: 100_000, oldestOfTenantSeconds: 60 });
  expect(await capacity.takeRoom(TENANT)).toBeNull();
});

test("a database that others wait for is not asked at all", async () => {
  const made = scene();
  made.waiters = 1_000;
  expect(await made.capacity.takeRoom(TENANT)).toMatchObject({ code: "overloaded" });
  expect(made.looks()).toBe(0);
});

test("Retry-After says when the excess will be done, going by how fast the queue drains", async () => {
  const { capacity, pass, set } = scene({ queued: 100 });
  await capacity.takeRoom(TENANT);
  pass(10_000);
  set({ queued: 80 });
  // Two a second, and 71 are too many.
  expect(await capacity.takeRoom(TENANT)).toMatchObject({ code: "overloaded", retryAfterSeconds: 36 });
});

test("a look that is not answered is not asked for again by those who come later", async () => {
  const { capacity, pass, looks, hold } = scene();
  const release = hold();
  const first = capacity.takeRoom(TENANT);
  pass(1_000);
  const second = capacity.takeRoom(TENANT);
  await Promise.resolve();
  expect(looks()).toBe(1);
  release();
  expect([await first, await second]).toEqual([null, null]);
  pass(1_000);
  await capacity.takeRoom(TENANT);
  expect(looks()).toBe(2);
});

test("with room again they are let in again", async () => {
  const { capacity, pass, set } = scene({ queued: 10 });
  expect(await capacity.takeRoom(TENANT)).not.toBeNull();
  pass(1_000);
  set({ queued: 2 });
  expect(await capacity.takeRoom(TENANT)).toBeNull();
});
