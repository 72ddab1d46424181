// A disk that is full, or takes writes no more, while events are recorded: what stops is said, what is recorded waits, other
// tenants' logs go on, and all goes on by itself when there is room again.

import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import {
  diskOperations,
  type FileOperations,
} from "../../../packages/harness/src/adapters/files/file-operations.ts";
import {
  BATCH_INTERVAL_MS,
  type Keeper,
  startKeeper,
} from "../../../packages/harness/src/services/audit/keeper.ts";
import type { Clock } from "../../../packages/harness/src/ports.ts";
import { connectThrowAwayDatabase } from "../../support/database.ts";
import { hastenedClock } from "../../support/hastened-clock.ts";
import { verifyFolder } from "../../support/pruned-log.ts";
import {
  addFacts,
  advanced,
  type LogPorts,
  logPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";
import { until } from "../../support/until.ts";

/** Writes that fail wherever the path has this in it; null: none do. */
function fullDisk(): { operations: FileOperations; where: string | null } {
  const disk = { where: null as string | null, operations: diskOperations };
  const guard =
    <A extends readonly [string, ...unknown[]], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (disk.where !== null && args[0].includes(disk.where))
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), {
          code: "ENOSPC",
          syscall: "write",
        });
      return await work(...args);
    };
  disk.operations = {
    ...diskOperations,
    makeFolder: guard(async (path) => await diskOperations.makeFolder(path)),
    create: guard(async (path, content) => await diskOperations.create(path, content)),
    overwrite: guard(async (path, content) => await diskOperations.overwrite(path, content)),
    sync: guard(async (path) => await diskOperations.sync(path)),
    rename: guard(async (from, to) => await diskOperations.rename(from, to)),
  };
  return disk;
}

type Kept = AsyncDisposable & { readonly keeper: Keeper; readonly told: readonly string[] };

/** Time that passes so much faster, for the keeper alone. */
const TIMES = 50;

function keep(ports: LogPorts): Kept {
  const began = Date.now();
  const clock = { ...hastenedClock(TIMES), now: () => new Date(began + (Date.now() - began) * TIMES) };
  const told: string[] = [];
  const keeper = startKeeper({
    ...ports,
    clock,
    hold: () => ({
      take: async () => await Promise.resolve(true),
      end: async () => await Promise.resolve(),
    }),
    log: (level, text) => void told.push(`${level} ${text}`),
  });
  return {
    keeper,
    told,
    [Symbol.asyncDispose]: async () => {
      await keeper.stop();
    },
  };
}

test("a disk without room for one tenant's log, then for any: said, waited for, and made up for", async () => {
  await using database = await connectThrowAwayDatabase();
  using folder = scratchFolder();
  const disk = fullDisk();
  const ports = logPorts(database, folder.path, { operations: disk.operations });
  const tenants = [await newTenant(database, "one"), await newTenant(database, "other")] as const;
  const sizes = new Map<TenantId, number>();
  const record = async (tenant: TenantId): Promise<void> => {
    await addFacts(ports.store, tenant, "s", 3);
    sizes.set(tenant, (sizes.get(tenant) ?? 0) + 3);
  };
  const isSigned = async (tenant: TenantId): Promise<boolean> => {
    const kept = await ports.files.readCheckpoint(originOf(tenant, 1));
    return kept?.split("\n")[1] === String(sizes.get(tenant));
  };
  await using kept = keep(ports);
  const { keeper, told } = kept;
  for (const tenant of tenants) await record(tenant);
  for (const tenant of tenants) await until("it is signed", async () => await isSigned(tenant));
  // Whichever of both the keeper looks at first.
  for (const [full, other] of [tenants, tenants.toReversed()]) {
    if (full === undefined || other === undefined) throw new Error("there are two");
    disk.where = full;
    await record(full);
    await record(other);
    await until("the other's is signed", async () => await isSigned(other));
    await until("it is said", () => keeper.refusalOf(full)?.code === "log_not_kept");
    expect([await isSigned(full), keeper.refusalOf(other), keeper.holds()]).toEqual([false, null, true]);
    disk.where = null;
    await until("it is signed again", async () => await isSigned(full));
    await until("and that is said", () => keeper.refusalOf(full) === null);
  }
  // Once for each time that it began.
  expect(told.filter((line) => line === "error a tenant's log is not signed")).toHaveLength(2);
  disk.where = folder.path;
  for (const tenant of tenants) await record(tenant);
  for (const tenant of tenants)
    await until("it is said", () => keeper.refusalOf(tenant)?.code === "log_not_kept");
  expect(keeper.stopped()).toBe(2);
  disk.where = null;
  for (const tenant of tenants) {
    await until("it is signed again", async () => await isSigned(tenant));
    const origin = originOf(tenant, 1);
    const checkpoint = await ports.files.readCheckpoint(origin);
    const { findings } = verifyFolder(ports, join(folder.path, "logs", origin), origin, checkpoint);
    expect(findings).toEqual([]);
  }
});

/** A clock of the test's own: a pause passes at once, and is as long as one that somebody is woken from. */
function steppedClock(): Clock & { elapsedMs: number; setMs: number } {
  const began = Date.now();
  const clock = {
    elapsedMs: 0,
    setMs: 0,
    now: () => new Date(began + clock.elapsedMs + clock.setMs),
    sleep: async (ms: number): Promise<void> => {
      clock.elapsedMs += Math.min(ms, BATCH_INTERVAL_MS) / 2;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return clock;
}

test("a log for which there is no room is tried again after 2 s, one that is refused after 30, and both when the clock is set", async () => {
  await using database = await connectThrowAwayDatabase();
  using folder = scratchFolder();
  const disk = fullDisk();
  const ports = logPorts(database, folder.path, { operations: disk.operations });
  const full = await newTenant(database, "one");
  const refused = await newTenant(database, "other");
  for (const tenant of [full, refused]) {
    await addFacts(ports.store, tenant, "s", 1);
    await advanced(ports, tenant);
    await addFacts(ports.store, tenant, "s", 1);
  }
  // As of another home's key.
  const signer = {
    ...ports.signer,
    held: (origin: string) => (origin === originOf(refused, 1) ? [] : ports.signer.held(origin)),
  };
  disk.where = full;
  const clock = steppedClock();
  const tried = new Map<unknown, number[]>([full, refused].map((tenant) => [tenant, []]));
  const keeper = startKeeper({
    ...ports,
    signer,
    clock,
    hold: () => ({
      take: async () => await Promise.resolve(true),
      end: async () => await Promise.resolve(),
    }),
    log: (level, _text, fields) => {
      if (level === "error") tried.get(fields?.["tenant_id"])?.push(clock.elapsedMs);
    },
  });
  try {
    const timesOf = (tenant: TenantId): readonly number[] => tried.get(tenant) ?? [];
    await until("the refused one is tried twice", () => timesOf(refused).length >= 2);
    const [first = 0, second = 0] = timesOf(refused);
    expect(second - first).toBe(30_000);
    const times = timesOf(full);
    expect(times.length).toBeGreaterThanOrEqual(15);
    expect(new Set(times.slice(1).map((at, before) => at - (times[before] ?? 0)))).toEqual(new Set([2_000]));
    const before = clock.elapsedMs;
    clock.setMs = -3_600_000;
    await until("the refused one is tried again", () => timesOf(refused).length >= 3);
    expect((timesOf(refused)[2] ?? Infinity) - before).toBeLessThan(1_000);
  } finally {
    await keeper.stop();
  }
});
