// A tenant's webhooks: made, seen, given another secret, switched on again, removed. What was done about them is an access event,
// since whoever makes one decides where news of the tenant goes.

import {
  type AccessEventKind,
  type CreatedWebhook,
  idFromUuid,
  type RotateWebhook,
  type Webhook,
  type WebhookId,
  type WebhookRequest,
} from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import { uuidV7 } from "../../core/uuid.ts";
import { shownSecret } from "../../core/webhook/message.ts";
import { urlDigest } from "../../core/webhook/url-digest.ts";
import type { Caller, Clock, Random, Store, StoreTx, WebhookPost, WebhookRecord } from "../../ports.ts";
import type { Refusal } from "../harness.ts";
import { refuseEnded } from "../still-good.ts";
import type { WebhookSecret } from "./secrets.ts";

export type WebhookPorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly webhookSecret: WebhookSecret;
  readonly webhookPost: Pick<WebhookPost, "check">;
};

export const WEBHOOK_NOT_FOUND: Refusal = {
  code: "webhook_not_found",
  detail: "There is no webhook with this id.",
};

export async function createWebhook(
  { store, clock, random, webhookSecret, webhookPost }: WebhookPorts,
  caller: Caller,
  { url, events, description }: WebhookRequest,
): Promise<Result<CreatedWebhook, Refusal>> {
  const checked = webhookPost.check(url);
  if (!checked.ok)
    return err({
      code: "invalid_request",
      detail: checked.error,
      errors: [{ pointer: "#/url", detail: checked.error }],
    });
  const now = clock.now();
  const id = idFromUuid("whk", uuidV7(now, random.bytes(10)));
  return await store.transaction(caller.tenant, async (tx) => {
    const ended = await refuseEnded(tx, caller, now);
    if (ended !== null) return err(ended);
    const made = {
      id,
      url: checked.value,
      urlSalt: random.bytes(16),
      events,
      description,
      createdAt: now,
      createdBy: caller.actor.id,
    };
    if (!(await tx.webhooks.insert(made)))
      return err({ code: "webhooks_full", detail: "The tenant has as many webhooks as it may." });
    const webhook = await tx.webhooks.find(id);
    if (webhook === null) throw new Error("a webhook that was just made is there");
    await record(tx, caller, "webhook_created", webhook, now);
    return ok({ ...webhookView(webhook, now), secret: shownSecret(webhookSecret(id, webhook.generation)) });
  });
}

export async function listWebhooks(
  { store, clock }: Pick<WebhookPorts, "store" | "clock">,
  caller: Caller,
): Promise<Result<readonly Webhook[], Refusal>> {
  const found = await store.transaction(caller.tenant, async (tx) => await tx.webhooks.list(), {
    isRepeatable: true,
  });
  const now = clock.now();
  return ok(found.map((webhook) => webhookView(webhook, now)));
}

export async function rotateWebhook(
  ports: WebhookPorts,
  caller: Caller,
  id: WebhookId,
  { overlap_seconds }: RotateWebhook,
): Promise<Result<CreatedWebhook, Refusal>> {
  const { webhookSecret, clock } = ports;
  const rotated = await change(ports, caller, id, "webhook_rotated", async (tx, at) => {
    await tx.webhooks.rotate(id, new Date(at.getTime() + overlap_seconds * 1_000));
  });
  if (!rotated.ok) return rotated;
  const { generation } = rotated.value;
  return ok({
    ...webhookView(rotated.value, clock.now()),
    secret: shownSecret(webhookSecret(id, generation)),
  });
}

export async function enableWebhook(
  ports: WebhookPorts,
  caller: Caller,
  id: WebhookId,
): Promise<Result<Webhook, Refusal>> {
  const enabled = await change(ports, caller, id, "webhook_enabled", async (tx) => {
    await tx.webhooks.enable(id);
  });
  return enabled.ok ? ok(webhookView(enabled.value, ports.clock.now())) : enabled;
}

/** @returns it as it was */
export async function removeWebhook(
  ports: WebhookPorts,
  caller: Caller,
  id: WebhookId,
): Promise<Result<Webhook, Refusal>> {
  const removed = await change(ports, caller, id, "webhook_removed", async (tx, at) => {
    await tx.webhooks.remove(id, at);
  });
  return removed.ok ? ok(webhookView(removed.value, ports.clock.now())) : removed;
}

/** @returns the webhook after it; as it was, where it is not there any more */
async function change(
  { store, clock }: Pick<WebhookPorts, "store" | "clock">,
  caller: Caller,
  id: WebhookId,
  kind: AccessEventKind,
  work: (tx: StoreTx, at: Date) => Promise<void>,
): Promise<Result<WebhookRecord, Refusal>> {
  const now = clock.now();
  return await store.transaction(caller.tenant, async (tx) => {
    const before = await tx.webhooks.lock(id);
    if (before === null) return err(WEBHOOK_NOT_FOUND);
    const ended = await refuseEnded(tx, caller, now);
    if (ended !== null) return err(ended);
    await work(tx, now);
    const after = (await tx.webhooks.find(id)) ?? before;
    await record(tx, caller, kind, after, now);
    return ok(after);
  });
}

async function record(
  tx: StoreTx,
  { actor, key: by }: Caller,
  kind: AccessEventKind,
  { id, url, urlSalt, events, generation, previousUntil }: WebhookRecord,
  at: Date,
): Promise<void> {
  // Of the URL no more than where it leads: receivers put words into it by which they know who may send.
  const data = {
    webhook_id: id,
    origin: new URL(url).origin,
    ...(urlSalt === null ? {} : { url_digest: urlDigest(urlSalt, url) }),
    events,
    secret_generation: generation,
    previous_secret_until: previousUntil?.toISOString() ?? null,
    by,
  };
  await tx.access.append({ at, kind, actor, data });
}

const timeStillToCome = (at: Date | null, now: Date): string | null =>
  at !== null && at > now ? at.toISOString() : null;

function webhookView(webhook: WebhookRecord, now: Date): Webhook {
  return {
    id: webhook.id,
    url: webhook.url,
    events: [...webhook.events],
    description: webhook.description,
    status: webhook.offBecause === null ? "on" : "off",
    failures: webhook.failures,
    paused_until: timeStillToCome(webhook.pausedUntil, now),
    previous_secret_until: timeStillToCome(webhook.previousUntil, now),
    created_at: webhook.createdAt.toISOString(),
    created_by: webhook.createdBy,
  };
}
