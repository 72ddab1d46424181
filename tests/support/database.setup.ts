// vitest's part: one cluster for the whole run, of all its projects, stopped at its end whatever the tests did.

import { CLUSTER_VARIABLE, openTestCluster } from "./database.ts";
import { makeMigratedHome } from "./migrated-home.ts";

export async function setup(): Promise<() => Promise<void>> {
  // Another project of this run has begun it, and all of them end together.
  if (process.env[CLUSTER_VARIABLE] !== undefined) return async () => await Promise.resolve();
  const cluster = await openTestCluster();
  process.env[CLUSTER_VARIABLE] = cluster.folder;
  await makeMigratedHome(cluster.folder);
  return async () => {
    await cluster[Symbol.asyncDispose]();
  };
}
