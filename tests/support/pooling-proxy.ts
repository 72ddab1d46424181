// A pooler between clients and Postgres, as pgbouncer is one: it logs clients in itself, and lends each a session of the
// server for a transaction, or for as long as the client stays.

import { once } from "node:events";
import { createServer, Socket } from "node:net";
import { join } from "node:path";
import { Client } from "pg";
import type { Connection } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { temporaryFolder } from "../integration/files/repository.ts";

export type PoolingProxy = AsyncDisposable & { readonly connection: Connection };

type Session = { readonly client: Client; readonly socket: Socket };

const PORT = 5432;
const IDLE = "I".codePointAt(0);
const READY = "Z".codePointAt(0);
const TERMINATE = "X".codePointAt(0);
/** Of a process that there is none of, as poolers make them up. */
const MADE_UP = 4_000_001;

/** @param mode for how long a client has the same session of the server */
export async function openPoolingProxy(
  to: Connection,
  mode: "transaction" | "session",
): Promise<PoolingProxy> {
  const free: Session[] = [];
  const all: Session[] = [];
  const clients = new Set<Socket>();
  const take = async (): Promise<Session> => {
    // The one that was used last, as pgbouncer does.
    const session = free.pop() ?? (await openSession(to));
    if (!all.includes(session)) all.push(session);
    return session;
  };
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on("error", () => undefined);
    void serve(socket, mode, take, (session) => free.push(session));
  });
  const host = temporaryFolder();
  server.listen(join(host, `.s.PGSQL.${PORT}`));
  await once(server, "listening");
  return {
    connection: { ...to, host, port: PORT },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const client of clients) client.destroy();
      for (const { socket } of all) socket.destroy();
      await Promise.resolve();
    },
  };
}

// Logged in by the library, and from then on only its socket is used.
async function openSession(to: Connection): Promise<Session> {
  const client = new Client(to);
  client.on("error", () => undefined);
  await client.connect();
  const inner: unknown = Reflect.get(client, "connection");
  const socket: unknown = Reflect.get(Object(inner), "stream");
  if (!(socket instanceof Socket)) throw new Error("a connection has a socket");
  socket.removeAllListeners("data");
  return { client, socket };
}

async function serve(
  socket: Socket,
  mode: "transaction" | "session",
  take: () => Promise<Session>,
  giveBack: (session: Session) => void,
): Promise<void> {
  let session: Session | null = null;
  let waiting = Buffer.alloc(0);
  let isWelcome = false;
  const letGo = (): void => {
    if (session !== null) giveBack(session);
    session?.socket.removeAllListeners("data");
    session = null;
  };
  socket.on("close", letGo);
  for await (const chunk of socket) {
    if (!Buffer.isBuffer(chunk)) throw new Error("a socket without an encoding gives bytes");
    waiting = Buffer.concat([waiting, chunk]);
    if (!isWelcome) {
      isWelcome = true;
      waiting = Buffer.alloc(0);
      socket.write(welcome());
      continue;
    }
    if (waiting[0] === TERMINATE) return;
    if (session === null) {
      const taken = await take();
      session = taken;
      taken.socket.on("data", (said: Buffer) => {
        socket.write(said);
        if (mode === "transaction" && isIdle(said)) letGo();
      });
    }
    session.socket.write(waiting);
    waiting = Buffer.alloc(0);
  }
}

function message(type: string, ...words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(5 + words.length * 4);
  bytes.write(type);
  for (const [at, word] of [4 + words.length * 4, ...words].entries()) bytes.writeInt32BE(word, 1 + at * 4);
  return bytes;
}

/** "You are logged in, you may begin." */
function welcome(): Buffer {
  return Buffer.concat([
    message("R", 0),
    message("K", MADE_UP, MADE_UP),
    Buffer.from([READY ?? 0, 0, 0, 0, 5, IDLE ?? 0]),
  ]);
}

/** The server is done with what it was asked, and in no transaction: it says so last. */
const isIdle = (said: Buffer): boolean =>
  said.length >= 6 &&
  said.at(-6) === READY &&
  said.readInt32BE(said.length - 5) === 5 &&
  said.at(-1) === IDLE;
