// The wire between the harness and Postgres made bad: a transaction commits or it does not, and nothing hangs for ever.

import { startTcpProxy, type TcpProxy, type WireFault } from "@assent/suite";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { connectPool, transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";

let database: ThrowAwayDatabase;
let proxy: TcpProxy;
let trials = 0;
beforeAll(async () => {
  database = await connectThrowAwayDatabase({ schema: "none" });
  const { host, port } = database.owner;
  proxy = await startTcpProxy({ path: `${host}/.s.PGSQL.${port}` }, 42);
  await database.ownerPool().query("create table written (n integer primary key)");
});
afterAll(async () => {
  await proxy.stop();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  proxy.set();
});

test.each<[string, WireFault]>([
  ["resets after some bytes", { kind: "reset", direction: "down", afterBytes: 600 }],
  ["cuts after some bytes", { kind: "cut", direction: "up", afterBytes: 400 }],
  ["is slow and comes in slices", { kind: "slice", sizeBytes: 7 }],
  ["refuses connections", { kind: "refuse" }],
])("a wire that %s loses no acknowledged write, and a sound one works again", async (_name, fault) => {
  const connection = { ...database.owner, host: proxy.host, port: proxy.port };
  const pool = connectPool({ connection, role: "app", connectionsMax: 1 });
  const acknowledged: number[] = [];
  const before = proxy.fired().get(fault.kind) ?? 0;
  const write = async (n: number): Promise<void> => {
    await transaction(pool, async (client) => {
      await client.query("insert into written values ($1)", [n]);
    });
    acknowledged.push(n);
  };
  trials += 1;
  const first = trials * 1_000;
  proxy.set(fault);
  for (let n = first; n < first + 6; n += 1) {
    try {
      await write(n);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
  }
  expect(proxy.fired().get(fault.kind) ?? 0).toBeGreaterThan(before);
  proxy.set();
  proxy.resetAll();
  const sound = connectPool({ connection, role: "app", connectionsMax: 1 });
  await transaction(sound, async (client) => {
    await client.query("insert into written values ($1)", [first + 100]);
  });
  const { rows } = await database
    .ownerPool()
    .query<{ n: number }>("select n from written where n >= $1 and n < $1 + 100", [first]);
  expect(acknowledged.filter((n) => !rows.some((row) => row.n === n))).toEqual([]);
  await pool.end();
  await sound.end();
});
