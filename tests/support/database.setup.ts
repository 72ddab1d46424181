// vitest's part: one cluster for the whole run, stopped at its end whatever the tests did.

import { CLUSTER_VARIABLE, openTestCluster } from "./database.ts";

export async function setup(): Promise<() => Promise<void>> {
  const cluster = await openTestCluster();
  process.env[CLUSTER_VARIABLE] = cluster.folder;
  return async () => {
    await cluster[Symbol.asyncDispose]();
  };
}
