// A worker lives as long as this connection: it holds an advisory lock, which Postgres drops the moment the process
// is gone, however it went. Its runs then go on elsewhere at once instead of after the lease.

import { Client } from "pg";
import type { Log, Presence, WorkerId } from "../../ports.ts";
import { type Connection, clientConfig } from "./connect.ts";

export async function announceWorker(
  connection: Connection,
  worker: WorkerId,
  log: Log,
  onLost: () => void,
): Promise<Presence> {
  const client = new Client({
    ...clientConfig(connection),
    application_name: "assent worker",
    keepAlive: true,
  });
  let ended = false;
  client.on("error", (error) => {
    if (ended) return;
    log("warn", "the worker's presence connection broke", { error: error.message });
    onLost();
  });
  await client.connect();
  await client.query("select pg_advisory_lock_shared(assent.worker_lock_class(), $1)", [worker]);
  return {
    worker,
    async end(): Promise<void> {
      ended = true;
      await client.end();
    },
  };
}
