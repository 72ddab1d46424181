// pg-boss delivers; it decides nothing. Whether a message still means anything, the run's row says.

import { PgBoss, type ConstructorOptions } from "pg-boss";
import { RETRY_DELAY_SECONDS_MAX } from "../../base/limits.ts";
import type { Delivery, Log, Queue, RunMessage, StoreTx } from "../../ports.ts";
import type { Connection } from "./connect.ts";
import type { Query } from "./rows.ts";

export const QUEUE_SCHEMA = "pgboss";
const RUN_QUEUE = "run";

/** pg-boss looks for new messages this often where no NOTIFY came; the newest message is only late, never lost. */
const POLL_SECONDS = 5;

/** pg-boss gives a message to another worker when its holder was not heard of for this long. */
const HEARTBEAT_SECONDS = 60;

/** Longer than any run may hold a worker; heartbeats, not this, tell the dead from the slow. */
const DELIVERY_SECONDS_MAX = 23 * 60 * 60;

/** A message whose handling keeps throwing (the database is gone) is kept this often, then the sweeper sends anew. */
const REDELIVERIES_MAX = 50;

const bossOptions = (connection: Connection): ConstructorOptions => ({
  host: connection.host,
  port: connection.port,
  database: connection.database,
  user: connection.user,
  password: connection.password,
  ...(connection.ssl === undefined ? {} : { ssl: connection.ssl }),
  ...(connection.options === undefined ? {} : { options: connection.options }),
  application_name: "assent queue",
  schema: QUEUE_SCHEMA,
  schedule: false,
});

/** Sets up or upgrades pg-boss's own tables, as the owner, and lets the service use them but not change them. */
export async function migrateQueue(owner: Connection): Promise<void> {
  const boss = new PgBoss({ ...bossOptions(owner), max: 2, supervise: false });
  const errors: Error[] = [];
  boss.on("error", (error) => errors.push(error));
  await boss.start();
  try {
    await boss.createQueue(RUN_QUEUE, {
      policy: "standard",
      retryLimit: REDELIVERIES_MAX,
      retryDelay: 1,
      retryBackoff: true,
      retryDelayMax: RETRY_DELAY_SECONDS_MAX,
      expireInSeconds: DELIVERY_SECONDS_MAX,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      notify: true,
    });
    for (const grant of GRANTS) await boss.getDb().executeSql(grant);
  } finally {
    await boss.stop({ graceful: false });
  }
  const [error] = errors;
  if (error !== undefined) throw error;
}

const GRANTS: readonly string[] = [
  `grant usage on schema ${QUEUE_SCHEMA} to assent_app`,
  `grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to assent_app`,
  `grant usage on all sequences in schema ${QUEUE_SCHEMA} to assent_app`,
  `grant execute on all functions in schema ${QUEUE_SCHEMA} to assent_app`,
];

export type PostgresQueue = Queue & {
  /** Sends as part of a transaction that is open on another connection. */
  sender(query: Query): StoreTx["queue"];
  close(): Promise<void>;
};

/** @param consumes whether this process takes messages, or only sends them */
export async function openQueue(connection: Connection, consumes: boolean, log: Log): Promise<PostgresQueue> {
  const boss = new PgBoss({
    ...bossOptions(connection),
    max: 3,
    migrate: false,
    createSchema: false,
    supervise: consumes,
    useListenNotify: consumes,
    // The service's role may neither rebuild indexes nor read what monitoring the vacuum takes.
    reindex: false,
    monitorVacuum: false,
  });
  boss.on("error", (error) => {
    log("warn", "queue error", { error: error.message });
  });
  await boss.start();
  return {
    sender: (query) => ({
      async send(message: RunMessage, delaySeconds: number): Promise<void> {
        await boss.send(RUN_QUEUE, message, {
          ...(delaySeconds > 0 ? { startAfter: delaySeconds } : {}),
          db: { executeSql: async (text, values) => ({ rows: [...(await query(text, values ?? []))] }) },
        });
      },
    }),
    async consume(concurrency, handle) {
      await boss.work<RunMessage>(
        RUN_QUEUE,
        {
          localConcurrency: concurrency,
          batchSize: 1,
          pollingIntervalSeconds: POLL_SECONDS,
          notifyPollingIntervalSeconds: POLL_SECONDS,
        },
        async ([job]) => {
          if (job === undefined) return;
          const delivery: Delivery = { message: job.data, signal: job.signal };
          await handle(delivery);
        },
      );
      return {
        async stop(): Promise<void> {
          await boss.offWork(RUN_QUEUE, { wait: true });
        },
      };
    },
    close: async () => {
      await boss.stop({ graceful: false });
    },
  };
}
