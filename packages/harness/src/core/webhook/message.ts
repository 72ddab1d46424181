// A message as it goes out (Standard Webhooks 1.0.0, https://github.com/standard-webhooks/standard-webhooks): the same id and body at
// each attempt, time and signature of the attempt's own.

import { createHmac } from "node:crypto";
import type { DeliveryId } from "@assent/contract";

export const SECRET_PREFIX = "whsec_";

/** How a secret is told to whoever verifies. */
export const shownSecret = (secret: Uint8Array): string =>
  `${SECRET_PREFIX}${Buffer.from(secret).toString("base64")}`;

export const messageBody = ({
  type,
  at,
  data,
}: {
  readonly type: string;
  readonly at: Date;
  readonly data: unknown;
}): string => JSON.stringify({ type, timestamp: at.toISOString(), data });

/** @param secrets one, or while it is being replaced two: a receiver is content with either signature */
export function messageHeaders(
  id: DeliveryId,
  body: string,
  sentAt: Date,
  secrets: readonly Uint8Array[],
): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(sentAt.getTime() / 1_000));
  const signature = (secret: Uint8Array): string =>
    `v1,${createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64")}`;
  return {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "user-agent": "assent",
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": secrets.map(signature).join(" "),
  };
}
