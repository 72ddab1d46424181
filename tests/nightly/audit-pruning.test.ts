// Pruning at every place where the process that keeps the logs can die: each file operation between the request and its end.
// What is left verifies, in files and in the database, and whoever comes next brings it to the end.

import { join } from "node:path";
import { expect, test } from "vitest";
import { connectThrowAwayDatabase } from "../support/database.ts";
import { dyingAt } from "../support/dying-operations.ts";
import { leftIn, oldEvidence, review, verifyFolder } from "../support/pruned-log.ts";
import {
  adminOf,
  addFacts,
  addManyFacts,
  advanced,
  logPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../support/tenant-log.ts";

test("a process that dies at any file operation while it prunes leaves a log that verifies, and is gone on with", async () => {
  await using database = await connectThrowAwayDatabase();
  let died = 0;
  for (let k = 1, isOver = false; !isOver; k += 1) {
    using folder = scratchFolder();
    const tenant = await newTenant(database, `dies-at-${k}`);
    const ports = logPorts(database, folder.path);
    const origin = originOf(tenant, 1);
    await addManyFacts(database, tenant, 560);
    await advanced(ports, tenant);
    const { operations } = dyingAt(k);
    const dying = oldEvidence(logPorts(database, folder.path, { operations }));
    isOver = await dying.prune(adminOf(tenant)).then(
      () => true,
      () => false,
    );
    if (!isOver) died += 1;
    const published = join(folder.path, "logs", origin);
    expect([k, verifyFolder(ports, published, origin, null).findings]).toEqual([k, []]);
    expect([k, await review(database, ports, tenant)]).toEqual([k, []]);
    const restarted = logPorts(database, folder.path);
    await oldEvidence(restarted).prune(adminOf(tenant));
    await addFacts(restarted.store, tenant, "after", 1);
    await advanced(restarted, tenant);
    expect([k, verifyFolder(ports, published, origin, null)]).toMatchObject([
      k,
      { findings: [], pruned: 512 },
    ]);
    expect((await leftIn(database, tenant)).leaves).toBe(560 + 2 - 512);
    expect([k, await review(database, ports, tenant)]).toEqual([k, []]);
  }
  expect(died).toBeGreaterThan(15);
});
