// What a webhook was sent and is to be sent: seen, tried with a message of no event, and sent again.

import {
  type Delivery,
  idFromUuid,
  type Redeliver,
  type Redelivered,
  WEBHOOK_PING,
  type WebhookId,
} from "@assent/contract";
import { PAGE_ROWS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { Caller, StoreTx } from "../../ports.ts";
import { type Cursors, FOREIGN_CURSOR } from "../cursors.ts";
import type { DeliveryQuery, Page, Refusal } from "../harness.ts";
import { refuseEnded } from "../still-good.ts";
import { WEBHOOK_NOT_FOUND, type WebhookPorts } from "./registry.ts";

/** Newest first. */
export async function listDeliveries(
  { store, cursors }: Pick<WebhookPorts, "store"> & { readonly cursors: Cursors },
  caller: Caller,
  id: WebhookId,
  { status, cursor, ...query }: DeliveryQuery,
): Promise<Result<Page<Delivery>, Refusal>> {
  const limit = Math.min(query.limit, PAGE_ROWS_MAX);
  const list = { tenant: caller.tenant, of: "deliveries", id, status };
  const before = cursor === null ? null : cursors.open(cursor, list, "msg");
  if (before === undefined) return err(FOREIGN_CURSOR);
  const found = await store.transaction(
    caller.tenant,
    async (tx) =>
      (await tx.webhooks.find(id)) === null
        ? null
        : await tx.webhooks.deliveries(id, status, before, limit + 1),
    { isRepeatable: true },
  );
  if (found === null) return err(WEBHOOK_NOT_FOUND);
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return ok({
    data: page,
    next_cursor:
      last === undefined ? null : cursors.seal({ createdAt: new Date(last.at), id: last.id }, list),
  });
}

const OFF: Refusal = { code: "webhook_off", detail: "It answered 410 and wants no more messages." };

/** @returns what waits to be sent */
export async function pingWebhook(
  ports: WebhookPorts,
  caller: Caller,
  webhook: WebhookId,
): Promise<Result<Delivery, Refusal>> {
  const at = ports.clock.now();
  const id = idFromUuid("msg", uuidV7(at, ports.random.bytes(10)));
  return await onlyToOne(ports, caller, webhook, async (tx) => {
    await tx.webhooks.note(webhook, { id, type: WEBHOOK_PING, at, data: { webhook_id: webhook } });
    return ok({
      id,
      type: WEBHOOK_PING,
      run_id: null,
      at: at.toISOString(),
      status: "pending",
      attempts: 0,
      next_attempt_at: at.toISOString(),
      ended_at: null,
      response_status: null,
      failure: null,
    });
  });
}

/** @returns `delivery_not_found`, and nothing is sent again, where one of them is not this webhook's */
export async function redeliver(
  ports: WebhookPorts,
  caller: Caller,
  webhook: WebhookId,
  { deliveries: asked }: Redeliver,
): Promise<Result<Redelivered, Refusal>> {
  const deliveries = asked ?? null;
  return await onlyToOne(ports, caller, webhook, async (tx) => {
    if (deliveries !== null && (await tx.webhooks.countOf(webhook, deliveries)) < new Set(deliveries).size)
      return err({ code: "delivery_not_found", detail: "There is no message with this id." });
    return ok({ redelivered: await tx.webhooks.redeliver(webhook, deliveries, ports.clock.now()) });
  });
}

async function onlyToOne<T>(
  { store, clock }: WebhookPorts,
  caller: Caller,
  id: WebhookId,
  work: (tx: StoreTx) => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> {
  return await store.transaction(caller.tenant, async (tx) => {
    const webhook = await tx.webhooks.lock(id);
    if (webhook === null) return err(WEBHOOK_NOT_FOUND);
    if (webhook.offBecause !== null) return err(OFF);
    const ended = await refuseEnded(tx, caller, clock.now());
    return ended === null ? await work(tx) : err(ended);
  });
}
