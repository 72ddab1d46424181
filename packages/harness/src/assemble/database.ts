// The database that a harness works on: its own, or the one it is given; migrated, and set up for its operator.

import { SCOPES, type TenantId, uuidOf } from "@assent/contract";
import { ensureKey, ensureTenant, matchesInstallation } from "../adapters/postgres/bootstrap.ts";
import {
  type Connection,
  connectPool,
  readDatabaseAddress,
  transaction,
} from "../adapters/postgres/connect.ts";
import { openEmbedded } from "../adapters/postgres/embedded/embedded.ts";
import { takeTurn } from "../adapters/postgres/alone.ts";
import {
  asApp,
  checkAppRole,
  checkClock,
  checkServer,
  checkSessions,
  ensureAppRole,
} from "../adapters/postgres/given.ts";
import { migrate } from "../adapters/postgres/migrate.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { systemRandom } from "../adapters/system/random.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Environment } from "../config.ts";
import { keepOperatorKey, type Secrets } from "../home.ts";
import { keyHasher, keyPrefix, newKey } from "../services/keys.ts";
import type { StartRefusal } from "./refusal.ts";

const DEFAULT_TENANT = "default";
/** Nobody has a key of it; an identity provider may be given it, for whoever audits the installation. */
const INSTALLATION_TENANT = "installation";

export type Database = {
  readonly app: Connection;
  readonly owner: Connection;
  /** The folder of the embedded cluster; null for a Postgres that is not ours. */
  readonly keptIn: string | null;
};

export async function openDatabase(
  { home, environment }: { readonly home: string; readonly environment: Environment },
  started: AsyncDisposableStack,
  onProgress: (line: string) => void,
): Promise<Result<Database, StartRefusal>> {
  const address = readDatabaseAddress({
    DATABASE_URL: environment.databaseUrl,
    DATABASE_MIGRATION_URL: environment.databaseMigrationUrl,
  });
  if (!address.ok)
    return err({
      code: address.error.reason,
      detail: address.error.message,
      remedy: "Mend the variable, or unset it to use the embedded database.",
    });
  const database =
    address.value === undefined
      ? await openOwnDatabase(home, started, onProgress)
      : await openGivenDatabase(
          address.value,
          environment.databaseMigrationUrl === undefined ? "DATABASE_URL" : "DATABASE_MIGRATION_URL",
          onProgress,
        );
  if (!database.ok) return database;
  const migrated = await migrate({
    connection: database.value.owner,
    onProgress,
  });
  if (!migrated.ok)
    return err({
      code: migrated.error.reason,
      detail: migrated.error.message,
      remedy: "What was migrated before it stays, and of it nothing. Mend what it names and start again.",
    });
  return database;
}

async function openOwnDatabase(
  home: string,
  started: AsyncDisposableStack,
  onProgress: (line: string) => void,
): Promise<Result<Database, StartRefusal>> {
  const opened = await openEmbedded({ folder: home, onProgress });
  if (!opened.ok) {
    const { reason, message, remedy, detail } = opened.error;
    return err({ code: reason, detail: detail === undefined ? message : `${message} (${detail})`, remedy });
  }
  const server = started.use(opened.value);
  return ok({ app: server.connection("app"), owner: server.connection("owner"), keptIn: server.home });
}

async function openGivenDatabase(
  given: Omit<Database, "keptIn">,
  ownerVariable: string,
  onProgress: (line: string) => void,
): Promise<Result<Database, StartRefusal>> {
  const app = asApp(given.app);
  const known = await checkServer(given.owner, ownerVariable);
  if (known.ok && known.value !== null) onProgress(known.value);
  const usable = known.ok ? await checkSessions(given.owner, ownerVariable) : known;
  const ensured = usable.ok ? await ensureAppRole(given.owner, app.user, ownerVariable) : usable;
  const bound = ensured.ok ? await checkAppRole(app, "DATABASE_URL", given.owner) : ensured;
  if (bound.ok && bound.value !== null) onProgress(bound.value);
  const served = bound.ok ? await checkSessions(app, "DATABASE_URL") : bound;
  const checked = served.ok ? await checkClock(app, "DATABASE_URL", systemClock) : served;
  if (checked.ok) return ok({ app, owner: given.owner, keptIn: null });
  const { reason, message, remedy } = checked.error;
  return err({ code: reason, detail: message, remedy });
}

export type Operator = {
  readonly key: string;
  /** No server of this home has said yet where it serves. */
  readonly firstStart: boolean;
  /** The tenant that has the installation's own log, and nothing else. */
  readonly installation: TenantId;
  /** The tenant that the operator's key is of: what all tenants share is theirs to change. */
  readonly operators: TenantId;
};

export async function setUp(
  { owner, keptIn }: Pick<Database, "owner" | "keptIn">,
  home: string,
  secrets: Secrets,
): Promise<Result<Operator, StartRefusal>> {
  const pool = connectPool({ connection: owner, role: "owner", connectionsMax: 1 });
  try {
    const operator = await transaction(pool, async (client) => {
      const setup = { client, clock: systemClock, random: systemRandom };
      if (!(await matchesInstallation(setup, secrets.check))) return null;
      await takeTurn(client, "operatorKey");
      const { key, isAnnounced } = keepOperatorKey(home, () => newKey(systemRandom), systemRandom);
      const tenant = await ensureTenant(setup, DEFAULT_TENANT);
      await ensureKey(setup, uuidOf(tenant), {
        principal: { name: "operator", kind: "human" },
        hash: keyHasher(secrets.keys)(key),
        prefix: keyPrefix(key),
        scopes: SCOPES,
        roles: ["admin"],
      });
      const installation = await ensureTenant(setup, INSTALLATION_TENANT);
      return { key, firstStart: !isAnnounced, operators: tenant, installation };
    });
    if (operator === null)
      return err({
        code: "secret_differs",
        detail: "This database was set up with another secret, so no key would be known.",
        remedy: `Set ASSENT_SECRET to the value that the other processes use, or copy their home's \`secret\` file${
          // A home that was deleted can leave its database behind, where the server's user could not reach the home.
          keptIn === null ? "" : `; to start empty instead, move ${keptIn} away`
        }.`,
      });
    return ok(operator);
  } finally {
    await pool.end();
  }
}
