import { idFromUuid, type TenantId, uuidOf } from "@assent/contract";
import type { Pool, PoolClient } from "pg";
import { unreachable } from "../../base/assert.ts";
import { EXTERNAL_IDLE_HOURS } from "../../base/limits.ts";
import { sha256Hex } from "../../base/digest.ts";
import {
  type Clock,
  type Due,
  type QueueLoad,
  type Random,
  type RunNews,
  type Store,
  type StoreTx,
  StoreUnavailable,
  type WakeUps,
} from "../../ports.ts";
import { accessRows } from "./access.ts";
import { uuidV7 } from "../../core/uuid.ts";
import { agentRows, externalDefinitionRows } from "./agents.ts";
import { approvalRows, manifestRows } from "./approvals.ts";
import { artifactRows } from "./artifacts.ts";
import { endedRuns, forgetContent, unnamedContent } from "./content.ts";
import { auditRows } from "./audit.ts";
import { breakerRows } from "./breakers.ts";
import { budgetRows } from "./budgets.ts";
import { statement, transaction, type TransactionOptions } from "./connect.ts";
import { decisionRows } from "./decisions.ts";
import { documentRows } from "./documents.ts";
import { unansweredEscalations } from "./harmony/escalations.ts";
import { harmonyStoreIn } from "./harmony/harmony-store.ts";
import { lookUpQuestion, questionRows } from "./harmony/questions.ts";
import { beginCall, writeHeld } from "./held-writes.ts";
import { idempotencyRows } from "./idempotency.ts";
import { admitKey, admitToken, findCaller, keyRows } from "./keys.ts";
import { only, type Query, type Scope } from "./rows.ts";
import type { Sealing } from "./sealing.ts";
import { MESSAGE_VERSION } from "./message-version.ts";
import { noteEvents, noteWrites, nothingYet, noticing, type Queued } from "./noticed.ts";
import { principalRows } from "./principals.ts";
import { precedentTermRows } from "./harmony/precedent-terms.ts";
import { runRows } from "./runs.ts";
import { signingKeyRows, takeNonce } from "./signing-keys.ts";
import { stepRows } from "./steps.ts";
import { submit } from "./submissions.ts";
import { leasesOf, slots, take } from "./take.ts";
import { unlessUnavailable } from "./unavailable.ts";
import { deliveryQueue, webhookRows } from "./webhooks.ts";

/** A transaction that lost against another one, or its connection, is run this often in all. */
const TRANSACTION_ATTEMPTS_MAX = 6;
/** The pause before the next attempt is at most this, doubled with each: some 5 s in all, what a restart takes. */
const RETRY_PAUSE_MS = 50;
const RETRY_PAUSE_MS_MAX = 2_000;
/** No attempt begins later than this: whoever called has given up by then, or is better told. */
const RETRY_MS_MAX = 12_000;

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
  /** Without `callOff` whoever holds a run learns by looking that it was taken away, and without `answered` its driver. */
  readonly wakeUps: Pick<WakeUps, "ring"> & Partial<Pick<WakeUps, "callOff" | "answered">>;
  readonly clock: Clock;
  readonly random: Random;
  readonly sealing: Sealing;
  /** Called after each commit that recorded events. */
  readonly onEvents?: () => void;
  /** Told after each commit that brought a run to a version. */
  readonly news?: Pick<RunNews, "tell">;
};

export function postgresStore(options: PostgresStoreOptions): Store {
  const { pool } = options;
  const { clock, random, sealing } = options;
  const ids: Given = { clock, random, sealing };
  const enter = entering(ids);
  const { inTransaction, inStatement } = transactionsOf(options);
  return {
    transaction: async (tenantId, work, { isRepeatable } = { isRepeatable: false }) =>
      await inTransaction(async (client, queued) => await work(enter(client, tenantId, queued)), {
        isRepeatable,
        tenant: uuidOf(tenantId),
      }),
    ...statements(inStatement, clock),
    findCaller: async (hash, now) =>
      await unlessUnavailable(async () => await findCaller(queryOn(pool), hash, now)),
    queueLoad: async (tenant, now, most) =>
      await unlessUnavailable(async () => await readLoad(queryOn(pool), tenant, now, most)),
    waiters: () => pool.waitingCount,
    leasesOf: async (worker) => await unlessUnavailable(async () => await leasesOf(queryOn(pool), worker)),
    slots: async (turn) => await unlessUnavailable(async () => await slots(queryOn(pool), turn)),
    due: async (now, limit) => await unlessUnavailable(async () => await listDue(queryOn(pool), now, limit)),
    admitKey: async (hash, now, signingKey, policies) =>
      await unlessUnavailable(async () => await admitKey(queryOn(pool), hash, now, signingKey, policies)),
    admitToken: async (subject, now, signingKey, policies) =>
      await unlessUnavailable(
        async () =>
          await admitToken(
            queryOn(pool),
            subject,
            uuidV7(now, ids.random.bytes(10)),
            now,
            signingKey,
            policies,
          ),
      ),
    takeNonce: async (tenant, key, nonce, until) =>
      await unlessUnavailable(async () => await takeNonce(queryOn(pool), tenant, key, nonce, until)),
    async sweepExpired(now, limit): Promise<number> {
      const rows = await queryOn(pool)<{ removed: number }>(
        "select assent.sweep_expired($1, $2) as removed",
        [now, limit],
      );
      return only(rows).removed;
    },
    unnamedContent: async (sha256s) => await unnamedContent(queryOn(pool), sha256s),
    forgetContent: async (sha256, remove) => await forgetContent(pool, sha256, remove),
    unansweredEscalations: async (before, limit) => await unansweredEscalations(queryOn(pool), before, limit),
    endedRuns: async (runs, before) => await endedRuns(queryOn(pool), runs, before),
    lookUpQuestion: async (tenant, pattern, first) =>
      await unlessUnavailable(async () => await lookUpQuestion(queryOn(pool), tenant, pattern, first)),
    deliveries: deliveryQueue(pool, queryOn),
    breakers: breakerRows(pool, queryOn),
    async ping(): Promise<void> {
      const { rows } = await pool.query<{ unwritable: boolean }>(
        "select pg_catalog.current_setting('transaction_read_only')::boolean as unwritable",
      );
      if (only(rows).unwritable) throw new StoreUnavailable("none", new Error("it is read-only now"));
    },
    time: async () =>
      await unlessUnavailable(
        async () => only(await queryOn(pool)<{ at: Date }>("select clock_timestamp() as at", [])).at,
      ),
  };
}

type Statements = "submit" | "take" | "writeHeld" | "beginCall";

/** What is one statement, and so a transaction by itself. */
const statements = (inStatement: InStatement, clock: Clock): Pick<Store, Statements> => ({
  submit: async (submission) =>
    await inStatement(async (client, queued) => {
      const earlier = await submit(queryOn(client), submission);
      if (earlier === null) {
        queued.events = true;
        queued.count += 1;
      }
      return earlier;
    }),
  // Sent again after a connection was lost it would take another run; whoever asked gives the first one back.
  take: async (turn, lease) =>
    await inStatement(
      async (client, queued) => {
        const taken = await take(queryOn(client), turn, lease);
        if (taken !== null && taken !== "locked" && taken.whole !== null)
          noteEvents(queued, taken.id, taken.whole.run.version);
        return taken;
      },
      { isRepeatable: false },
    ),
  writeHeld: async (fence, version, writes) =>
    await inStatement(async (client, queued) => {
      noteWrites(queued, writes, clock);
      return await writeHeld(queryOn(client), fence, version, writes);
    }),
  beginCall: async (fence, version, settled, reservation, writes) =>
    await inStatement(async (client, queued) => {
      if (writes !== null) noteWrites(queued, writes, clock);
      return await beginCall(queryOn(client), fence, version, settled, reservation, writes);
    }),
});

/** Of a transaction that was begun for the tenant. */
const entering =
  (ids: Given) =>
  (client: PoolClient, tenantId: TenantId, queued: Queued): StoreTx => {
    const tx = storeTx(tenantId, { query: queryOn(client), tenant: uuidOf(tenantId) }, queued, ids);
    return { ...tx, ...noticing(tx, queued) };
  };

type InTransaction = <T>(
  work: (client: PoolClient, queued: Queued) => Promise<T>,
  options?: Pick<TransactionOptions, "isRepeatable" | "tenant">,
) => Promise<T>;

/** One statement, which finds out by itself whether an earlier attempt at it was kept, unless it is said not to. */
type InStatement = <T>(
  send: (client: PoolClient, queued: Queued) => Promise<T>,
  options?: Pick<TransactionOptions, "isRepeatable">,
) => Promise<T>;

/** The one place where transactions of the service are run, run again, and given up. */
function transactionsOf({ pool, wakeUps, clock, random, onEvents, news }: PostgresStoreOptions): {
  readonly inTransaction: InTransaction;
  readonly inStatement: InStatement;
} {
  const never = new AbortController().signal;
  // Full jitter: those who met in a conflict must not meet again, and a database that is back is not stormed.
  const pauseSince =
    (startMs: number) =>
    async (attempt: number): Promise<boolean> => {
      const mostMs = Math.min(RETRY_PAUSE_MS * 2 ** attempt, RETRY_PAUSE_MS_MAX);
      await clock.sleep((mostMs * (Buffer.from(random.bytes(2)).readUInt16BE() + 1)) / 65_536, never);
      return performance.now() - startMs < RETRY_MS_MAX;
    };
  const attempted = async <T>(
    work: (client: PoolClient, queued: Queued) => Promise<T>,
    run: typeof transaction,
    options: Pick<TransactionOptions, "isRepeatable" | "tenant">,
  ): Promise<T> => {
    const queued: Queued = {
      count: 0,
      events: false,
      calledOff: [],
      answered: new Set(),
      changed: new Map(),
    };
    const attempt = async (client: PoolClient): Promise<T> => {
      Object.assign(queued, nothingYet());
      return await work(client, queued);
    };
    const attemptsMax = TRANSACTION_ATTEMPTS_MAX;
    const pause = pauseSince(performance.now());
    const value = await unlessUnavailable(
      async () => await run(pool, attempt, { ...options, attemptsMax, pause }),
    );
    // What the transaction queued and what is due at once may be taken from now on.
    for (let rung = 0; rung < queued.count; rung += 1) wakeUps.ring();
    for (const calledOff of queued.calledOff) wakeUps.callOff?.(calledOff);
    if (queued.events) onEvents?.();
    for (const [changed, version] of queued.changed)
      if (news?.tell(changed, version) === false && queued.answered.has(changed)) wakeUps.answered?.(changed);
    return value;
  };
  return {
    inTransaction: async (work, options = {}) => await attempted(work, transaction, options),
    inStatement: async (send, options = { isRepeatable: true }) => await attempted(send, statement, options),
  };
}

/** What rows are made with, beside what is written. */
type Given = { readonly clock: Clock; readonly random: Random; readonly sealing: Sealing };

function storeTx(tenantId: TenantId, scope: Scope, queued: Queued, ids: Given): StoreTx {
  return {
    runs: runRows(tenantId, scope, {
      onQueued: (wakeAt) => {
        if (wakeAt <= ids.clock.now()) queued.count += 1;
      },
      onCallOff: (run) => {
        queued.calledOff = [...queued.calledOff, run];
      },
    }),
    steps: stepRows(scope),
    approvals: approvalRows(scope),
    artifacts: artifactRows(scope),
    audit: auditRows(scope),
    idempotency: idempotencyRows(scope),
    agents: agentRows(scope),
    manifests: manifestRows(scope),
    externalDefinitions: externalDefinitionRows(scope),
    documents: documentRows(scope, ids),
    keys: keyRows(scope, ids),
    principals: principalRows(scope, ids),
    signingKeys: signingKeyRows(scope, ids),
    access: accessRows(scope, ids),
    decisions: decisionRows(scope),
    budgets: budgetRows(scope),
    precedentTerms: precedentTermRows(scope),
    questions: questionRows(scope, ids),
    webhooks: webhookRows(scope),
    memory: harmonyStoreIn(scope, ids.sealing),
  };
}

async function readLoad(query: Query, tenant: TenantId, now: Date, most: number): Promise<QueueLoad> {
  const row = only(
    await query<{
      queued: string;
      queued_of_tenant: string;
      oldest: Date | null;
      oldest_of_tenant: Date | null;
    }>("select * from assent.queue_load($1, $2, $3, $4)", [uuidOf(tenant), now, most, MESSAGE_VERSION]),
  );
  const secondsSince = (at: Date | null): number =>
    at === null ? 0 : Math.max((now.getTime() - at.getTime()) / 1_000, 0);
  return {
    queued: Number(row.queued),
    queuedOfTenant: Number(row.queued_of_tenant),
    oldestSeconds: secondsSince(row.oldest),
    oldestOfTenantSeconds: secondsSince(row.oldest_of_tenant),
  };
}

type DueRow = {
  why: Due["why"] | "queued" | "message";
  tenant_id: string;
  run_id: string;
  token: string | null;
  approval_id: string | null;
};

async function listDue(query: Query, now: Date, limit: number): ReturnType<Store["due"]> {
  const idleBefore = new Date(now.getTime() - EXTERNAL_IDLE_HOURS * 3_600_000);
  const rows = await query<DueRow>("select * from assent.due_or_waiting($1, $2, $3)", [
    now,
    idleBefore,
    limit,
  ]);
  const isAny = (kind: DueRow["why"]): boolean => rows.some(({ why }) => why === kind);
  return { findings: rows.flatMap(toDue), isAnyQueued: isAny("queued"), isAnyMessage: isAny("message") };
}

function toDue(row: DueRow): Due | [] {
  if (row.why === "queued" || row.why === "message") return [];
  const of = { tenant: idFromUuid("ten", row.tenant_id), run: idFromUuid("run", row.run_id) };
  switch (row.why) {
    case "lease_lost":
      return { why: row.why, ...of, token: Number(row.token) };
    case "approval_expired":
      return { why: row.why, ...of, approval: idFromUuid("apr", row.approval_id ?? "") };
    case "driver_idle":
      return { why: row.why, ...of };
    default:
      return unreachable(row.why);
  }
}
