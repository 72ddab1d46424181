// The plan's `backend/database/connect`: one call gives a test its own empty, migrated database on the real engine,
// and disposing removes it. One cluster serves a whole run; each database is a copy of a migrated template. Nothing
// here needs a test runner.

import { randomBytes } from "node:crypto";
import {
  existsSync,
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Pool } from "pg";
import { type Connection, connectPool } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { createDatabase } from "../../packages/harness/src/adapters/postgres/embedded/bootstrap.ts";
import {
  type EmbeddedServer,
  openEmbedded,
  stopUnusedServer,
} from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { migrate } from "../../packages/harness/src/adapters/postgres/migrate.ts";

/** Names the run's folder to the processes of the run. */
export const CLUSTER_VARIABLE = "ASSENT_TEST_CLUSTER";
const FOLDER_PREFIX = "assent-test-";
const TEMPORARY_PREFIX = "assent-tmp-";
const TEMPLATE = "assent_template";
const ADMIN_CONNECTIONS_MAX = 2;

/** A run's databases take a fraction of this; a container's default of 64 MB takes none. */
const MEMORY_BYTES_MIN = 2_000_000_000;
const MEMORY_FOLDER = "/dev/shm";

/** Where throw-away clusters go: into memory where there is enough, since a database is 300 new files. */
function chooseTemporaryFolder(): string {
  if (!existsSync(MEMORY_FOLDER)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  return bavail * bsize >= MEMORY_BYTES_MIN ? MEMORY_FOLDER : tmpdir();
}

export type TestCluster = AsyncDisposable & {
  readonly folder: string;
  readonly server: EmbeddedServer;
};

export type ThrowAwayDatabase = AsyncDisposable & {
  readonly name: string;
  readonly app: Connection;
  readonly owner: Connection;
  /** Made at the first call, ended when the database is disposed of. */
  appPool(): Pool;
  ownerPool(): Pool;
  /** The database as it is now, as a backup of all its files would have it. Pools that were made are ended. */
  copy(): Promise<ThrowAwayDatabase>;
};

async function openServer(folder: string): Promise<EmbeddedServer> {
  const opened = await openEmbedded({ folder, fsync: false });
  if (!opened.ok)
    throw new Error(`${opened.error.message}; ${opened.error.remedy}\n${opened.error.detail ?? ""}`);
  return opened.value;
}

/** A folder for a cluster, which the next run removes, with its server, if this process is killed. */
export const makeSweptFolder = (): string => makeFolder(FOLDER_PREFIX);

/** The folder that holds all others of a run's; the next run removes it if this process is killed. */
export function makeTemporaryFolder(): string {
  for (const folder of listOwn(TEMPORARY_PREFIX))
    if (!isMakerAlive(folder)) rmSync(folder, { recursive: true, force: true });
  return makeFolder(TEMPORARY_PREFIX);
}

function makeFolder(prefix: string): string {
  const folder = mkdtempSync(join(chooseTemporaryFolder(), prefix));
  // When we are root, the server's user has to pass through.
  chmodSync(folder, 0o711);
  writeFileSync(pidFileOf(folder), String(process.pid));
  return folder;
}

/** Starts the run's cluster, after removing what killed runs left behind; disposing stops and deletes it. */
export async function openTestCluster(): Promise<TestCluster> {
  await sweepClusters();
  const folder = makeSweptFolder();
  const server = await openServer(folder);
  const admin = connectAdmin(server);
  try {
    await buildTemplate(server, admin);
  } finally {
    await admin.end();
  }
  return {
    folder,
    server,
    [Symbol.asyncDispose]: async () => {
      await server.release();
      // A process of this run that is still there keeps the server; the next run sweeps it.
      if ((await stopUnusedServer(folder)) !== "shared") rmSync(folder, { recursive: true, force: true });
    },
  };
}

const pidFileOf = (folder: string): string => join(folder, "run.pid");
/** No cluster takes this long to make; until then its maker may be alive without being present yet. */
const MAKING_MS_MAX = 600_000;

/** Stops and removes the clusters of runs that ended without doing so. Presence tells which are in use. */
export async function sweepClusters(): Promise<void> {
  for (const folder of listOwn(FOLDER_PREFIX)) {
    const { mtimeMs } = lstatSync(folder, { throwIfNoEntry: false }) ?? { mtimeMs: 0 };
    if (Date.now() - mtimeMs < MAKING_MS_MAX && isMakerAlive(folder)) continue;
    if ((await stopUnusedServer(folder)) === "shared") continue;
    rmSync(folder, { recursive: true, force: true });
  }
}

const listOwn = (prefix: string): string[] =>
  [...new Set([MEMORY_FOLDER, tmpdir()])]
    .filter((parent) => existsSync(parent))
    .flatMap((parent) => readdirSync(parent).map((entry) => join(parent, entry)))
    .filter((path) => basename(path).startsWith(prefix))
    .filter((path) => {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      // The temporary folder is everybody's: what another user put there is not ours to touch.
      return stats?.isDirectory() === true && stats.uid === process.getuid?.();
    });

function isMakerAlive(folder: string): boolean {
  if (!existsSync(pidFileOf(folder))) return true;
  try {
    return process.kill(Number(readFileSync(pidFileOf(folder), "utf8")), 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

const connectAdmin = (server: EmbeddedServer): Pool =>
  new Pool({
    ...server.connection("superuser", "postgres"),
    application_name: "assent test admin",
    max: ADMIN_CONNECTIONS_MAX,
    // A process that has finished its tests may end.
    allowExitOnIdle: true,
  }).on("error", () => undefined);

async function withAdmin<T>(
  admin: Pool,
  work: (client: Parameters<typeof createDatabase>[0]) => Promise<T>,
): Promise<T> {
  const client = await admin.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}

async function buildTemplate(server: EmbeddedServer, admin: Pool): Promise<void> {
  await withAdmin(admin, async (client) => {
    await createDatabase(client, TEMPLATE);
  });
  const migrated = await migrate({
    connection: server.connection("owner", TEMPLATE),
  });
  if (!migrated.ok) throw new Error(migrated.error.message);
  // A connection to the template, be it only a health check's, would make every copy fail.
  await admin.query(`ALTER DATABASE ${TEMPLATE} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
}

type Attached = { readonly server: EmbeddedServer; readonly admin: Pool };

let attached: Promise<Attached> | undefined;

async function attachOnce(): Promise<Attached> {
  attached ??= attachCluster();
  return await attached;
}

async function attachCluster(): Promise<Attached> {
  const folder = process.env[CLUSTER_VARIABLE];
  if (folder !== undefined) {
    const server = await openServer(folder);
    return { server, admin: connectAdmin(server) };
  }
  // Outside a run that shares one, the process gets its own, until it has nothing left to do.
  const cluster = await openTestCluster();
  const admin = connectAdmin(cluster.server);
  process.once("beforeExit", () => {
    void closeOwnCluster(cluster, admin);
  });
  return { server: cluster.server, admin };
}

async function closeOwnCluster(cluster: TestCluster, admin: Pool): Promise<void> {
  await admin.end();
  await cluster[Symbol.asyncDispose]();
}

const LOOKS_MAX = 50;

// A session ends a moment after its connection; meeting one, DROP DATABASE sleeps for 100 ms.
async function waitForSessionsToEnd(admin: Pool, name: string): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const { rowCount } = await admin.query("SELECT FROM pg_stat_activity WHERE datname = $1", [name]);
    if (rowCount === 0) return;
  }
}

/**
 * Gives the caller a database of its own: without rows, with the schema of the program's migrations.
 * @param options.schema `none` leaves out the schema too, for who tests migrations
 */
export async function connectThrowAwayDatabase(
  options: { readonly schema?: "migrated" | "none" } = {},
): Promise<ThrowAwayDatabase> {
  return await createFrom(await attachOnce(), options.schema === "none" ? "template0" : TEMPLATE);
}

async function createFrom(cluster: Attached, template: string): Promise<ThrowAwayDatabase> {
  const { server, admin } = cluster;
  const name = `assent_test_${randomBytes(8).toString("hex")}`;
  await withAdmin(admin, async (client) => {
    await createDatabase(client, name, template, "file_copy");
  });
  const app = server.connection("app", name);
  const owner = server.connection("owner", name);
  const pools = new Map<"app" | "owner", Pool>();
  const poolOf = (role: "app" | "owner"): Pool => {
    const pool = pools.get(role) ?? connectPool({ connection: role === "app" ? app : owner, role });
    pools.set(role, pool);
    return pool;
  };
  const endPools = async (): Promise<void> => {
    await Promise.all(
      [...pools.values()].map(async (pool) => {
        await pool.end();
      }),
    );
    pools.clear();
    await waitForSessionsToEnd(admin, name);
  };
  return {
    name,
    app,
    owner,
    appPool: () => poolOf("app"),
    ownerPool: () => poolOf("owner"),
    copy: async () => {
      await endPools();
      return await createFrom(cluster, name);
    },
    [Symbol.asyncDispose]: async () => {
      await endPools();
      // By force: what a failed test left connected must not keep its database.
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}
