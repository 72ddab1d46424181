// A wire to Postgres that goes silent or garbles what it carries: whoever waits is told, the connection is thrown away,
// and a commit that nobody has heard of again is called unknown.

import { once } from "node:events";
import { createServer } from "node:net";
import { startTcpProxy, type TcpProxy, type WireFault } from "@assent/suite";
import type { Pool, PoolClient } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { connectPool, transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { CommitUnknownError, faultOf } from "../../../packages/harness/src/adapters/postgres/fault.ts";
import { GARBLED } from "../../../packages/harness/src/adapters/postgres/wire.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";

/** Short, so that the end of it is seen; nothing here is told by how long it took. */
const LIMITS = { statementMsMax: 200, connectMsMax: 1_000 };
const BLACK_HOLE: WireFault = { kind: "black_hole" };

let database: ThrowAwayDatabase;
let proxy: TcpProxy;
let pool: Pool;
let next = 0;
beforeAll(async () => {
  database = await connectThrowAwayDatabase({ schema: "none" });
  const { host, port } = database.owner;
  proxy = await startTcpProxy({ path: `${host}/.s.PGSQL.${port}` }, 7);
  await database.ownerPool().query("create table written (n integer primary key)");
});
afterAll(async () => {
  await proxy.stop();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  proxy.set();
  pool = connectPool({
    connection: { ...database.owner, host: proxy.host, port: proxy.port },
    role: "app",
    connectionsMax: 1,
    ...LIMITS,
  });
});
afterEach(async () => {
  proxy.set();
  proxy.resetAll();
  await pool.end();
});

const failure = async (work: Promise<unknown>): Promise<unknown> =>
  await work.then(
    () => "nothing failed",
    (error: unknown) => error,
  );

const write = async (client: PoolClient, n: number): Promise<void> => {
  await client.query("insert into written values ($1)", [n]);
};

async function stored(n: number): Promise<boolean> {
  const { rowCount } = await database.ownerPool().query("select from written where n = $1", [n]);
  return rowCount === 1;
}

/** The only connection of the pool has been thrown away, and a new one works. */
async function expectUsable(): Promise<void> {
  proxy.set();
  next += 1;
  const n = next;
  await transaction(pool, async (client) => {
    await write(client, n);
  });
  expect(await stored(n)).toBe(true);
  expect(pool.totalCount).toBe(1);
}

test("a statement whose answer never comes is given up: nothing of its transaction was kept", async () => {
  next += 1;
  const n = next;
  const error = await failure(
    transaction(pool, async (client) => {
      await write(client, n);
      proxy.set(BLACK_HOLE);
      await client.query("select 1");
    }),
  );
  expect([faultOf(error), error instanceof CommitUnknownError]).toEqual(["lost", false]);
  expect(proxy.fired().get("black_hole") ?? 0).toBeGreaterThan(0);
  await expectUsable();
  expect(await stored(n)).toBe(false);
});

test("a commit whose answer never comes is unknown, and here it was kept", async () => {
  next += 1;
  const n = next;
  const error = await failure(
    transaction(pool, async (client) => {
      await write(client, n);
      proxy.set({ ...BLACK_HOLE, direction: "down" });
    }),
  );
  expect(error).toBeInstanceOf(CommitUnknownError);
  await expectUsable();
  expect(await stored(n)).toBe(true);
});

test("a statement outside of any transaction is given up as well", async () => {
  await pool.query("select 1");
  proxy.set(BLACK_HOLE);
  expect(faultOf(await failure(pool.query("select 1")))).toBe("lost");
  await expectUsable();
});

test("a connection that is never made is given up", async () => {
  proxy.set(BLACK_HOLE);
  expect(faultOf(await failure(pool.query("select 1")))).toBe("lost");
  await expectUsable();
});

test("a statement that the server itself stops after the limit is nobody's bug", async () => {
  expect(faultOf(await failure(pool.query("select pg_sleep(60)")))).toBe("exhausted");
  await expectUsable();
});

// Authentication done, ready; then a row that says it has columns and holds none.
const GREETING = Buffer.from("R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", "latin1");
const HOLLOW_ROW = Buffer.from("D\0\0\0\x06\0\x05", "latin1");

test("bytes at which the parser throws end the connection, and not the process", async () => {
  const server = createServer((socket) => {
    socket.once("data", () => {
      socket.write(GREETING);
      socket.once("data", () => socket.write(HOLLOW_ROW));
    });
    socket.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const misled = connectPool({
    connection: { ...database.owner, host: "127.0.0.1", port: address.port },
    role: "app",
    connectionsMax: 1,
  });
  const error = await failure(misled.query("select 1"));
  expect([faultOf(error), error]).toEqual(["lost", new Error(GARBLED)]);
  await misled.end();
  server.close();
});

test.each([3, 17])(
  "a wire that garbles one bit in %i bytes: each write fails or is unknown, none hangs, none is believed wrongly",
  async (everyBytes) => {
    await pool.query("select 1");
    const outcomes: unknown[] = [];
    for (let round = 0; round < 4; round += 1) {
      next += 1;
      const n = next;
      const error = await failure(
        transaction(pool, async (client) => {
          await client.query("select 1");
          proxy.set({ kind: "corrupt", direction: "down", everyBytes });
          await write(client, n);
        }),
      );
      proxy.set();
      outcomes.push(error === "nothing failed" ? await stored(n) : error instanceof Error);
    }
    expect(outcomes).toEqual(outcomes.map(() => true));
    await expectUsable();
  },
);
