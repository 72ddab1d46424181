// A connection of its own that is kept: made again whenever it breaks, until it is ended.

import { Client, type Notification } from "pg";
import type { Clock, Log } from "../../ports.ts";
import { type Connection, LISTENER_LIMITS } from "./connect.ts";
import { inSession } from "./session.ts";

/** Between two tries to come back after the connection broke; leases outlast a few of them. */
const RECONNECT_MS = 1_000;

export type KeptSession = {
  isThere(): boolean;
  /** Afterwards none is made any more; one that is being made is ended as soon as it is there. */
  end(): Promise<void>;
};

export type SessionPurpose = {
  /** What the log calls it, such as `the worker's presence connection`. */
  readonly title: string;
  /** What Postgres calls it. */
  readonly name: string;
  /** Whether the first one is waited for, and its failure is the caller's. */
  readonly isNeededAtOnce: boolean;
  /** Says what the session is to hold. */
  readonly enter: (client: Pick<Client, "query">) => Promise<unknown>;
  readonly onNotification: (said: Notification) => void;
  /** There is a connection after a time without one: nobody heard what was said meanwhile. */
  readonly onBack: () => void;
  /** What the log is told beside the title. */
  readonly data?: Readonly<Record<string, unknown>>;
};

/** Rejects when the first connection fails and is needed at once; later ones are made again until `end`. */
export async function keepSession(
  connection: Connection,
  purpose: SessionPurpose,
  ports: { readonly clock: Clock; readonly log: Log },
): Promise<KeptSession> {
  const ended = new AbortController();
  let client: Client | null = null;

  // A connection can be told of twice, and the second time after another has taken its place.
  const lost = (broken: Client): void => {
    if (ended.signal.aborted || client !== broken) return;
    client = null;
    ports.log("warn", `${purpose.title} broke`, { ...purpose.data });
    void comeBack(RECONNECT_MS);
  };

  async function comeBack(firstPauseMs: number): Promise<void> {
    for (let pauseMs = firstPauseMs; !ended.signal.aborted; pauseMs = RECONNECT_MS) {
      await ports.clock.sleep(pauseMs, ended.signal);
      if (ended.signal.aborted) return;
      try {
        client = await connect(connection, purpose, lost);
        purpose.onBack();
        if (ended.signal.aborted) await client.end();
        return;
      } catch (error) {
        ports.log("warn", `${purpose.title} cannot be made`, {
          ...purpose.data,
          error: error instanceof Error ? error.message : "unknown",
        });
      }
    }
  }

  if (purpose.isNeededAtOnce) client = await connect(connection, purpose, lost);
  else void comeBack(0);
  return {
    isThere: () => client !== null,
    async end(): Promise<void> {
      ended.abort();
      await client?.end();
    },
  };
}

async function connect(
  connection: Connection,
  { name, enter, onNotification }: SessionPurpose,
  lost: (broken: Client) => void,
): Promise<Client> {
  const client = new Client({ ...inSession(connection), ...LISTENER_LIMITS, application_name: name });
  const onLost = (): void => {
    lost(client);
  };
  client.on("error", onLost);
  client.on("end", onLost);
  client.on("notification", onNotification);
  await client.connect();
  try {
    await enter(client);
  } catch (error) {
    // Else each try to come back would leave a connection behind.
    await client.end();
    throw error;
  }
  return client;
}
