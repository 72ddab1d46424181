// What the edges can ask about webhooks.

import type { Cursors } from "../cursors.ts";
import type { Webhooks } from "../harness.ts";
import { listDeliveries, pingWebhook, redeliver } from "./deliveries.ts";
import {
  createWebhook,
  enableWebhook,
  listWebhooks,
  removeWebhook,
  rotateWebhook,
  type WebhookPorts,
} from "./registry.ts";

export const createWebhooks = (ports: WebhookPorts & { readonly cursors: Cursors }): Webhooks => ({
  create: async (caller, request) => await createWebhook(ports, caller, request),
  list: async (caller) => await listWebhooks(ports, caller),
  rotate: async (caller, id, request) => await rotateWebhook(ports, caller, id, request),
  enable: async (caller, id) => await enableWebhook(ports, caller, id),
  remove: async (caller, id) => await removeWebhook(ports, caller, id),
  ping: async (caller, id) => await pingWebhook(ports, caller, id),
  deliveries: async (caller, id, query) => await listDeliveries(ports, caller, id, query),
  redeliver: async (caller, id, request) => await redeliver(ports, caller, id, request),
});
