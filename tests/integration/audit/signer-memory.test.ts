// The signer's memory (its anchors) is deleted, emptied or put back from a backup, while the process runs or before it
// starts: nothing is signed then, since it could not tell another history from this one (invariant 11, history is evidence).

import { cpSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { advance } from "../../../packages/harness/src/services/audit/keeper.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import {
  addFacts,
  adminOf,
  advanced,
  keptEvidence,
  logPorts,
  type LogPorts,
  newTenant,
  originOf,
  scratchFolder,
} from "../../support/tenant-log.ts";

let database: ThrowAwayDatabase;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const anchorsIn = (folder: string): readonly string[] =>
  readdirSync(join(folder, "signer"))
    .filter((name) => /^[0-9a-f]{32}$/.test(name))
    .map((name) => join(folder, "signer", name));

/** @returns what puts the memory back as it was */
type Damage = (folder: string, older: string) => void;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "is deleted": (folder) => {
    for (const path of anchorsIn(folder)) rmSync(path, { recursive: true });
  },
  "is emptied": (folder) => {
    for (const path of anchorsIn(folder))
      for (const name of readdirSync(path)) truncateSync(join(path, name));
  },
  "is an older one": (folder, older) => {
    for (const path of anchorsIn(folder)) rmSync(path, { recursive: true });
    cpSync(older, join(folder, "signer"), { recursive: true });
  },
};

const standing = async (ports: LogPorts, tenant: TenantId) =>
  await ports.store.transaction(tenant, async (tx) => await tx.count());

for (const moment of ["while it runs", "and it starts anew"] as const)
  test.each(Object.keys(DAMAGES))(
    `where the signer's memory %s ${moment}, nothing is signed until it is put back`,
    async (damage) => {
      using scratch = scratchFolder();
      using backups = scratchFolder();
      const [folder, older, newest] = [
        scratch.path,
        join(backups.path, "older"),
        join(backups.path, "newest"),
      ];
      const tenant = await newTenant(database, `memory-${damage.replaceAll(" ", "-")}-${moment.length}`);
      let ports = logPorts(database, folder);
      await addFacts(ports.store, tenant, "s", 2);
      await advanced(ports, tenant);
      cpSync(join(folder, "signer"), older, { recursive: true });
      await addFacts(ports.store, tenant, "s", 2);
      await advanced(ports, tenant);
      cpSync(join(folder, "signer"), newest, { recursive: true });
      const published = await ports.files.readCheckpoint(originOf(tenant, 1));

      DAMAGES[damage]?.(folder, older);
      // As an attacker would who has the files and not the process: what was published is cut back, too.
      if (moment === "while it runs") rmSync(join(folder, "logs"), { recursive: true });
      else ports = logPorts(database, folder);
      await addFacts(ports.store, tenant, "s", 1);
      for (let look = 0; look < 2; look += 1)
        expect(await advance(ports, tenant)).toMatchObject({
          code: "signer_memory_lost",
          detail: expect.stringMatching(/^4 entries were signed.*audit\/signer.*assent audit epoch/),
        });
      expect(await standing(ports, tenant)).toEqual({ events: 5, leaves: 4, waiting: 1 });
      if (moment !== "while it runs")
        expect(await ports.files.readCheckpoint(originOf(tenant, 1))).toBe(published);

      for (const path of anchorsIn(folder)) rmSync(path, { recursive: true });
      cpSync(newest, join(folder, "signer"), { recursive: true });
      await advanced(ports, tenant);
      expect(await standing(ports, tenant)).toEqual({ events: 5, leaves: 5, waiting: 0 });
      expect(await ports.files.readCheckpoint(originOf(tenant, 1))).toContain("\n5\n");
    },
  );

test("where the memory is lost for good, a new epoch goes on, and says how far the old log was signed", async () => {
  using scratch = scratchFolder();
  const tenant = await newTenant(database, "memory-gone");
  const ports = logPorts(database, scratch.path);
  await addFacts(ports.store, tenant, "s", 3);
  await advanced(ports, tenant);
  for (const path of anchorsIn(scratch.path)) rmSync(path, { recursive: true });
  await addFacts(ports.store, tenant, "s", 1);
  expect(await advance(ports, tenant)).toMatchObject({ code: "signer_memory_lost" });
  const evidence = keptEvidence({
    ...ports,
    store: { ...ports.store, pending: async () => await Promise.resolve([]) },
  });
  expect(
    await evidence.beginEpoch(adminOf(tenant), { reason: "The disk of the home was lost." }),
  ).toMatchObject({
    ok: true,
  });
  await advanced(ports, tenant);
  const first = (await evidence.entries(tenant, 2, 0, 1))?.entries[0]?.payload ?? "{}";
  expect(JSON.parse(first)).toMatchObject({ before: originOf(tenant, 1), signer_remembers: 3 });
  expect(await standing(ports, tenant)).toMatchObject({ waiting: 0 });
});
