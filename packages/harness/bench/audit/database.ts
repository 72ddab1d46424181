import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type TenantId, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import { openAnchorFiles } from "../../src/adapters/files/anchor-files.ts";
import { openLogFiles } from "../../src/adapters/files/log-files.ts";
import { openLogKeys } from "../../src/adapters/files/log-keys.ts";
import { openSealingFiles } from "../../src/adapters/files/sealing-files.ts";
import { postgresLogStore } from "../../src/adapters/postgres/audit-log.ts";
import { createSealing, type Sealing } from "../../src/adapters/postgres/sealing.ts";
import { postgresSealingStore } from "../../src/adapters/postgres/sealing-store.ts";
import { ensureTenant } from "../../src/adapters/postgres/bootstrap.ts";
import { connectPool, transaction } from "../../src/adapters/postgres/connect.ts";
import { openEmbedded } from "../../src/adapters/postgres/embedded/embedded.ts";
import { openLogHold } from "../../src/adapters/postgres/log-hold.ts";
import { migrate } from "../../src/adapters/postgres/migrate.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import { type Keeper, startKeeper } from "../../src/services/audit/keeper.ts";
import { createSigner } from "../../src/services/audit/signer.ts";

export const CLIENTS = 32;

export type BenchDatabase = AsyncDisposable & {
  readonly app: Pool;
  readonly owner: Pool;
  readonly tenant: TenantId;
  readonly sealing: Sealing;
  startKeeper(): Keeper;
};

export async function openBenchDatabase(home: string): Promise<BenchDatabase> {
  mkdirSync(home, { recursive: true });
  chmodSync(home, 0o711);
  chmodSync(join(home, ".."), 0o711);
  const opened = await openEmbedded({ folder: home });
  if (!opened.ok) throw new Error(opened.error.message);
  const server = opened.value;
  const connection = server.connection("app");
  const migrated = await migrate({ connection: server.connection("owner") });
  if (!migrated.ok) throw new Error(migrated.error.message);
  const app = connectPool({ connection, role: "app", connectionsMax: CLIENTS + 4 });
  const owner = connectPool({ connection: server.connection("owner"), role: "owner", connectionsMax: 2 });
  const setup = { clock: systemClock, random: systemRandom };
  const tenant = await transaction(
    owner,
    async (client) => await ensureTenant({ client, ...setup }, "bench"),
  );
  await addRuns(owner, tenant);
  const folder = join(home, "audit");
  const sealingFiles = openSealingFiles(join(folder, "sealing"));
  const sealingStore = postgresSealingStore(app);
  const sealing = createSealing({
    ...setup,
    store: sealingStore,
    files: sealingFiles,
    secret: systemRandom.bytes(32),
  });
  const keys = openLogKeys(join(folder, "signer"), systemRandom);
  return {
    app,
    owner,
    tenant,
    sealing,
    startKeeper: () =>
      startKeeper({
        ...setup,
        store: postgresLogStore(app, sealing),
        signer: createSigner(openAnchorFiles(join(folder, "signer")), keys),
        files: openLogFiles({ folder: join(folder, "logs"), random: systemRandom }),
        log: (level, message, fields) => {
          if (level === "error" || level === "warn")
            process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
        },
        originOf: (of, epoch) => `assent-bench/audit/${of}${epoch === 1 ? "" : `/e${epoch}`}`,
        hold: (onWanted) => openLogHold(connection, () => undefined, onWanted),
      }),
    async [Symbol.asyncDispose]() {
      await app.end();
      await owner.end();
      await server.release();
    },
  };
}

// One run a client, so that business transactions themselves never wait for each other.
async function addRuns(owner: Pool, tenant: TenantId): Promise<void> {
  await transaction(owner, async (client) => {
    const id = uuidOf(tenant);
    await client.query("alter table assent.runs disable trigger user");
    await client.query(
      "insert into assent.principals (tenant_id, id, kind, name, created_at) values ($1, $1, 'service', 'bench', now())",
      [id],
    );
    await client.query(
      "insert into assent.agent_versions (tenant_id, digest, definition) values ($1, sha256('bench'), '{}')",
      [id],
    );
    await client.query(
      `insert into assent.runs (tenant_id, id, state, version, agent, agent_version, task, model, labels, requested_by,
         wake_at, created_at, updated_at)
       select $1, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'queued', 1, 'bench', sha256('bench'),
         'task', 'model', '{}', $1, now(), now(), now() from generate_series(0, $2 - 1) n`,
      [id, CLIENTS],
    );
    await client.query("alter table assent.runs enable trigger user");
  });
}

export const runOf = (client: number): string =>
  `00000000-0000-7000-8000-${String(client).padStart(12, "0")}`;
