// How tenants are told of what happens: derived from the installation's secret and its configuration.

import { createWebhookPost } from "../adapters/egress/webhook-post.ts";
import type { Config } from "../config.ts";
import type { Secrets } from "../home.ts";
import type { WebhookPost } from "../ports.ts";
import { type WebhookSecret, webhookSecrets } from "../services/webhooks/secrets.ts";

export type Telling = { readonly webhookPost: WebhookPost; readonly webhookSecret: WebhookSecret };

export const tellingOf = (
  { signing }: Pick<Secrets, "signing">,
  { webhooks }: Pick<Config, "webhooks">,
): Telling => ({
  webhookPost: createWebhookPost(webhooks),
  webhookSecret: webhookSecrets(signing),
});
