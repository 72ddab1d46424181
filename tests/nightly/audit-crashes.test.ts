// Invariant 11 at every place where the process that keeps the logs can die: each file operation of a pass, at sizes
// that fill tiles and at sizes that do not. tests/integration/audit/log.test.ts does a few of them in the gate.

import { treeHash } from "@assent/tlog";
import { expect, test } from "vitest";
import { advance } from "../../packages/harness/src/services/audit/keeper.ts";
import { connectThrowAwayDatabase } from "../support/database.ts";
import { dyingAt } from "../support/dying-operations.ts";
import {
  addFacts,
  addManyFacts,
  advanced,
  logPorts,
  newTenant,
  scratchFolder,
} from "../support/tenant-log.ts";

test.each([1, 250, 65_530])("dies at each operation of a pass over a log of %d entries", async (size) => {
  await using database = await connectThrowAwayDatabase();
  using folder = scratchFolder();
  const tenant = await newTenant(database, "crashes");
  const ports = logPorts(database, folder.path);
  const { store } = ports;
  await addManyFacts(database, tenant, size);
  await advanced(ports, tenant);
  // A pass over one fact has the same operations each time, but where it fills a tile.
  let most = 1;
  for (let k = 1; k <= most; k += 1) {
    await addFacts(store, tenant, "crash", 1);
    const dying = dyingAt(k);
    const outcome = await advance(
      logPorts(database, folder.path, { operations: dying.operations }),
      tenant,
    ).then(
      () => "survived",
      () => "died",
    );
    if (outcome === "died") most = k + 1;
    await advanced(logPorts(database, folder.path), tenant);
    const checkpoint = await store.transaction(tenant, async (tx) => await tx.checkpoint(1, 0));
    expect(checkpoint?.size).toBe(size + k);
    const { events, leaves, waiting } = await store.transaction(tenant, async (tx) => await tx.count());
    expect([events, leaves, waiting]).toEqual([size + k, size + k, 0]);
  }
  expect(most).toBeGreaterThan(20);
  const hashes = await store.transaction(tenant, async (tx) => await tx.hashes(1, 0, 0, size + most));
  const head = await store.transaction(tenant, async (tx) => await tx.head(1));
  expect(Buffer.from(treeHash(hashes)).equals(head?.root ?? Buffer.alloc(0))).toBe(true);
});
