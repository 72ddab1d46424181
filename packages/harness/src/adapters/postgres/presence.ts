// A worker lives as long as this connection: it holds an advisory lock, which Postgres drops the moment the process
// is gone, however it went. Its runs then go on elsewhere at once instead of after the lease.

import { Client } from "pg";
import type { Clock, Log, Presence, WorkerId } from "../../ports.ts";
import { type Connection, LISTENER_LIMITS } from "./connect.ts";
import { inSession } from "./session.ts";
import { hear, type Heard, LISTEN } from "./wake-ups.ts";

/** Between two tries to come back after the connection broke; leases outlast a few of them. */
const RECONNECT_MS = 1_000;

/** Rejects when the first connection fails; later ones are made again until `end`. */
export async function announceWorker(
  connection: Connection,
  worker: WorkerId,
  ports: { readonly clock: Clock; readonly log: Log; readonly heard: Heard },
): Promise<Presence> {
  const ended = new AbortController();
  let client: Client | null = null;
  const on: Told = { lost, heard: ports.heard };
  client = await connect(connection, worker, on);

  // A connection can be told of twice, and the second time after another has taken its place.
  function lost(broken: Client): void {
    if (ended.signal.aborted || client !== broken) return;
    client = null;
    ports.log("warn", "the worker's presence connection broke", { worker });
    void comeBack();
  }

  // A live worker without its lock looks dead, and others take its runs; fencing makes that safe, but it is waste.
  async function comeBack(): Promise<void> {
    while (!ended.signal.aborted) {
      await ports.clock.sleep(RECONNECT_MS, ended.signal);
      try {
        client = await connect(connection, worker, on);
        // What was said meanwhile nobody heard.
        ports.heard.onWakeUp();
        ports.heard.onCallOff(null);
        if (ended.signal.aborted) await client.end();
        return;
      } catch (error) {
        ports.log("warn", "the worker's presence connection cannot be made", {
          worker,
          error: error instanceof Error ? error.message : "unknown",
        });
      }
    }
  }

  return {
    worker,
    isPresent: () => client !== null,
    async end(): Promise<void> {
      ended.abort();
      await client?.end();
    },
  };
}

type Told = { readonly lost: (broken: Client) => void; readonly heard: Heard };

async function connect(connection: Connection, worker: WorkerId, on: Told): Promise<Client> {
  const client = new Client({
    ...inSession(connection),
    ...LISTENER_LIMITS,
    application_name: "assent worker",
  });
  const lost = (): void => {
    on.lost(client);
  };
  client.on("error", lost);
  client.on("end", lost);
  client.on("notification", (said) => {
    hear(said, on.heard);
  });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock_shared(assent.worker_lock_class(), $1)", [worker]);
    await client.query(LISTEN);
  } catch (error) {
    // Else each try to come back would leave a connection behind.
    await client.end();
    throw error;
  }
  return client;
}
