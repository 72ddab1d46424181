// A disk whose room ends at the k-th operation of any kind while a log is brought up to date: what is published verifies at
// every moment, and the next look makes up for all of it.

import { join } from "node:path";
import { expect, test } from "vitest";
import {
  diskOperations,
  type FileOperations,
} from "../../packages/harness/src/adapters/files/file-operations.ts";
import { advance } from "../../packages/harness/src/services/audit/keeper.ts";
import { connectThrowAwayDatabase } from "../support/database.ts";
import { verifyFolder } from "../support/pruned-log.ts";
import { addFacts, logPorts, newTenant, originOf, scratchFolder } from "../support/tenant-log.ts";

const WRITING = ["makeFolder", "create", "sync", "rename"] as const;

// A disk that is full stays so, or has room again for what is smaller than what it had none for.
const CASES = WRITING.flatMap((method) => [
  [method, "and stays so"] as const,
  [method, "that once"] as const,
]);

test.each(CASES)(
  "room that ends at any `%s`, %s: nothing is signed that is not there, and all is made up for",
  async (method, how) => {
    await using database = await connectThrowAwayDatabase();
    using folder = scratchFolder();
    let room = Number.POSITIVE_INFINITY;
    let refused = 0;
    const operations: FileOperations = {
      ...diskOperations,
      [method]: async (...args: [string, never]) => {
        room -= 1;
        if (how === "that once" ? room === -1 : room < 0) {
          refused += 1;
          throw Object.assign(new Error("no room"), { code: "ENOSPC", syscall: "write" });
        }
        await diskOperations[method](...args);
      },
    };
    const ports = logPorts(database, folder.path, { operations });
    const tenant = await newTenant(database, "any");
    const origin = originOf(tenant, 1);
    for (let k = 0; k < 12; k += 1) {
      await addFacts(ports.store, tenant, "s", 1);
      room = k;
      await advance(ports, tenant).catch((error: unknown) => error);
      room = Number.POSITIVE_INFINITY;
      const early = await ports.files.readCheckpoint(origin);
      if (early !== null)
        expect(verifyFolder(ports, join(folder.path, "logs", origin), origin, early).findings).toEqual([]);
      expect(await advance(ports, tenant)).toBeNull();
      const whole = await ports.files.readCheckpoint(origin);
      const report = verifyFolder(ports, join(folder.path, "logs", origin), origin, whole);
      expect([k, report.findings, whole?.split("\n")[1]]).toEqual([k, [], String(k + 1)]);
    }
    // Else nothing was looked at.
    expect(refused).toBeGreaterThan(0);
  },
);
