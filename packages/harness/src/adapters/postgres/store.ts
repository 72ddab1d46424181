import { idFromUuid, type TenantId, uuidOf } from "@assent/contract";
import type { Pool, PoolClient } from "pg";
import { unreachable } from "../../base/assert.ts";
import { EXTERNAL_IDLE_HOURS, STRANDED_SECONDS } from "../../base/limits.ts";
import { sha256Hex } from "../../base/digest.ts";
import type { Clock, Due, Random, Store, StoreTx } from "../../ports.ts";
import { accessRows } from "./access.ts";
import { agentRows, externalDefinitionRows } from "./agents.ts";
import { approvalRows, manifestRows } from "./approvals.ts";
import { artifactRows } from "./artifacts.ts";
import { forgetContent, unnamedContent } from "./content.ts";
import { auditRows } from "./audit.ts";
import { breakerRows } from "./breakers.ts";
import { budgetRows } from "./budgets.ts";
import { transaction } from "./connect.ts";
import { decisionRows } from "./decisions.ts";
import { documentRows } from "./documents.ts";
import { harmonyStoreIn } from "./harmony/harmony-store.ts";
import { idempotencyRows } from "./idempotency.ts";
import { admitKey, findCaller, keyRows } from "./keys.ts";
import type { PostgresQueue } from "./queue.ts";
import { only, type Query, type Scope } from "./rows.ts";
import { runRows } from "./runs.ts";
import { stepRows } from "./steps.ts";

/** A transaction that lost against another one is run again, whole, this many times at most. */
const TRANSACTION_ATTEMPTS_MAX = 5;

// A statement with a name is parsed and planned once a connection. The texts are constants of this program, so there
// are few of them.
const statementNames = new Map<string, string>();
function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = sha256Hex(text).slice(0, 32);
    statementNames.set(text, name);
  }
  return name;
}

export function queryOn(client: Pool | PoolClient): Query {
  return async <Row extends object>(text: string, values: readonly unknown[]) => {
    const result = await client.query<Row>({ name: statementName(text), text, values: [...values] });
    return result.rows;
  };
}

export type PostgresStoreOptions = {
  readonly pool: Pool;
  readonly queue: PostgresQueue;
  readonly clock: Clock;
  readonly random: Random;
};

export function postgresStore({ pool, queue, clock, random }: PostgresStoreOptions): Store {
  return {
    async transaction<T>(tenantId: TenantId, work: (tx: StoreTx) => Promise<T>): Promise<T> {
      return await transaction(
        pool,
        async (client) => {
          const query = queryOn(client);
          const tenant = uuidOf(tenantId);
          // Row-level security shows this transaction no other tenant's rows, whatever a query forgets.
          await query("select set_config('assent.tenant', $1, true)", [tenant]);
          return await work(storeTx(tenantId, { query, tenant }, queue, { clock, random }));
        },
        { attemptsMax: TRANSACTION_ATTEMPTS_MAX },
      );
    },
    findCaller: async (hash, now) => await findCaller(queryOn(pool), hash, now),
    admitKey: async (hash, now, policies) => await admitKey(queryOn(pool), hash, now, policies),
    async sweepExpired(now, limit): Promise<number> {
      const rows = await queryOn(pool)<{ removed: number }>(
        "select assent.sweep_expired($1, $2) as removed",
        [now, limit],
      );
      return only(rows).removed;
    },
    due: async (now, limit) => await listDue(queryOn(pool), now, limit),
    unnamedContent: async (sha256s) => await unnamedContent(queryOn(pool), sha256s),
    forgetContent: async (sha256, remove) => await forgetContent(pool, sha256, remove),
    breakers: breakerRows(pool, queryOn),
    async ping(): Promise<void> {
      await pool.query("select 1");
    },
  };
}

function storeTx(
  tenantId: TenantId,
  scope: Scope,
  queue: PostgresQueue,
  ids: { readonly clock: Clock; readonly random: Random },
): StoreTx {
  return {
    runs: runRows(tenantId, scope),
    steps: stepRows(scope),
    approvals: approvalRows(scope),
    artifacts: artifactRows(scope),
    audit: auditRows(scope),
    idempotency: idempotencyRows(scope),
    agents: agentRows(scope),
    manifests: manifestRows(scope),
    externalDefinitions: externalDefinitionRows(scope),
    documents: documentRows(scope),
    keys: keyRows(scope, ids),
    access: accessRows(scope, ids),
    decisions: decisionRows(scope),
    budgets: budgetRows(scope),
    memory: harmonyStoreIn(scope),
    // pg-boss writes its own statements: some hold several, which cannot be prepared.
    queue: queue.sender(scope.query),
  };
}

type DueRow = {
  why: Due["why"];
  tenant_id: string;
  run_id: string;
  token: string | null;
  approval_id: string | null;
};

async function listDue(query: Query, now: Date, limit: number): Promise<readonly Due[]> {
  const strandedBefore = new Date(now.getTime() - STRANDED_SECONDS * 1000);
  const idleBefore = new Date(now.getTime() - EXTERNAL_IDLE_HOURS * 3_600_000);
  const rows = await query<DueRow>("select * from assent.due($1, $2, $3, $4)", [
    now,
    strandedBefore,
    idleBefore,
    limit,
  ]);
  return rows.map(toDue);
}

function toDue(row: DueRow): Due {
  const of = { tenant: idFromUuid("ten", row.tenant_id), run: idFromUuid("run", row.run_id) };
  switch (row.why) {
    case "lease_lost":
      return { why: row.why, ...of, token: Number(row.token) };
    case "approval_expired":
      return { why: row.why, ...of, approval: idFromUuid("apr", row.approval_id ?? "") };
    case "stranded":
    case "driver_idle":
      return { why: row.why, ...of };
    default:
      return unreachable(row.why);
  }
}
