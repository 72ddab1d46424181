// Where the server may live: closed folders, long paths, numbers of processes that were given to others.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Client } from "pg";
import { expect, test } from "vitest";
import {
  type EmbeddedOptions,
  type EmbeddedServer,
  openEmbedded,
} from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import {
  describeHost,
  findBinaries,
} from "../../../packages/harness/src/adapters/postgres/embedded/platform.ts";
import { makeFolderWithCluster, makeScratchFolder } from "./processes.ts";

const isRoot: boolean = process.getuid?.() === 0;

async function open(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const opened = await openEmbedded({ fsync: false, ...options });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  return opened.value;
}

async function ask(server: EmbeddedServer, sql: string): Promise<unknown[]> {
  const client = new Client(server.connection("superuser"));
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("the server is durable, unreachable by network, and never shows or logs a password", async () => {
  await using folder = makeScratchFolder();
  const opened = await openEmbedded({ folder: folder.path });
  if (!opened.ok) throw new Error(opened.error.message);
  await using server = opened.value;
  const names = [
    "listen_addresses",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "data_checksums",
    "TimeZone",
  ];
  expect(
    await ask(server, `SELECT ${names.map((name) => `current_setting('${name}') AS "${name}"`).join()}`),
  ).toEqual([
    {
      listen_addresses: "",
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      data_checksums: "on",
      TimeZone: "UTC",
    },
  ]);
  await expect(ask(server, "SELECT 'row of a tenant'::int")).rejects.toThrow("row of a tenant");
  const wrong = new Client({ ...server.connection("app"), password: "wrong" });
  await expect(wrong.connect()).rejects.toMatchObject({ code: "28P01" });
  const home = join(folder.path, "postgres");
  expect(statSync(join(home, "passwords.json")).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, "data")).mode & 0o077).toBe(0);
  expect(statSync(join(home, "data")).uid === 0).toBe(false);
  const log = readFileSync(join(home, "server.log"), "utf8");
  expect(log).toContain("ready to accept connections");
  expect(log).not.toContain("row of a tenant");
  for (const role of ["superuser", "owner", "app"] as const) {
    expect(log).not.toContain(server.connection(role).password());
  }
});

test("a path too long for a socket gets a short private one, which a second process finds", async () => {
  await using scratch = makeScratchFolder();
  const folder = join(scratch.path, "long-".repeat(24));
  await using first = await open({ folder });
  const { host } = first.connection("app");
  expect(Buffer.byteLength(host)).toBeLessThan(90);
  expect(statSync(host).mode & 0o777).toBe(0o700);
  await using second = await open({ folder });
  expect(second.serverPid).toBe(first.serverPid);
  expect([await first.release(), await second.release()]).toEqual(["shared", "stopped"]);
  rmdirSync(host);
});

test("a clone that the server's user cannot pass is served all the same", async () => {
  await using scratch = makeScratchFolder();
  const closed = join(scratch.path, "closed");
  mkdirSync(closed, { mode: 0o700 });
  const found = findBinaries(describeHost());
  if (!found.ok) throw new Error(found.error.message);
  cpSync(dirname(found.value.folder), join(closed, "package"), { recursive: true, verbatimSymlinks: true });
  const folder = join(closed, ".assent");
  const systemFolder = join(scratch.path, "system");
  const lines: string[] = [];
  const options: EmbeddedOptions = {
    folder,
    systemFolder,
    host: { ...describeHost(), resolvePackage: () => join(closed, "package", "dist", "index.js") },
    onProgress: (line) => lines.push(line),
  };
  const server = await open(options);
  const [row] = await ask(server, "SELECT current_setting('data_directory') AS data");
  await ask(server, "CREATE TABLE kept (id int)");
  expect(await server.release()).toBe("stopped");
  // As ourselves everything is in reach; only root's server, being another user, needs the other places.
  expect(row).toEqual({ data: expect.stringContaining(isRoot ? systemFolder : folder) });
  expect(existsSync(join(folder, "postgres.json"))).toBe(isRoot);
  expect(existsSync(join(systemFolder, `postgres-bin-${found.value.version}`))).toBe(isRoot);
  expect(lines.filter((line) => line.includes("cannot reach"))).toHaveLength(isRoot ? 2 : 0);
  // Opened a second time, it is the same database.
  await using again = await open(options);
  expect(await ask(again, "SELECT id FROM kept")).toEqual([]);
});

test("a lock file whose number another program of the same user has by now does not keep the server from starting", async () => {
  await using scratch = makeFolderWithCluster();
  const folder = scratch.path;
  const data = join(folder, "postgres", "data");
  const first = await open({ folder });
  const locks = [join(data, "postmaster.pid"), join(first.connection("app").host, ".s.PGSQL.5432.lock")];
  const [pidFile = "", socketLock = ""] = locks.map((file) => readFileSync(file, "utf8"));
  const old = String(first.serverPid);
  expect(await first.release()).toBe("stopped");
  const { uid, gid } = statSync(data);
  const bystander = spawn("/bin/cat", [], {
    cwd: "/",
    stdio: ["pipe", "ignore", "ignore"],
    ...(isRoot ? { uid, gid } : {}),
  });
  const ended = once(bystander, "exit");
  for (const [file, text] of [
    [locks[0], pidFile],
    [locks[1], socketLock],
  ] as const) {
    if (file === undefined) throw new Error("two files");
    writeFileSync(file, text.replace(old, String(bystander.pid)));
    chmodSync(file, 0o644);
  }
  const second = await open({ folder });
  expect(await ask(second, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect(await second.release()).toBe("stopped");
  expect(bystander.exitCode).toBeNull();
  bystander.stdin?.end();
  expect(await ended).toEqual([0, null]);
});

test("a copy of a folder, made while its server runs, gets a server of its own", async () => {
  await using scratch = makeScratchFolder();
  const original = join(scratch.path, "original");
  const copy = join(scratch.path, "copy");
  await using first = await open({ folder: original });
  await ask(first, "CHECKPOINT");
  // cp keeps owners and modes, which the server insists on.
  expect(spawnSync("cp", ["-a", original, copy]).status).toBe(0);
  await using second = await open({ folder: copy });
  expect(second.serverPid).not.toBe(first.serverPid);
  await ask(second, "CREATE TABLE planted (id int)");
  expect(await ask(first, "SELECT to_regclass('planted')::text AS found")).toEqual([{ found: null }]);
});
