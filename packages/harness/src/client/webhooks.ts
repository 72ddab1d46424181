// The part of the client that is about webhooks.

import {
  type CreatedWebhook,
  createdWebhookSchema,
  type Delivery,
  type DeliveryId,
  type DeliveryPage,
  deliveryPageSchema,
  deliverySchema,
  type DeliveryStatus,
  type Redelivered,
  redeliveredSchema,
  type RotateWebhook,
  type Webhook,
  type WebhookId,
  webhookListSchema,
  type WebhookRequest,
  webhookSchema,
} from "@assent/contract";
import type { Result } from "../base/result.ts";
import type { ClientFailure } from "./failure.ts";
import { type Connection, exchangeJson } from "./request.ts";

type Answer<T> = Promise<Result<T, ClientFailure>>;

export type DeliveryFilter = {
  readonly status?: DeliveryStatus;
  readonly limit?: number;
  readonly cursor?: string;
};

export type WebhookClient = {
  create(request: WebhookRequest): Answer<CreatedWebhook>;
  list(): Answer<readonly Webhook[]>;
  rotate(id: WebhookId, request: RotateWebhook): Answer<CreatedWebhook>;
  enable(id: WebhookId): Answer<Webhook>;
  remove(id: WebhookId): Answer<Webhook>;
  ping(id: WebhookId): Answer<Delivery>;
  deliveries(id: WebhookId, filter: DeliveryFilter): Answer<DeliveryPage>;
  /** @param deliveries null: all that are dead */
  redeliver(id: WebhookId, deliveries: readonly DeliveryId[] | null): Answer<Redelivered>;
};

const WEBHOOKS = "/api/harness/webhooks";

export function webhookCalls(connection: Connection): WebhookClient {
  return {
    create: async (body) =>
      await exchangeJson(connection, { method: "POST", path: WEBHOOKS, body }, createdWebhookSchema),
    list: async () => {
      const listed = await exchangeJson(connection, { method: "GET", path: WEBHOOKS }, webhookListSchema);
      return listed.ok ? { ok: true, value: listed.value.data } : listed;
    },
    rotate: async (id, body) =>
      await exchangeJson(
        connection,
        { method: "POST", path: `${WEBHOOKS}/${id}/rotate`, body },
        createdWebhookSchema,
      ),
    enable: async (id) =>
      await exchangeJson(connection, { method: "POST", path: `${WEBHOOKS}/${id}/enable` }, webhookSchema),
    remove: async (id) =>
      await exchangeJson(connection, { method: "DELETE", path: `${WEBHOOKS}/${id}` }, webhookSchema),
    ping: async (id) =>
      await exchangeJson(connection, { method: "POST", path: `${WEBHOOKS}/${id}/ping` }, deliverySchema),
    deliveries: async (id, { status, limit, cursor }) => {
      const query = new URLSearchParams();
      if (status !== undefined) query.set("status", status);
      if (limit !== undefined) query.set("limit", String(limit));
      if (cursor !== undefined) query.set("cursor", cursor);
      const path = `${WEBHOOKS}/${id}/deliveries${query.size === 0 ? "" : `?${query.toString()}`}`;
      return await exchangeJson(connection, { method: "GET", path }, deliveryPageSchema);
    },
    redeliver: async (id, deliveries) =>
      await exchangeJson(
        connection,
        {
          method: "POST",
          path: `${WEBHOOKS}/${id}/redeliver`,
          body: deliveries === null ? {} : { deliveries: [...deliveries] },
        },
        redeliveredSchema,
      ),
  };
}
