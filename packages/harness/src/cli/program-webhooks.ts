// The part of the command line's grammar that is about webhooks.

import { DELIVERY_STATUSES, type DeliveryId, type WebhookId } from "@assent/contract";
import { type Command, Option } from "commander";
import type { DeliveryFilter } from "../client/webhooks.ts";
import {
  collectDeliveryIds,
  collectWebhookEvents,
  parseDuration,
  parseLimit,
  parseWebhookId,
} from "./argument.ts";
import {
  createWebhook,
  enableWebhook,
  listDeliveries,
  listWebhooks,
  pingWebhook,
  redeliver,
  removeWebhook,
  rotateWebhook,
  type WebhookFlags,
} from "./commands/webhooks.ts";
import type { Perform } from "./context.ts";

export function addWebhooks(program: Command, perform: Perform): void {
  const webhooks = program.command("webhooks").description("be told of what happens (Standard Webhooks)");
  webhooks
    .command("create")
    .description("send messages to a URL; the secret that they are signed with is shown once")
    .argument("<url>", "https, on the open Internet, unless the configuration names its host")
    .option("--event <event>", "of what; may be repeated; everything where left out", collectWebhookEvents)
    .option("--description <text>", "what it is for")
    .action(
      async (url: string, flags: WebhookFlags) =>
        await perform(async (context) => await createWebhook(context, url, flags)),
    );
  webhooks
    .command("list")
    .description("list webhooks, without secrets")
    .action(async () => await perform(async (context) => await listWebhooks(context)));
  webhooks
    .command("rotate")
    .description("replace a webhook's secret; the new one is shown once")
    .argument("<webhook>", "its id", parseWebhookId)
    .option("--overlap <duration>", "how long messages carry both signatures: 0s, 15m, 24h", parseDuration)
    .action(
      async (id: WebhookId, flags: { overlap?: number }) =>
        await perform(async (context) => await rotateWebhook(context, id, flags)),
    );
  for (const [name, description, command] of [
    ["enable", "send again to one that is off or paused, at once", enableWebhook],
    ["remove", "stop telling a webhook", removeWebhook],
    ["ping", "send a message to try it", pingWebhook],
  ] as const)
    webhooks
      .command(name)
      .description(description)
      .argument("<webhook>", "its id", parseWebhookId)
      .action(async (id: WebhookId) => await perform(async (context) => await command(context, id)));
  addDeliveries(webhooks, perform);
}

function addDeliveries(webhooks: Command, perform: Perform): void {
  webhooks
    .command("deliveries")
    .description("what a webhook was sent, and what became of it; newest first")
    .argument("<webhook>", "its id", parseWebhookId)
    .addOption(new Option("--status <status>", "only these").choices(DELIVERY_STATUSES))
    .option("--limit <n>", "at most so many", parseLimit)
    .option("--cursor <cursor>", "go on where a list ended")
    .action(
      async (id: WebhookId, flags: DeliveryFilter) =>
        await perform(async (context) => await listDeliveries(context, id, flags)),
    );
  webhooks
    .command("redeliver")
    .description("send messages again, with the ids that they had")
    .argument("<webhook>", "its id", parseWebhookId)
    .argument("[message...]", "which; all that are dead where left out", collectDeliveryIds)
    .action(
      async (id: WebhookId, deliveries: readonly DeliveryId[]) =>
        await perform(async (context) => await redeliver(context, id, deliveries)),
    );
}
