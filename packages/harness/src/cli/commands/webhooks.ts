import {
  type CreatedWebhook,
  type Delivery,
  type DeliveryId,
  REDELIVERED_MAX,
  rotateWebhookSchema,
  type Webhook,
  type WebhookEvent,
  type WebhookId,
  webhookRequestSchema,
} from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { DeliveryFilter } from "../../client/webhooks.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient, usageFailure } from "../failure.ts";
import { fields, table } from "../output/table.ts";
import { relativeTime } from "../output/time.ts";
import { visibleLine } from "../output/visible.ts";

export type WebhookFlags = { readonly event?: readonly WebhookEvent[]; readonly description?: string };

const usage = (
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
): Outcome =>
  Promise.resolve(
    err(
      usageFailure(
        "invalid_request",
        issue === undefined ? "not acceptable" : `${issue.path.join(".")} ${issue.message}`,
        "See `assent webhooks --help`.",
      ),
    ),
  );

export async function createWebhook(
  context: Context,
  url: string,
  { event, description }: WebhookFlags,
): Outcome {
  const request = webhookRequestSchema.safeParse({
    url,
    ...(event === undefined ? {} : { events: event }),
    ...(description === undefined ? {} : { description }),
  });
  if (!request.success) return await usage(request.error.issues[0]);
  const client = await context.openClient();
  if (!client.ok) return client;
  const made = await client.value.webhooks.create(request.data);
  if (!made.ok) return err(failureOfClient(made.error));
  context.show(made.value, () => secretLines(made.value, "Messages are sent to"));
  return ok("ok");
}

export async function rotateWebhook(
  context: Context,
  id: WebhookId,
  { overlap }: { readonly overlap?: number },
): Outcome {
  const request = rotateWebhookSchema.safeParse(overlap === undefined ? {} : { overlap_seconds: overlap });
  if (!request.success) return await usage(request.error.issues[0]);
  const client = await context.openClient();
  if (!client.ok) return client;
  const rotated = await client.value.webhooks.rotate(id, request.data);
  if (!rotated.ok) return err(failureOfClient(rotated.error));
  context.show(rotated.value, () => secretLines(rotated.value, "A new secret for"));
  return ok("ok");
}

const secretLines = ({ id, url, events, secret }: CreatedWebhook, what: string): string[] => [
  `${what} ${visibleLine(url)}.`,
  ...fields([
    ["webhook", id],
    ["events", events.join(", ")],
    ["secret", secret],
  ]),
  "The secret is shown this once: whoever receives the messages verifies them with it.",
];

export async function listWebhooks(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const listed = await client.value.webhooks.list();
  if (!listed.ok) return err(failureOfClient(listed.error));
  const now = context.deps.clock.now();
  context.show({ data: listed.value }, () =>
    listed.value.length === 0
      ? ["Nobody is told of anything: `assent webhooks create <url>`."]
      : table(
          ["WEBHOOK", "URL", "FOR", "EVENTS", "STATE"],
          listed.value.map((webhook) => [
            webhook.id,
            webhook.url,
            webhook.description,
            webhook.events.join(", "),
            stateOf(webhook, now),
          ]),
        ),
  );
  return ok("ok");
}

function stateOf({ status, failures, paused_until }: Webhook, now: Date): string {
  if (status === "off") return "off: it answered 410";
  if (failures === 0) return "on";
  const next = paused_until === null ? "" : `, next ${relativeTime(paused_until, now)}`;
  return `on, ${failures} failed in a row${next}`;
}

export async function enableWebhook(context: Context, id: WebhookId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const enabled = await client.value.webhooks.enable(id);
  if (!enabled.ok) return err(failureOfClient(enabled.error));
  context.show(enabled.value, () => [`Messages are sent to ${visibleLine(enabled.value.url)} again.`]);
  return ok("ok");
}

export async function removeWebhook(context: Context, id: WebhookId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const removed = await client.value.webhooks.remove(id);
  if (!removed.ok) return err(failureOfClient(removed.error));
  context.show(removed.value, () => [`Nothing is sent to ${visibleLine(removed.value.url)} any more.`]);
  return ok("ok");
}

export async function pingWebhook(context: Context, id: WebhookId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const pinged = await client.value.webhooks.ping(id);
  if (!pinged.ok) return err(failureOfClient(pinged.error));
  context.show(pinged.value, () => [
    `Message ${pinged.value.id} waits to be sent; see \`assent webhooks deliveries ${id}\`.`,
  ]);
  return ok("ok");
}

export async function listDeliveries(context: Context, id: WebhookId, filter: DeliveryFilter): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const listed = await client.value.webhooks.deliveries(id, filter);
  if (!listed.ok) return err(failureOfClient(listed.error));
  const { data, next_cursor } = listed.value;
  const now = context.deps.clock.now();
  context.show({ data, next_cursor }, () => [
    ...(data.length === 0
      ? ["No message."]
      : table(
          ["MESSAGE", "TYPE", "RUN", "WHEN", "STATE"],
          data.map((one) => [
            one.id,
            one.type,
            one.run_id ?? "",
            relativeTime(one.at, now),
            outcomeOf(one, now),
          ]),
        )),
    ...(next_cursor === null ? [] : [`More: --cursor ${next_cursor}`]),
  ]);
  return ok("ok");
}

function outcomeOf({ status, attempts, failure, next_attempt_at }: Delivery, now: Date): string {
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const why = failure === null ? "" : `: ${failure}`;
  if (status !== "pending") return `${status}, ${tries}${why}`;
  if (attempts === 0) return "waits";
  if (next_attempt_at === null) return `waits, ${tries}${why}`;
  return `waits, ${tries}${why}, next ${relativeTime(next_attempt_at, now)}`;
}

export async function redeliver(context: Context, id: WebhookId, deliveries: readonly DeliveryId[]): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const again = await client.value.webhooks.redeliver(id, deliveries.length === 0 ? null : deliveries);
  if (!again.ok) return err(failureOfClient(again.error));
  const { redelivered } = again.value;
  context.show(again.value, () => [
    redelivered === 1 ? "1 message is sent again." : `${redelivered} messages are sent again.`,
    ...(redelivered === REDELIVERED_MAX ? ["That is as many as at once; there may be more."] : []),
  ]);
  return ok("ok");
}
