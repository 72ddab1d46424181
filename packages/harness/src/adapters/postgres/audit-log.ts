// The log in the database. The service can append to the tree, through the functions of migrations 0027 and 0030, and read it;
// it can change nothing of it.

import { idFromUuid, type TenantId, uuidOf } from "@assent/contract";
import type { Pool, PoolClient } from "pg";
import { eventDigest } from "../../core/audit/event.ts";
import type {
  CoveredEntry,
  Decided,
  Hashes,
  HashRange,
  LogBalance,
  LogBatch,
  LogHead,
  LogInfo,
  LogStore,
  LogTx,
  OpenedLeaf,
  StoredCheckpoint,
  WaitingFact,
} from "../../ports.ts";
import { auditRows } from "./audit.ts";
import { sealedPayload, withOpened } from "./audit-sealed.ts";
import { pruning } from "./audit-pruning.ts";
import { readNewestCheckpoints, readPending, witnessing } from "./audit-witnessing.ts";
import { statement, transaction } from "./connect.ts";
import { digestToBytes, only, type Query, type Scope } from "./rows.ts";
import type { Sealing } from "./sealing.ts";
import { queryOn } from "./store.ts";
import { unlessUnavailable } from "./unavailable.ts";

/** Entries of one row at most; so many places before one its batch begins at the earliest. */
export const BATCH_MAX = 256;
/** A batch that lost against another one's is planned anew, this many times at most. */
const ATTEMPTS_MAX = 5;
/** What only reads may be asked again. */
const REREAD = { attemptsMax: ATTEMPTS_MAX, isRepeatable: true } as const;
/** Old entries that one look at the balance reads again: a log of a million has come round after an hour. */
const SLICE_ENTRIES = 16_384;

export function postgresLogStore(pool: Pool, sealing: Sealing): LogStore {
  return {
    async transaction<T>(tenantId: TenantId, work: (tx: LogTx) => Promise<T>): Promise<T> {
      const tenant = uuidOf(tenantId);
      const enter = async (client: PoolClient): Promise<T> => {
        const scope = { query: queryOn(client), tenant };
        return await work({
          ...writing(scope, sealing),
          ...reading(scope, sealing),
          ...readingHashes(scope),
          ...covering(scope),
          ...witnessing(scope),
          ...pruning(scope),
        });
      };
      return await unlessUnavailable(
        async () => await transaction(pool, enter, { attemptsMax: ATTEMPTS_MAX, tenant }),
      );
    },
    decisionEntries: async (tenant, decided) =>
      await statement(
        pool,
        async (client) => await readDecisions(queryOn(client), uuidOf(tenant), decided),
        REREAD,
      ),
    hashRanges: async (tenant, epoch, ranges) =>
      await statement(
        pool,
        async (client) => await readHashes(queryOn(client), uuidOf(tenant), epoch, ranges),
        REREAD,
      ),
    async addCheckpoint(tenantId, { epoch, size, note }, at): Promise<void> {
      const values = [uuidOf(tenantId), epoch, size, note, at];
      const add = async (client: PoolClient): Promise<unknown> =>
        await queryOn(client)("select assent.audit_add_checkpoint($1, $2, $3, $4, $5)", values);
      await unlessUnavailable(async () => await statement(pool, add, REREAD));
    },
    pending: async () => await unlessUnavailable(async () => await readPending(queryOn(pool))),
    newestCheckpoints: async (after, most) => await readNewestCheckpoints(queryOn(pool), after, most),
    async balances(): Promise<readonly LogBalance[]> {
      const rows = await queryOn(pool)<BalanceRow>(
        "select tenant_id, events, placed, waiting, size, entries from assent.audit_balance_step($1)",
        [SLICE_ENTRIES],
      );
      return rows.map((row) => ({
        tenant: idFromUuid("ten", row.tenant_id),
        events: Number(row.events),
        placed: Number(row.placed),
        waiting: Number(row.waiting),
        size: Number(row.size),
        entries: Number(row.entries),
      }));
    },
    async headSeq(): Promise<number> {
      const rows = await queryOn(pool)<{ size: string }>("select assent.audit_head_seq() as size", []);
      return Number(only(rows).size);
    },
  };
}

type BalanceRow = {
  tenant_id: string;
  events: string;
  placed: string;
  waiting: string;
  size: string;
  entries: string;
};

type FactRow = {
  event_id: string;
  subject: string;
  version: number;
  at: Date;
  kind: string;
  actor_id: string | null;
  data: string;
  state: Buffer | null;
};

const toFact = (row: FactRow): WaitingFact => ({
  eventId: row.event_id,
  subject: row.subject,
  version: row.version,
  at: row.at,
  kind: row.kind,
  actor: row.actor_id,
  payload: row.data,
  state: row.state,
});

type Writing = "begin" | "lock" | "take" | "append" | "addCosignature" | "addFact" | "erase";

function writing(scope: Scope, sealing: Sealing): Pick<LogTx, Writing> {
  const { query, tenant } = scope;
  return {
    async begin({ epoch, origin, vkey }): Promise<void> {
      await query("select assent.audit_begin($1, $2, $3, $4)", [tenant, epoch, origin, vkey]);
    },
    async lock(): Promise<LogHead | null> {
      const [row] = await query<HeadRow>("select * from assent.audit_lock($1)", [tenant]);
      return row === undefined ? null : toHead(row);
    },
    async take(most): Promise<readonly WaitingFact[]> {
      return (await query<FactRow>("select * from assent.audit_take($1, $2)", [tenant, most])).map(toFact);
    },
    append: async (head, batch) => await append(scope, head, batch),
    async addCosignature({ epoch, size }, witness, line): Promise<void> {
      await query(
        `insert into assent.audit_cosignatures (tenant_id, epoch, size, witness, line) values ($1, $2, $3, $4, $5)
         on conflict do nothing`,
        [tenant, epoch, size, witness, line],
      );
    },
    async addFact({ subject, at, kind, actor, payload }): Promise<void> {
      const stored = await sealedPayload(scope, sealing, { subject, kind, payload });
      await query(
        `insert into assent.audit_facts (tenant_id, subject, version, at, kind, actor_id, data)
         select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6
         from assent.audit_facts where tenant_id = $1 and subject = $2`,
        [tenant, subject, at, kind, actor, stored],
      );
    },
    async erase({ epoch, index, reason, actor, at }): Promise<boolean> {
      const digest = await erasedDigest(scope, epoch, index);
      const row = only(
        await query<{ done: boolean }>("select assent.audit_erase($1, $2, $3, $4, $5, $6, $7) as done", [
          tenant,
          epoch,
          index,
          digest,
          reason,
          actor,
          at,
        ]),
      );
      return row.done;
    },
  };
}

async function append(
  { query, tenant }: Scope,
  head: LogHead,
  { leaves, nodes, root }: LogBatch,
): Promise<void> {
  await query("select assent.audit_append($1, $2, $3, $4::bigint[], $5, $6::int[], $7, $8, $9)", [
    tenant,
    head.epoch,
    head.size,
    leaves.map((leaf) => leaf.eventId),
    Buffer.concat(leaves.map(({ leaf }) => leaf)),
    leaves.map(({ leaf }) => leaf.length),
    Buffer.concat(leaves.map(({ leafHash }) => leafHash)),
    Buffer.concat(leaves.map(({ salt }) => salt)),
    root,
  ]);
  if (nodes.length === 0) return;
  await query("select assent.audit_add_nodes($1, $2, $3::int[], $4::bigint[], $5::bytea[])", [
    tenant,
    head.epoch,
    nodes.map((node) => node.level),
    nodes.map((node) => node.index),
    nodes.map((node) => node.hash),
  ]);
}

// A run's event without its payload is an event all the same: its digest is the one of what is left.
async function erasedDigest(scope: Scope, epoch: number, index: number): Promise<Buffer | null> {
  const [row] = await scope.query<{ run_id: string; version: number }>(
    `select e.run_id, e.version from assent.audit_leaves l
     join assent.audit_events e on e.tenant_id = l.tenant_id and e.event_id = l.event_id
     where l.tenant_id = $1 and l.epoch = $2 and l.first > $3::bigint - ${BATCH_MAX} and l.first <= $3 and l.idx = $3`,
    [scope.tenant, epoch, index],
  );
  if (row === undefined) return null;
  const run = idFromUuid("run", row.run_id);
  const event = only(await auditRows(scope).list(run, row.version - 1, 1));
  const { digest: _, ...kept } = event;
  return digestToBytes(eventDigest({ ...kept, data: { erased: true } }));
}

type HeadRow = { epoch: number; size: string; root: Buffer };
const toHead = (row: HeadRow): LogHead => ({ epoch: row.epoch, size: Number(row.size), root: row.root });

type Covering = "firstCheckpoint" | "place" | "eventOf" | "isCovered" | "checkpoint";

function covering({ query, tenant }: Scope): Pick<LogTx, Covering> {
  return {
    async eventOf(subject): Promise<string | null> {
      const [row] = await query<{ event_id: string }>(
        "select event_id from assent.audit_facts where tenant_id = $1 and subject = $2 order by version desc limit 1",
        [tenant, subject],
      );
      return row?.event_id ?? null;
    },
    async isCovered(eventId): Promise<boolean> {
      const [row] = await query<{ covered: boolean }>(
        `select exists (select from assent.audit_checkpoints c
           where c.tenant_id = $1 and c.epoch = l.epoch and c.size > l.idx) as covered
         from assent.audit_place($1, $2) l`,
        [tenant, eventId],
      );
      return row?.covered === true;
    },
    async place(run, version): Promise<{ epoch: number; index: number } | null> {
      const [row] = await query<{ epoch: number; idx: string }>(
        `select l.epoch, l.idx from assent.audit_events e, assent.audit_place(e.tenant_id, e.event_id) l
         where e.tenant_id = $1 and e.run_id = $2 and e.version = $3`,
        [tenant, uuidOf(run), version],
      );
      return row === undefined ? null : { epoch: row.epoch, index: Number(row.idx) };
    },
    async firstCheckpoint(epoch, sizeMin): Promise<StoredCheckpoint | null> {
      const [row] = await query<{ size: string; note: string }>(
        `select size, note from assent.audit_checkpoints
         where tenant_id = $1 and epoch = $2 and size >= $3 order by size limit 1`,
        [tenant, epoch, sizeMin],
      );
      return row === undefined ? null : { epoch, size: Number(row.size), note: row.note };
    },
    async checkpoint(epoch, sizeMin): Promise<StoredCheckpoint | null> {
      const [row] = await query<{ size: string; note: string }>(
        `select c.size, c.note || coalesce(string_agg(s.line || e'\\n', '' order by s.witness), '') as note
         from assent.audit_checkpoints c
         left join assent.audit_cosignatures s on s.tenant_id = c.tenant_id and s.epoch = c.epoch and s.size = c.size
         where c.tenant_id = $1 and c.epoch = $2 and c.size = (
           select max(n.size) from assent.audit_checkpoints n
           where n.tenant_id = $1 and n.epoch = $2 and n.size >= $3)
         group by c.size, c.note`,
        [tenant, epoch, sizeMin],
      );
      return row === undefined ? null : { epoch, size: Number(row.size), note: row.note };
    },
  };
}

function readingHashes({ query, tenant }: Scope): Pick<LogTx, "hashes" | "hashRanges"> {
  const hashRanges: LogTx["hashRanges"] = async (epoch, ranges) =>
    await readHashes(query, tenant, epoch, ranges);
  return {
    hashRanges,
    hashes: async (epoch, level, from, count) => (await hashRanges(epoch, [{ level, from, count }]))[0] ?? [],
  };
}

async function readHashes(
  query: Query,
  tenant: string,
  epoch: number,
  ranges: readonly HashRange[],
): Promise<Hashes> {
  const rows = await query<{ part: string; hash: Buffer }>(
    "select part, hash from assent.audit_hash_ranges($1, $2, $3, $4, $5)",
    [
      tenant,
      epoch,
      ranges.map(({ level }) => level),
      ranges.map(({ from }) => from),
      ranges.map(({ from, count }) => from + count),
    ],
  );
  const found: Uint8Array[][] = ranges.map(() => []);
  for (const { part, hash } of rows) found[Number(part) - 1]?.push(hash);
  return found;
}

async function readDecisions(
  query: Query,
  tenant: string,
  decided: readonly Decided[],
): Promise<readonly (CoveredEntry | null)[]> {
  type Row = { at: string; epoch: number; idx: string; leaf: Buffer | null; size: string; note: string };
  const rows = await query<Row>(
    `select d.at, e.epoch, e.idx, e.leaf, e.size, e.note
     from unnest($2::uuid[], $3::text[]) with ordinality as d (run, approval, at),
       lateral assent.audit_decision_entry($1, d.run, d.approval) e`,
    [tenant, decided.map(({ run }) => uuidOf(run)), decided.map(({ approval }) => approval)],
  );
  const found = new Map(rows.toReversed().map((row) => [Number(row.at), row]));
  return decided.map((_one, at) => {
    const row = found.get(at + 1);
    // One that was pruned cannot be shown, and so not be proved.
    if (row === undefined || row.leaf === null) return null;
    const { epoch, leaf, note } = row;
    return { epoch, index: Number(row.idx), leaf, checkpoint: { size: Number(row.size), note } };
  });
}

type Reading = "logs" | "head" | "leaves" | "opened" | "count";

function reading(scope: Scope, sealing: Sealing): Pick<LogTx, Reading> {
  const { query, tenant } = scope;
  return {
    async logs(): Promise<readonly LogInfo[]> {
      return await query<LogInfo>(
        "select epoch, origin, vkey from assent.audit_logs where tenant_id = $1 order by epoch",
        [tenant],
      );
    },
    async head(epoch): Promise<LogHead | null> {
      const [row] = await query<HeadRow>(
        "select epoch, size, root from assent.audit_heads where tenant_id = $1 and epoch = $2",
        [tenant, epoch],
      );
      return row === undefined ? null : toHead(row);
    },
    async leaves(epoch, from, count): Promise<readonly Uint8Array[]> {
      const rows = await query<{ leaf: Buffer }>(
        `select u.leaf from assent.audit_batches b, unnest(b.leaves) with ordinality as u (leaf, n)
         where b.tenant_id = $1 and b.epoch = $2 and b.first > $3::bigint - ${BATCH_MAX} and b.first < $4
           and b.first + u.n - 1 >= $3 and b.first + u.n - 1 < $4 and u.leaf is not null order by b.first, u.n`,
        [tenant, epoch, from, from + count],
      );
      return rows.map((row) => row.leaf);
    },
    async opened(epoch, from, count): Promise<readonly OpenedLeaf[]> {
      const rows = await query<LeafRow>(
        `select l.idx, l.leaf, l.leaf_hash, l.salt, coalesce(e.data, f.data)::text as payload
         from assent.audit_leaves l
         left join assent.audit_events e on e.tenant_id = l.tenant_id and e.event_id = l.event_id
         left join assent.audit_facts f on f.tenant_id = l.tenant_id and f.event_id = l.event_id
         where l.tenant_id = $1 and l.epoch = $2 and l.first > $3::bigint - ${BATCH_MAX} and l.first < $4
           and l.idx >= $3 and l.idx < $4 and l.leaf is not null order by l.idx`,
        [tenant, epoch, from, from + count],
      );
      return await withOpened(
        scope,
        sealing,
        rows.map((row) => ({
          index: Number(row.idx),
          leaf: row.leaf,
          leafHash: row.leaf_hash,
          salt: row.salt,
          payload: row.salt === null ? null : row.payload,
        })),
      );
    },
    async count(): Promise<{ events: number; leaves: number; waiting: number }> {
      const row = only(
        await query<{ events: string; leaves: string; waiting: string }>(
          `select (select count(*) from assent.audit_events where tenant_id = $1)
              + (select count(*) from assent.audit_facts where tenant_id = $1) as events,
            (select coalesce(sum(cardinality(event_ids)), 0) from assent.audit_batches where tenant_id = $1) as leaves,
            (select coalesce(sum(cardinality(event_ids)), 0) from assent.audit_inbox where tenant_id = $1) as waiting`,
          [tenant],
        ),
      );
      return { events: Number(row.events), leaves: Number(row.leaves), waiting: Number(row.waiting) };
    },
  };
}

type LeafRow = { idx: string; leaf: Buffer; leaf_hash: Buffer; salt: Buffer | null; payload: string | null };
