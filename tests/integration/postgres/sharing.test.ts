import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Client, type ClientConfig } from "pg";
import { expect, test } from "vitest";
import { openEmbedded } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { until } from "../../support/until.ts";
import { isRunning, makeFolderWithCluster, makeScratchFolder, startOpener } from "./processes.ts";

const ROUNDS = 4;

/** The rows of one question, over a connection of its own. */
async function asked(connection: ClientConfig, sql: string): Promise<unknown[]> {
  const client = new Client(connection);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test("the server survives the kill of its only process, and the next one attaches to it", async () => {
  await using folder = makeFolderWithCluster();
  const first = await startOpener(folder.path);
  await first.kill();
  expect(isRunning(first.serverPid)).toBe(true);
  await using second = await startOpener(folder.path);
  expect(second.serverPid).toBe(first.serverPid);
  expect(await second.release()).toBe("stopped");
  expect(isRunning(first.serverPid)).toBe(false);
});

test("processes that open a fresh folder at once share one cluster; only the last one stops it", async () => {
  await using folder = makeScratchFolder();
  const openers = await Promise.all([1, 2, 3].map(async () => await startOpener(folder.path)));
  expect(new Set(openers.map((opener) => opener.serverPid)).size).toBe(1);
  // The losers' drafts are gone.
  expect(readdirSync(folder.path)).toEqual(["postgres", "run.pid"]);
  const ends: string[] = [];
  for (const opener of openers) {
    expect(isRunning(opener.serverPid)).toBe(true);
    ends.push(await opener.release());
  }
  expect(ends).toEqual(["shared", "shared", "stopped"]);
  expect(isRunning(openers[0]?.serverPid ?? 0)).toBe(false);
});

test("of processes that release at once, exactly one stops the server", async () => {
  await using folder = makeFolderWithCluster();
  for (let round = 0; round < ROUNDS; round += 1) {
    const openers = await Promise.all([1, 2, 3].map(async () => await startOpener(folder.path)));
    const ends = await Promise.all(openers.map(async (opener) => await opener.release()));
    expect(ends.toSorted()).toEqual(["shared", "shared", "stopped"]);
    expect(isRunning(openers[0]?.serverPid ?? 0)).toBe(false);
  }
});

test("who opens while the last one stops the server gets a working server", async () => {
  await using folder = makeFolderWithCluster();
  await using first = await startOpener(folder.path);
  let leaving = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    const released = leaving.release();
    const opened = await openEmbedded({ folder: folder.path, fsync: false });
    await released;
    if (!opened.ok) throw new Error(opened.error.message);
    const client = new Client(opened.value.connection("app"));
    await client.connect();
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await client.end();
    leaving = await startOpener(folder.path);
    expect(leaving.serverPid).toBe(opened.value.serverPid);
    expect(await opened.value.release()).toBe("shared");
  }
  expect(await leaving.release()).toBe("stopped");
});

test("a server that is killed is started again under the process that uses it, and keeps what was committed", async () => {
  await using folder = makeFolderWithCluster();
  const opened = await openEmbedded({ folder: folder.path });
  if (!opened.ok) throw new Error(opened.error.message);
  await using server = opened.value;
  const before = server.serverPid;
  const writer = new Client(server.connection("owner"));
  writer.on("error", () => undefined);
  await writer.connect();
  await writer.query("CREATE TABLE kept (id int)");
  await writer.query("INSERT INTO kept VALUES (7)");
  process.kill(before, "SIGKILL");
  const rows = await until("the database answers again", async () => {
    try {
      return await asked(server.connection("owner"), "SELECT id FROM kept");
    } catch {
      return false;
    }
  });
  expect(rows).toEqual([{ id: 7 }]);
  expect(server.serverPid).not.toBe(before);
  await until("it holds its share again", async () => {
    const held = await asked(
      server.connection("superuser", "postgres"),
      "SELECT count(*)::int AS present FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'",
    );
    return isDeepStrictEqual(held, [{ present: 1 }]);
  });
  expect(await server.release()).toBe("stopped");
});

test("what keeps a killed server from starting can be mended while the process lives", async () => {
  await using folder = makeFolderWithCluster();
  const told: string[] = [];
  const opened = await openEmbedded({
    folder: folder.path,
    fsync: false,
    onProgress: (line) => void told.push(line),
  });
  if (!opened.ok) throw new Error(opened.error.message);
  await using server = opened.value;
  const before = server.serverPid;
  const control = join(server.home, "data", "global", "pg_control");
  renameSync(control, `${control}.aside`);
  process.kill(before, "SIGKILL");
  await until("it says that it tries again", () => told.some((line) => line.endsWith("; trying again")));
  renameSync(`${control}.aside`, control);
  await until("the database answers again", async () => {
    try {
      return await asked(server.connection("owner"), "SELECT 1");
    } catch {
      return false;
    }
  });
  expect(server.serverPid).not.toBe(before);
  expect(await server.release()).toBe("stopped");
});

test("two uses in one process count as two", async () => {
  await using folder = makeScratchFolder();
  const [first, second] = await Promise.all(
    [1, 2].map(async () => await openEmbedded({ folder: join(folder.path, "nested", "deep"), fsync: false })),
  );
  if (first?.ok !== true || second?.ok !== true) throw new Error("both open");
  expect(first.value.serverPid).toBe(second.value.serverPid);
  expect(await first.value.release()).toBe("shared");
  // Releasing again is the same release, not a second one.
  expect(await first.value.release()).toBe("shared");
  expect(await second.value.release()).toBe("stopped");
});
