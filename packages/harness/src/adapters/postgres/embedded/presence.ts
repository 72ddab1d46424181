// Who uses the server: each process holds a shared advisory lock on a connection of its own, which the server drops
// with the connection, however the process ends. Whoever gets the lock exclusively is the last, and stops the server.

import { realpathSync } from "node:fs";
import { Socket } from "node:net";
import { Client, DatabaseError } from "pg";
import { type Connection, LOCK_CLASS, LOCK_KEYS } from "../connect.ts";
import { isDiskFull } from "../fault.ts";
import { inSession } from "../session.ts";
import { refusePasswords } from "./passwords.ts";
import { dataOf, passwordsOf } from "./places.ts";
import { type EmbeddedRefusal, errorCode, refuseFullDisk } from "./refusal.ts";

/** `socket` is the client's: it can be told not to keep the process alive. */
export type Presence = { readonly client: Client; readonly socket: Socket };

export type Attempt =
  | { readonly outcome: "present"; readonly presence: Presence }
  /** No server listens there. */
  | { readonly outcome: "absent" }
  /** One does, but is starting, stopping or full: ask again. */
  | { readonly outcome: "busy"; readonly why: string }
  | { readonly outcome: "refused"; readonly refusal: EmbeddedRefusal };

const CONNECT_TIMEOUT_MS = 5000;
const ABSENT: readonly string[] = ["ENOENT", "ECONNREFUSED"];
const WRONG_PASSWORD: readonly string[] = ["28P01", "28000"];

/** Tries once to be counted among the server's users. */
export async function tryPresence(home: string, connection: Connection): Promise<Attempt> {
  const socket = new Socket();
  const client = new Client({
    ...inSession(connection),
    stream: () => socket,
    application_name: "assent presence",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // Unheard, a server that goes away would end the process. What matters is the "end" that follows.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ present: boolean; data: string }>(
      "SELECT pg_try_advisory_lock_shared($1, $2) AS present, current_setting('data_directory') AS data",
      [LOCK_CLASS, LOCK_KEYS.presence],
    );
    // A copied data folder still names the original's socket: that server is not ours to use.
    if (rows[0]?.data !== realpathSync(dataOf(home))) return await leave(client, { outcome: "absent" });
    // Held exclusively: its last user is about to stop it.
    if (!rows[0].present) return await leave(client, { outcome: "busy", why: "the server is being stopped" });
    return { outcome: "present", presence: { client, socket } };
  } catch (error) {
    return await leave(client, explain(error, home));
  }
}

async function leave(client: Client, attempt: Attempt): Promise<Attempt> {
  await client.end().catch(() => undefined);
  return attempt;
}

function explain(error: unknown, home: string): Attempt {
  const code = errorCode(error);
  const why = error instanceof Error ? error.message : String(error);
  if (code !== undefined && ABSENT.includes(code)) return { outcome: "absent" };
  if (code !== undefined && WRONG_PASSWORD.includes(code)) {
    const { error: refusal } = refusePasswords(passwordsOf(home), "the server does not accept them");
    return { outcome: "refused", refusal };
  }
  // Not even what a session keeps for itself can be written.
  if (isDiskFull(error)) return { outcome: "refused", refusal: refuseFullDisk(home, why).error };
  // Starting, stopping, recovering, out of connections, or gone while we spoke.
  if (!(error instanceof DatabaseError) || ["57P03", "57P01", "53300"].includes(error.code ?? "")) {
    return { outcome: "busy", why };
  }
  throw error;
}

/**
 * Gives up presence, and says whether we were the last: then the server is ours to stop, and lets nobody in.
 * @returns undefined when the connection broke: the server died, or another last one is stopping it
 */
export async function leaveAsLast(client: Client): Promise<boolean | undefined> {
  try {
    const { rows } = await client.query<{ last: boolean }>(
      "SELECT pg_advisory_unlock_shared($1, $2), pg_try_advisory_lock($1, $2) AS last",
      [LOCK_CLASS, LOCK_KEYS.presence],
    );
    return rows[0]?.last === true;
  } catch (error) {
    // 57P01 to 57P03: the server is being shut down, crashed, or starts again.
    if (error instanceof DatabaseError && error.code?.startsWith("57P") !== true) throw error;
    return undefined;
  }
}
