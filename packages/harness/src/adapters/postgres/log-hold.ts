// One process keeps the logs of a database: the one whose connection holds an advisory lock, which Postgres drops the
// moment that process is gone. On the same connection it hears who waits for a checkpoint.

import { Client, type Pool } from "pg";
import type { Log, LogHold } from "../../ports.ts";
import { type Connection, LISTENER_LIMITS, LOCK_CLASS, LOCK_KEYS } from "./connect.ts";
import { inSession } from "./session.ts";

/** Sent by whoever waits for a checkpoint, and only by them: business transactions would queue up for NOTIFY's lock. */
const LOG_CHANNEL = "assent_audit";

/** Makes whoever keeps the logs look at once. */
export async function notifyLogKeeper(pool: Pool): Promise<void> {
  await pool.query("select pg_notify($1, '')", [LOG_CHANNEL]);
}

export function openLogHold(connection: Connection, log: Log, onWanted: () => void): LogHold {
  let client: Client | null = null;
  let held = false;
  const drop = (): void => {
    client = null;
    held = false;
  };
  // A connection can be told of twice, and the second time after another has taken its place.
  const dropIf = (broken: Client): void => {
    if (client === broken) drop();
  };
  const connect = async (): Promise<Client> => {
    const fresh = new Client({
      ...inSession(connection),
      ...LISTENER_LIMITS,
      application_name: "assent log keeper",
    });
    fresh.on("error", (error) => {
      if (client === fresh) log("warn", "the log keeper's connection broke", { error: error.message });
      dropIf(fresh);
    });
    fresh.on("end", () => {
      dropIf(fresh);
    });
    fresh.on("notification", onWanted);
    await fresh.connect();
    return fresh;
  };
  return {
    async take(): Promise<boolean> {
      if (held) return true;
      client ??= await connect();
      const { rows } = await client.query<{ got: boolean }>("select pg_try_advisory_lock($1, $2) as got", [
        LOCK_CLASS,
        LOCK_KEYS.logKeeper,
      ]);
      held = rows[0]?.got === true;
      if (held) await client.query(`listen ${LOG_CHANNEL}`);
      return held;
    },
    async end(): Promise<void> {
      const open = client;
      drop();
      await open?.end();
    },
  };
}
