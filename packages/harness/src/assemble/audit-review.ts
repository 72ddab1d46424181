// Opens a database and the memories beside it for a check of the evidence: nothing is migrated, written or started but
// the embedded server, if it does not run.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type VerifierKey, verifierKey } from "@assent/tlog";
import { openAnchorFiles } from "../adapters/files/anchor-files.ts";
import { readPublicKeys } from "../adapters/files/log-keys.ts";
import { openLogFiles } from "../adapters/files/log-files.ts";
import { ownsSchema, reviewTransaction } from "../adapters/postgres/audit-review.ts";
import { type Connection, connectPool, readDatabaseAddress } from "../adapters/postgres/connect.ts";
import { checkMigrated } from "../adapters/postgres/migrate.ts";
import { type ReviewedWalls, reviewWalls } from "../adapters/postgres/review-walls.ts";
import { queryOn } from "../adapters/postgres/store.ts";
import { openEmbedded } from "../adapters/postgres/embedded/embedded.ts";
import { systemRandom } from "../adapters/system/random.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Environment } from "../config.ts";
import type { LogFinding } from "../core/audit/verify-source.ts";
import type { OutsideKnowledge } from "../ports.ts";
import { reviewEvidence, type ReviewedEvidence } from "../services/audit/review.ts";
export { findingsOf, type ReviewedEvidence } from "../services/audit/review.ts";
export type { ReviewedLog } from "../services/audit/review-log.ts";
export type { ReviewedState } from "../services/audit/review-state.ts";
import { EVIDENCE_FOLDER } from "./evidence.ts";
import { findMissingLogs, publishedLogs } from "./missing-logs.ts";
import type { StartRefusal } from "./refusal.ts";

export type AuditReviewOptions = {
  /** Absolute. */
  readonly home: string;
  readonly environment: Environment;
  /** Verifier keys that were pinned; without any of a log the home's own keys are trusted for it. */
  readonly keys: readonly VerifierKey[];
  /** A signed checkpoint that was kept; null for none. */
  readonly remembered: string | null;
  readonly withState: boolean;
};

export type ReviewedDatabase = {
  readonly tenants: readonly ReviewedEvidence[];
  /** Logs that are known of outside the database, and are not in it. */
  readonly missing: readonly LogFinding[];
  /** Triggers, constraints, row-level security and grants, held against what the migrations make. */
  readonly walls: ReviewedWalls;
};

export async function reviewDatabase(
  options: AuditReviewOptions,
): Promise<Result<ReviewedDatabase, StartRefusal>> {
  await using opened = new AsyncDisposableStack();
  const owner = await openOwner(options, opened);
  if (!owner.ok) return owner;
  const pool = connectPool({ connection: owner.value, role: "owner", connectionsMax: 2 });
  opened.defer(async () => {
    await pool.end();
  });
  if (!(await ownsSchema(pool)))
    return err({
      code: "not_the_owner",
      detail:
        "The database has no schema of an installation, or this login does not own it and sees no rows.",
      remedy: "Set DATABASE_MIGRATION_URL to the login that migrations run as.",
    });
  // What the walls of another version are, and what its rows mean, only that version knows.
  const migrated = await checkMigrated(queryOn(pool));
  if (!migrated.ok)
    return err({
      code: migrated.error.reason,
      detail: `It cannot be held against what this program knows: ${migrated.error.message}.`,
      remedy: "Verify it with the program that serves it, or start this one on it first (`assent up`).",
    });
  // Before the snapshot is taken: what the signer has seen by now, the database has by then.
  const origins = await reviewTransaction(pool, async (tx) => {
    const found: string[] = [];
    for (const { id } of await tx.tenants()) found.push(...(await tx.logs(id)).map(({ origin }) => origin));
    return found;
  });
  const outside = await readOutside(options, origins);
  const own = readPublicKeys(join(options.home, EVIDENCE_FOLDER, "signer"));
  const keysOf = (origin: string): readonly VerifierKey[] => {
    const pinned = options.keys.filter(({ name }) => name === origin);
    return pinned.length > 0 ? pinned : own.map(({ type, bytes }) => verifierKey(origin, type, bytes));
  };
  // The home's own keys say what there may be; whoever pinned some says what there must be.
  const wanted = options.keys.length > 0 ? "each_type" : "any";
  const outsideOf = (origin: string): OutsideKnowledge => outside.get(origin) ?? NOTHING_KNOWN;
  const published = publishedLogs(join(options.home, EVIDENCE_FOLDER, "logs"));
  const tenants = await reviewTransaction(
    pool,
    async (tx) => await reviewEvidence(tx, { keysOf, outsideOf, wanted }, options.withState),
  );
  const missing = findMissingLogs({ ...options, published }, origins);
  return ok({ tenants, missing, walls: await reviewWalls(pool) });
}

const NOTHING_KNOWN: OutsideKnowledge = {
  anchor: null,
  published: null,
  remembered: null,
  readFile: async () => await Promise.resolve(null),
};

async function readOutside(
  { home, remembered }: AuditReviewOptions,
  origins: readonly string[],
): Promise<ReadonlyMap<string, OutsideKnowledge>> {
  const folder = join(home, EVIDENCE_FOLDER);
  const known = new Map<string, OutsideKnowledge>();
  const anchors = existsSync(join(folder, "signer")) ? openAnchorFiles(join(folder, "signer")) : null;
  const files = openLogFiles({ folder: join(folder, "logs"), random: systemRandom });
  for (const origin of origins)
    known.set(origin, {
      anchor: (await anchors?.read(origin)) ?? null,
      published: await files.readCheckpoint(origin),
      readFile: async (path) => await files.read(origin, path),
      // A checkpoint names its log in its first line; which keys may have signed it is checked later.
      remembered: remembered?.startsWith(`${origin}\n`) === true ? remembered : null,
    });
  return known;
}

async function openOwner(
  { home, environment }: AuditReviewOptions,
  opened: AsyncDisposableStack,
): Promise<Result<Connection, StartRefusal>> {
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
  if (address.value !== undefined) return ok(address.value.owner);
  if (!existsSync(home))
    return err({
      code: "home_missing",
      detail: `There is no home at ${home}, and DATABASE_URL names no database.`,
      remedy: "Point --home at the home of the installation.",
    });
  const server = await openEmbedded({ folder: home });
  if (!server.ok) {
    const { reason, message, remedy } = server.error;
    return err({ code: reason, detail: message, remedy });
  }
  return ok(opened.use(server.value).connection("owner"));
}
