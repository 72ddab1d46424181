import {
  type Actor,
  type Delivery,
  type DeliveryStatus,
  idFromUuid,
  runIdSchema,
  type WebhookEvent,
  type TenantId,
  type WebhookId,
  uuidOf,
  REDELIVERED_MAX,
  WEBHOOKS_MAX,
} from "@assent/contract";
import type { Pool } from "pg";
import { unreachable } from "../../base/assert.ts";
import type {
  AttemptEnd,
  DeliveryQueue,
  DueDelivery,
  NewWebhook,
  StoreTx,
  TakeDeliveries,
  WebhookRecord,
} from "../../ports.ts";
import { only, type Query, type Scope } from "./rows.ts";
import { unlessUnavailable } from "./unavailable.ts";

/** Given up with their webhook, in the request that removes it. */
const GIVEN_UP_MAX = 5_000;

type WebhookRow = {
  id: string;
  url: string;
  url_salt: Buffer | null;
  events: WebhookEvent[];
  description: string;
  off_because: "gone" | null;
  generation: number;
  previous_until: Date | null;
  failures: number;
  paused_until: Date | null;
  created_at: Date;
  principal_id: string;
  kind: Actor["kind"];
  name: string;
};

const SELECT = `
  select w.id, w.url, w.url_salt, w.events, w.description, w.off_because, w.generation, w.previous_until, w.failures, w.paused_until,
    w.created_at, p.id as principal_id, p.kind, p.name
  from assent.webhooks w
  join assent.principals p on p.tenant_id = w.tenant_id and p.id = w.created_by
  where w.tenant_id = $1 and w.removed_at is null`;

const toWebhook = (row: WebhookRow): WebhookRecord => ({
  id: idFromUuid("whk", row.id),
  url: row.url,
  urlSalt: row.url_salt,
  events: row.events,
  description: row.description,
  offBecause: row.off_because,
  generation: row.generation,
  previousUntil: row.previous_until,
  failures: row.failures,
  pausedUntil: row.paused_until,
  createdAt: row.created_at,
  createdBy: { id: idFromUuid("prn", row.principal_id), kind: row.kind, name: row.name },
});

export function webhookRows(scope: Scope): StoreTx["webhooks"] {
  const { query, tenant } = scope;
  return {
    ...deliveryRows(scope),
    insert: async (webhook) => await insertWebhook(scope, webhook),
    async list(): Promise<readonly WebhookRecord[]> {
      return (await query<WebhookRow>(`${SELECT} order by w.created_at, w.id`, [tenant])).map(toWebhook);
    },
    async find(id): Promise<WebhookRecord | null> {
      const [row] = await query<WebhookRow>(`${SELECT} and w.id = $2`, [tenant, uuidOf(id)]);
      return row === undefined ? null : toWebhook(row);
    },
    async lock(id): Promise<WebhookRecord | null> {
      const [row] = await query<WebhookRow>(`${SELECT} and w.id = $2 for no key update of w`, [
        tenant,
        uuidOf(id),
      ]);
      return row === undefined ? null : toWebhook(row);
    },
    async rotate(id, previousUntil): Promise<void> {
      await query(
        `update assent.webhooks set generation = generation + 1, previous_until = $3 where tenant_id = $1 and id = $2`,
        [tenant, uuidOf(id), previousUntil],
      );
    },
    async enable(id): Promise<void> {
      await query(
        `update assent.webhooks set off_because = null, failures = 0, paused_until = null where tenant_id = $1 and id = $2`,
        [tenant, uuidOf(id)],
      );
    },
    async remove(id, at): Promise<void> {
      await query(`update assent.webhooks set removed_at = $3 where tenant_id = $1 and id = $2`, [
        tenant,
        uuidOf(id),
        at,
      ]);
      // What is left is sent to nobody and shown to nobody, and given up when it is old: no webhook stays for having too much to send.
      await query(
        `update assent.webhook_deliveries set state = 'dead', failure = 'webhook_removed', ended_at = $3
         where tenant_id = $1 and state = 'pending' and ctid = any (array(select d.ctid from assent.webhook_deliveries d
           where d.tenant_id = $1 and d.webhook_id = $2 and d.state = 'pending' order by d.due_at limit $4))`,
        [tenant, uuidOf(id), at, GIVEN_UP_MAX],
      );
    },
  };
}

async function insertWebhook(
  { query, tenant }: Scope,
  { id, url, urlSalt, events, description, createdAt, createdBy }: NewWebhook,
): Promise<boolean> {
  // Two that take the same place: the second one waits for the first, and then looks for another.
  for (let attempt = 0; attempt < WEBHOOKS_MAX; attempt += 1) {
    const placed = await query<{ id: string }>(
      `insert into assent.webhooks (tenant_id, id, slot, url, url_salt, events, description, created_at, created_by)
       select $1, $2, s.slot, $3, $9, $4, $5, $6, $7 from generate_series(0, $8::integer - 1) s (slot)
       where not exists (select from assent.webhooks w where w.tenant_id = $1 and w.slot = s.slot and w.removed_at is null)
       order by s.slot limit 1
       on conflict do nothing returning id`,
      [
        tenant,
        uuidOf(id),
        url,
        [...events],
        description,
        createdAt,
        uuidOf(createdBy),
        WEBHOOKS_MAX,
        urlSalt,
      ],
    );
    if (placed.length > 0) return true;
    const { full } = only(
      await query<{ full: boolean }>(
        `select count(*) >= $2 as full from assent.webhooks where tenant_id = $1 and removed_at is null`,
        [tenant, WEBHOOKS_MAX],
      ),
    );
    if (full) return false;
  }
  return false;
}

type DeliveryRow = {
  id: string;
  type: string;
  run_id: string | null;
  at: Date;
  state: DeliveryStatus;
  attempts: number;
  /** Null where its webhook is off. */
  due_at: Date | null;
  ended_at: Date | null;
  status: number | null;
  failure: string | null;
};

const toDelivery = (row: DeliveryRow): Delivery => ({
  id: idFromUuid("msg", row.id),
  type: row.type,
  run_id: row.run_id === null ? null : runIdSchema.parse(row.run_id),
  at: row.at.toISOString(),
  status: row.state,
  attempts: row.attempts,
  next_attempt_at: row.state === "pending" ? (row.due_at?.toISOString() ?? null) : null,
  ended_at: row.ended_at?.toISOString() ?? null,
  response_status: row.status,
  failure: row.failure,
});

function deliveryRows({
  query,
  tenant,
}: Scope): Pick<StoreTx["webhooks"], "note" | "deliveries" | "countOf" | "redeliver" | "endAttempt"> {
  return {
    async note(webhook, { id, type, at, data }): Promise<void> {
      await query(
        `insert into assent.webhook_deliveries (tenant_id, id, webhook_id, type, at, data, due_at, waits_since)
         values ($1, $2, $3, $4, $5, $6, $5, $5)`,
        [tenant, uuidOf(id), uuidOf(webhook), type, at, JSON.stringify(data)],
      );
    },
    async deliveries(webhook, status, before, limit): Promise<readonly Delivery[]> {
      const rows = await query<DeliveryRow>(
        `select d.id, d.type, d.data ->> 'run_id' as run_id, d.at, d.state, d.attempts,
           case when w.off_because is null then greatest(d.due_at, w.paused_until) end as due_at, d.ended_at, nullif(d.status, 0) as status, d.failure
         from assent.webhook_deliveries d
         join assent.webhooks w on w.tenant_id = d.tenant_id and w.id = d.webhook_id
         where d.tenant_id = $1 and d.webhook_id = $2 and ($3::text is null or d.state = $3)
           and ($4::timestamptz is null or (d.at, d.id) < ($4, $5::uuid))
         order by d.at desc, d.id desc limit $6`,
        [
          tenant,
          uuidOf(webhook),
          status,
          before?.createdAt ?? null,
          before === null ? null : uuidOf(before.id),
          limit,
        ],
      );
      return rows.map(toDelivery);
    },
    async countOf(webhook, deliveries): Promise<number> {
      const { of_it } = only(
        await query<{ of_it: number }>(
          `select count(*)::integer as of_it from assent.webhook_deliveries
           where tenant_id = $1 and webhook_id = $2 and id = any ($3)`,
          [tenant, uuidOf(webhook), deliveries.map(uuidOf)],
        ),
      );
      return of_it;
    },
    async redeliver(webhook, deliveries, at): Promise<number> {
      const again = await query<{ id: string }>(
        `update assent.webhook_deliveries
         set state = 'pending', uncounted = attempts, due_at = $4, waits_since = $4, ended_at = null, status = null, failure = null
         where tenant_id = $1 and state <> 'pending' and ctid = any (array(select d.ctid from assent.webhook_deliveries d
           where d.tenant_id = $1 and d.webhook_id = $2 and d.state <> 'pending'
             and case when $3::uuid[] is null then d.state = 'dead' else d.id = any ($3) end
           order by d.at, d.id limit $5))
         returning id`,
        [tenant, uuidOf(webhook), deliveries?.map(uuidOf) ?? null, at, REDELIVERED_MAX],
      );
      return again.length;
    },
    endAttempt: async (end) => await endAttempt({ query, tenant }, end),
  };
}

async function endAttempt({ query, tenant }: Scope, end: AttemptEnd): Promise<boolean> {
  const { state, due, failure } = rowOf(end);
  // The lock is the webhook's first, as of whoever takes: neither waits for the other while it holds what that one wants.
  const [row] = await query<{ webhook_id: string }>(
    `with held as (
       select w.id from assent.webhooks w
       join assent.webhook_deliveries d on d.tenant_id = w.tenant_id and d.webhook_id = w.id
       where d.tenant_id = $1 and d.id = $2 for no key update of w)
     update assent.webhook_deliveries d
     set state = $4, due_at = coalesce($5::timestamptz, d.due_at), status = $6, failure = $7, uncounted = d.uncounted + $9::integer,
       ended_at = case when $4 = 'pending' then null else $8::timestamptz end
     from held where d.tenant_id = $1 and d.id = $2 and d.webhook_id = held.id and d.attempts = $3 and d.state = 'pending'
     returning d.webhook_id`,
    [
      tenant,
      uuidOf(end.delivery),
      end.attempt,
      state,
      due,
      end.status,
      failure,
      end.at,
      end.end === "handed_back" ? 1 : 0,
    ],
  );
  if (row === undefined) return false;
  if (end.end === "delivered")
    await query(
      `update assent.webhooks set failures = 0, paused_until = null
       where tenant_id = $1 and id = $2 and (failures > 0 or paused_until is not null)`,
      [tenant, row.webhook_id],
    );
  if (end.end === "gone")
    await query(
      `update assent.webhooks set off_because = 'gone', failures = failures + 1, paused_until = null
       where tenant_id = $1 and id = $2`,
      [tenant, row.webhook_id],
    );
  if (end.end === "failed")
    await query(
      `update assent.webhooks set failures = failures + 1, paused_until = greatest(paused_until, $3)
       where tenant_id = $1 and id = $2`,
      [tenant, row.webhook_id, end.pausedUntil],
    );
  return true;
}

function rowOf(end: AttemptEnd): {
  readonly state: DeliveryStatus;
  readonly due: Date | null;
  readonly failure: string | null;
} {
  switch (end.end) {
    case "delivered":
      return { state: "delivered", due: null, failure: null };
    case "gone":
      return { state: "pending", due: end.at, failure: "gone" };
    case "handed_back":
      return { state: "pending", due: end.at, failure: null };
    case "failed":
      return end.again === null
        ? { state: "dead", due: null, failure: end.failure }
        : { state: "pending", due: end.again, failure: end.failure };
    default:
      return unreachable(end);
  }
}

type TakenRow = {
  tenant_id: string;
  webhook_id: string;
  url: string;
  generation: number;
  previous_until: Date | null;
  failures: number;
  id: string;
  type: string;
  event_at: Date;
  data: unknown;
  attempt: number;
  counted: number;
};

async function takeDeliveries(
  query: Query,
  { at, until, busy, sending, most, mostOfOne }: TakeDeliveries,
): Promise<readonly DueDelivery[]> {
  const rows = await query<TakenRow>("select * from assent.take_deliveries_in_turn($1, $2, $3, $4, $5, $6)", [
    at,
    until,
    busy.map((id: WebhookId) => uuidOf(id)),
    sending.map((tenant: TenantId) => uuidOf(tenant)),
    most,
    mostOfOne,
  ]);
  return rows.map((row) => ({
    tenant: idFromUuid("ten", row.tenant_id),
    webhook: idFromUuid("whk", row.webhook_id),
    url: row.url,
    generation: row.generation,
    previousUntil: row.previous_until,
    failures: row.failures,
    id: idFromUuid("msg", row.id),
    type: row.type,
    at: row.event_at,
    data: row.data,
    attempt: row.attempt,
    counted: row.counted,
  }));
}

export const deliveryQueue = (pool: Pool, queryOn: (on: Pool) => Query): DeliveryQueue => ({
  take: async (taking) => await unlessUnavailable(async () => await takeDeliveries(queryOn(pool), taking)),
  oldest: async (at) =>
    only(await queryOn(pool)<{ oldest: Date | null }>("select assent.oldest_delivery($1) as oldest", [at]))
      .oldest,
  sweep: async ({ at, deadBefore, goneBefore }, most) =>
    only(
      await queryOn(pool)<{ swept: number }>("select assent.sweep_deliveries($1, $2, $3, $4) as swept", [
        at,
        deadBefore,
        goneBefore,
        most,
      ]),
    ).swept,
});
