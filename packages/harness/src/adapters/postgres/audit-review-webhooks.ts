// Webhooks, beside what was recorded of them.

import { idFromUuid } from "@assent/contract";
import type { ReviewedWebhook, ReviewTx, WebhookEventRow } from "../../ports.ts";
import type { Query } from "./rows.ts";

const WEBHOOKS = `
  select id, url, url_salt, events, off_because, generation, created_by, extract(epoch from created_at)::text as created_at,
    extract(epoch from previous_until)::text as previous_until, extract(epoch from removed_at)::text as removed_at
  from assent.webhooks where tenant_id = $1 order by created_at, id`;

const WEBHOOK_EVENTS = `
  select kind, extract(epoch from at)::text as at, actor_id,
    case when data::text not in ('{"erased":true}', '{"pruned":true}') then data end as data
  from assent.audit_facts
  where tenant_id = $1
    and kind in ('webhook_created', 'webhook_rotated', 'webhook_enabled', 'webhook_removed', 'webhook_gone')
  order by event_id`;

type WebhookRow = {
  id: string;
  url: string;
  url_salt: Buffer | null;
  events: string[];
  off_because: string | null;
  generation: number;
  created_by: string;
  created_at: string;
  previous_until: string | null;
  removed_at: string | null;
};

const toWebhook = (row: WebhookRow): ReviewedWebhook => ({
  id: idFromUuid("whk", row.id),
  url: row.url,
  urlSalt: row.url_salt,
  events: row.events,
  offBecause: row.off_because,
  generation: row.generation,
  previousUntil: row.previous_until,
  createdAt: row.created_at,
  createdBy: idFromUuid("prn", row.created_by),
  removedAt: row.removed_at,
});

type EventRow = {
  kind: string;
  at: string;
  actor_id: string | null;
  data: Readonly<Record<string, unknown>> | null;
};

const toEvent = ({ kind, at, actor_id: actor, data }: EventRow): WebhookEventRow => ({
  kind,
  at,
  actor: actor === null ? null : idFromUuid("prn", actor),
  data,
});

export const reviewWebhookRows = (query: Query): Pick<ReviewTx, "webhooks" | "webhookEvents"> => ({
  webhooks: async (tenant) => (await query<WebhookRow>(WEBHOOKS, [tenant])).map(toWebhook),
  webhookEvents: async (tenant) => (await query<EventRow>(WEBHOOK_EVENTS, [tenant])).map(toEvent),
});
