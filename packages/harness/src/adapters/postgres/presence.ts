// A worker lives as long as this connection: it holds an advisory lock, which Postgres drops the moment the process
// is gone, however it went. Its runs then go on elsewhere at once instead of after the lease.

import type { Clock, Log, Presence, WorkerId } from "../../ports.ts";
import type { Connection } from "./connect.ts";
import { keepSession } from "./kept-session.ts";
import { hear, type Heard, LISTEN } from "./wake-ups.ts";

/** Rejects when the first connection fails; later ones are made again until `end`. */
export async function announceWorker(
  connection: Connection,
  worker: WorkerId,
  ports: { readonly clock: Clock; readonly log: Log; readonly heard: Heard },
): Promise<Presence> {
  const { heard } = ports;
  // A live worker without its lock looks dead, and others take its runs; fencing makes that safe, but it is waste.
  const session = await keepSession(
    connection,
    {
      title: "the worker's presence connection",
      name: "assent worker",
      data: { worker },
      isNeededAtOnce: true,
      enter: async (client) => {
        await client.query("select pg_advisory_lock_shared(assent.worker_lock_class(), $1)", [worker]);
        await client.query(LISTEN);
      },
      onNotification: (said) => {
        hear(said, heard);
      },
      onBack: () => {
        heard.onWakeUp();
        heard.onCallOff(null);
        heard.onAnswer(null);
      },
    },
    ports,
  );
  return {
    worker,
    isPresent: () => session.isThere(),
    async end(): Promise<void> {
      await session.end();
    },
  };
}
