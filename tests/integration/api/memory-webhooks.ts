// Webhooks of a harness without a database.

import type { WebhookId } from "@assent/contract";
import { err, ok, type Result } from "../../../packages/harness/src/base/result.ts";
import type { Harness, Refusal } from "../../../packages/harness/src/services/harness.ts";
import type { Recorder } from "./memory-harness.ts";
import { CREATED_WEBHOOK, DELIVERY, WEBHOOK } from "./samples.ts";

const known = async <T>(id: WebhookId, value: T): Promise<Result<T, Refusal>> =>
  await Promise.resolve(
    id === WEBHOOK.id ? ok(value) : err({ code: "webhook_not_found", detail: "There is none." }),
  );

export const webhookCalls = (record: Recorder): Harness["webhooks"] => ({
  create: async (caller, request) => {
    record("webhooks", "create", caller, request);
    return await Promise.resolve(ok(CREATED_WEBHOOK));
  },
  list: async (caller) => {
    record("webhooks", "list", caller);
    return await Promise.resolve(ok([WEBHOOK]));
  },
  rotate: async (caller, id, request) => {
    record("webhooks", "rotate", caller, id, request);
    return await known(id, CREATED_WEBHOOK);
  },
  enable: async (caller, id) => {
    record("webhooks", "enable", caller, id);
    return await known(id, WEBHOOK);
  },
  remove: async (caller, id) => {
    record("webhooks", "remove", caller, id);
    return await known(id, WEBHOOK);
  },
  ping: async (caller, id) => {
    record("webhooks", "ping", caller, id);
    return await known(id, DELIVERY);
  },
  deliveries: async (caller, id, query) => {
    record("webhooks", "deliveries", caller, id, query);
    return await known(id, { data: [DELIVERY], next_cursor: query.cursor === null ? "abc" : null });
  },
  redeliver: async (caller, id, request) => {
    record("webhooks", "redeliver", caller, id, request);
    return await known(id, { redelivered: 1 });
  },
});
