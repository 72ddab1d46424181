// The sealing key is changed by a process that is killed at any moment (SIGKILL), again and again, while others go on
// sealing: whatever was sealed opens, and in the end one key is left. Each step by itself is killed in the gate
// (tests/integration/audit/sealing.test.ts).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import { createSealing } from "../../packages/harness/src/adapters/postgres/sealing.ts";
import { postgresStore } from "../../packages/harness/src/adapters/postgres/store.ts";
import { systemClock } from "../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../packages/harness/src/adapters/system/random.ts";
import type { Store } from "../../packages/harness/src/ports.ts";
import { changeSealingKey } from "../../packages/harness/src/services/audit/sealing-keys.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../support/database.ts";
import { sealingIn } from "../support/sealing.ts";
import { newTenant, scratchFolder } from "../support/tenant-log.ts";

const CHILD = fileURLToPath(new URL("../support/rekey-process.ts", import.meta.url));
const KILLS = 25;
const TEXTS = 300;
/** Facts that others seal between the first change of a process and its end, at most. */
const BESIDE_MAX = 60;

async function seal(store: Store, tenant: TenantId, text: string): Promise<void> {
  await store.transaction(tenant, async (tx) => {
    const data = { code: "signature_refused", detail: text, path: "/" };
    await tx.access.append({ at: new Date(), kind: "signature_refused", actor: null, data });
  });
}

async function opened(store: Store, tenant: TenantId): Promise<number> {
  const events = await store.transaction(tenant, async (tx) => await tx.access.list(null, 10_000));
  return events.filter(({ data }) => typeof data["detail"] === "string").length;
}

/** A process that changes the key over and over, and has done so once. */
async function startChanging({ app }: ThrowAwayDatabase, folder: string): Promise<{ kill(): Promise<void> }> {
  const child = spawn(process.execPath, ["--conditions=assent-source", CHILD], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, REKEY: JSON.stringify({ ...app, password: app.password(), folder }) },
  });
  const ended = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), ended]);
  expect(child.exitCode).toBeNull();
  return {
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

test.for([42, 43])("a change that is killed again and again loses nothing (seed %i)", async (seed) => {
  using home = scratchFolder();
  await using database = await connectThrowAwayDatabase();
  const folder = join(home.path, "sealing");
  const pool = database.appPool();
  const keys = sealingIn(pool, folder);
  const given = { pool, wakeUps: { ring: () => undefined }, clock: systemClock, random: systemRandom };
  // What it knows of the newest key is older than each change.
  const store = postgresStore({ ...given, sealing: createSealing(keys) });
  const tenants = [await newTenant(database, "one"), await newTenant(database, "two")];
  for (const tenant of tenants)
    for (let i = 0; i < TEXTS; i += 1) await seal(store, tenant, `${tenant} ${i}`);
  let state = seed;
  let sealed = TEXTS;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const changing = await startChanging(database, folder);
    for (let left = (state >> 8) % BESIDE_MAX; left >= 0; left -= 1) {
      for (const tenant of tenants) await seal(store, tenant, `${tenant} beside ${kill}`);
      sealed += 1;
    }
    await changing.kill();
    for (const tenant of tenants)
      expect(await opened(store, tenant), `seed ${seed}, kill ${kill}`).toBe(sealed);
  }
  expect(await changeSealingKey(keys, 60_000)).toMatchObject({ ok: true, value: expect.anything() });
  const left = (await keys.store.generations()).filter(({ isDestroyed }) => !isDestroyed);
  expect(left).toHaveLength(1);
  for (const tenant of tenants) expect(await opened(store, tenant)).toBe(sealed);
  // Of all others none is there any more that anything was ever wrapped for.
  for (const { publicKey, isDestroyed } of await keys.store.generations())
    expect(await keys.files.find(publicKey)).toBe(isDestroyed ? "destroyed" : "held");
});
