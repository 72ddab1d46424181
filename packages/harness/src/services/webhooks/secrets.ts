import { createHmac } from "node:crypto";
import type { WebhookId } from "@assent/contract";

/** What the messages of a webhook are signed with; derived, so that the database holds none. @param generation from 1 */
export type WebhookSecret = (id: WebhookId, generation: number) => Uint8Array;

/** @param secret the installation's, for what is signed */
export const webhookSecrets =
  (secret: Uint8Array): WebhookSecret =>
  (id, generation) =>
    createHmac("sha256", secret).update(`assent/webhook/v1\n${id}\n${generation}`).digest();
