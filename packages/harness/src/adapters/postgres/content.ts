import { idFromUuid, type RunId, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import { transaction } from "./connect.ts";
import type { Query } from "./rows.ts";

/** A removal that takes longer is stuck, and whoever wants to commit an artifact of that content waits for it. */
const REMOVAL_MS_MAX = 30_000;

const bytesOf = (sha256: string): Buffer => Buffer.from(sha256, "hex");

export async function unnamedContent(query: Query, sha256s: readonly string[]): Promise<readonly string[]> {
  const rows = await query<{ sha256: Buffer }>("select assent.unnamed_content($1) as sha256", [
    sha256s.map(bytesOf),
  ]);
  return rows.map(({ sha256 }) => sha256.toString("hex"));
}

export async function endedRuns(
  query: Query,
  runs: readonly RunId[],
  before: Date,
): Promise<readonly RunId[]> {
  const rows = await query<{ id: string }>("select assent.ended_runs($1, $2) as id", [
    runs.map(uuidOf),
    before,
  ]);
  return rows.map(({ id }) => idFromUuid("run", id));
}

export async function forgetContent(
  pool: Pool,
  sha256: string,
  remove: () => Promise<void>,
): Promise<boolean> {
  return await transaction(
    pool,
    async (client) => {
      await client.query("select set_config('idle_in_transaction_session_timeout', $1, true)", [
        String(REMOVAL_MS_MAX),
      ]);
      await client.query("select pg_advisory_xact_lock(assent.content_lock($1))", [bytesOf(sha256)]);
      const { rows } = await client.query("select 1 from assent.unnamed_content(array[$1::bytea])", [
        bytesOf(sha256),
      ]);
      if (rows.length === 0) return false;
      await remove();
      return true;
    },
    // Not again by itself: what removing did is not undone by a rollback.
    { attemptsMax: 1 },
  );
}
