// A process that kept the logs and was held up on the way goes on when another one keeps them by now. Only one of them signs,
// nothing is called a rewritten history that is none, and the log is whole.

import { join } from "node:path";
import { createFailpoints, withFailpoints } from "@assent/suite";
import { expect, test } from "vitest";
import { diskOperations } from "../../../packages/harness/src/adapters/files/file-operations.ts";
import { advance } from "../../../packages/harness/src/services/audit/keeper.ts";
import { connectThrowAwayDatabase } from "../../support/database.ts";
import { verifyFolder } from "../../support/pruned-log.ts";
import {
  addFacts,
  advanced,
  logPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";

test("of two processes that keep a log at once the one that comes late looks anew, wherever it was held up", async () => {
  await using database = await connectThrowAwayDatabase();
  using folder = scratchFolder();
  const tenant = await newTenant(database, "two-keepers");
  const origin = originOf(tenant, 1);
  const other = logPorts(database, folder.path);
  await addFacts(other.store, tenant, "s", 3);
  await advanced(other, tenant);
  const points = createFailpoints();
  const methods = ["read", "create", "rename", "sync"] as const;
  const operations = withFailpoints(diskOperations, "fs", points, methods);
  const outcomes = new Set<string | undefined>();
  for (let k = 1, isOver = false; !isOver; k += 1) {
    await addFacts(other.store, tenant, "s", 1);
    // The other one finds more than what the late one has sequenced.
    const what = async (): Promise<void> => {
      await addFacts(other.store, tenant, "s", 1);
      await advanced(other, tenant);
    };
    points.arm(null, k, { do: "run", when: "before", what });
    const late = logPorts(database, folder.path, { operations });
    const refusal = await advance(late, tenant);
    isOver = points.fired() === null;
    points.disarm();
    outcomes.add(refusal?.code);
    await advanced(late, tenant);
    const kept = await other.files.readCheckpoint(origin);
    const verified = verifyFolder(other, join(folder.path, "logs", origin), origin, kept);
    expect([k, verified.findings]).toEqual([k, []]);
  }
  expect(outcomes).toEqual(new Set([undefined, "signer_busy"]));
});
