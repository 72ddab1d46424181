// Where a tenant is told of what happens: endpoints of their own, messages as Standard Webhooks (standardwebhooks.com) has them.

import { z } from "zod";
import { pageOf } from "./api-schemas.ts";
import { approvalIdSchema, deliveryIdSchema, runIdSchema, webhookIdSchema } from "./ids.ts";
import { actorSchema, RUN_STATES } from "./run.ts";

/** Of what one can be told. Past participles: each is sent after it became true, and not before that was on disk. */
export const WEBHOOK_EVENTS = [
  "approval.requested",
  "approval.decided",
  "run.ended",
  "run.effects_left",
] as const;
export const webhookEventSchema = z.enum(WEBHOOK_EVENTS).meta({ id: "WebhookEvent" });
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

/** What is sent when somebody asks for it, to whichever endpoint. */
export const WEBHOOK_PING = "webhook.ping";

/** Endpoints of one tenant. */
export const WEBHOOKS_MAX = 20;
/** Messages of a webhook that are sent again at once. */
export const REDELIVERED_MAX = 10_000;
/** The secret before the present one may be good for at most this long: a rotation is to end. */
export const WEBHOOK_OVERLAP_SECONDS_MAX = 30 * 86_400;
const WEBHOOK_OVERLAP_SECONDS = 86_400;

const isPlainText = (text: string): boolean => text.isWellFormed() && !/\p{Cc}/u.test(text);

export const webhookRequestSchema = z
  .strictObject({
    url: z.string().min(1).max(2_048).meta({
      description:
        "Where messages are posted to: https, on the open Internet, unless the configuration names its host.",
    }),
    events: z
      .array(webhookEventSchema)
      .min(1)
      .max(WEBHOOK_EVENTS.length)
      .refine((events) => new Set(events).size === events.length, "names an event twice")
      .default([...WEBHOOK_EVENTS])
      .meta({ description: "What it is told of; everything if left out." }),
    description: z.string().max(200).refine(isPlainText, "must be well-formed text of one line").default(""),
  })
  .meta({ id: "WebhookRequest" });
export type WebhookRequest = z.infer<typeof webhookRequestSchema>;

export const rotateWebhookSchema = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(WEBHOOK_OVERLAP_SECONDS_MAX)
      .default(WEBHOOK_OVERLAP_SECONDS)
      .meta({ description: "How long messages are signed with the old secret beside the new one." }),
  })
  .meta({ id: "RotateWebhook" });
export type RotateWebhook = z.infer<typeof rotateWebhookSchema>;

export const webhookSchema = z
  .strictObject({
    id: webhookIdSchema,
    url: z.string(),
    events: z.array(webhookEventSchema),
    description: z.string(),
    status: z.enum(["on", "off"]).meta({
      description:
        "`off`: it answered 410, so it wants no more. What waited for it waits until it is enabled.",
    }),
    failures: z.int().min(0).meta({ description: "Attempts that failed since the last one that did not." }),
    paused_until: z.iso.datetime().nullable().meta({
      description: "Nothing is sent to it before, since it failed or asked for time.",
    }),
    previous_secret_until: z.iso.datetime().nullable().meta({
      description: "Until when messages are signed with the secret before the last rotation as well.",
    }),
    created_at: z.iso.datetime(),
    created_by: actorSchema,
  })
  .meta({ id: "Webhook" });
export type Webhook = z.infer<typeof webhookSchema>;

export const createdWebhookSchema = z
  .strictObject({
    ...webhookSchema.shape,
    secret: z.string().meta({
      description: "`whsec_` and 32 bytes in base64, for whoever verifies. Shown this once.",
    }),
  })
  .meta({ id: "CreatedWebhook" });
export type CreatedWebhook = z.infer<typeof createdWebhookSchema>;

export const webhookListSchema = z.strictObject({ data: z.array(webhookSchema) }).meta({ id: "WebhookList" });
export type WebhookList = z.infer<typeof webhookListSchema>;

export const DELIVERY_STATUSES = ["pending", "delivered", "dead"] as const;
export const deliveryStatusSchema = z.enum(DELIVERY_STATUSES).meta({
  id: "DeliveryStatus",
  description: "`dead`: it was given up, and is sent again only when somebody asks for that.",
});
export type DeliveryStatus = z.infer<typeof deliveryStatusSchema>;

export const deliverySchema = z
  .strictObject({
    id: deliveryIdSchema.meta({ description: "`webhook-id` of the message, the same at each attempt." }),
    type: z.string().meta({ description: "What it tells of." }),
    run_id: runIdSchema.nullable(),
    at: z.iso.datetime().meta({ description: "Of what it tells of." }),
    status: deliveryStatusSchema,
    attempts: z.int().min(0),
    next_attempt_at: z.iso.datetime().nullable().meta({
      description:
        "At the earliest; of an attempt under way, when it counts as lost. Null when it has ended, or its webhook is off.",
    }),
    ended_at: z.iso.datetime().nullable(),
    response_status: z
      .int()
      .nullable()
      .meta({ description: "Of the last attempt, where there was an answer." }),
    failure: z
      .string()
      .nullable()
      .meta({ description: "Why the last attempt did not deliver it, as a stable name." }),
  })
  .meta({ id: "Delivery" });
export type Delivery = z.infer<typeof deliverySchema>;

export const deliveryPageSchema = z
  .strictObject({ data: z.array(deliverySchema), next_cursor: z.string().nullable() })
  .meta({ id: "DeliveryPage", description: "Newest first." });
export type DeliveryPage = z.infer<typeof deliveryPageSchema>;

export const listDeliveriesQuerySchema = z.strictObject({
  status: deliveryStatusSchema.optional().meta({ description: "Only these." }),
  ...pageOf("Messages"),
});

export const redeliverSchema = z
  .strictObject({
    deliveries: z
      .array(deliveryIdSchema)
      .min(1)
      .max(100)
      .optional()
      .meta({
        description: `These, delivered ones too; those that are dead if left out, the oldest ${REDELIVERED_MAX} of them.`,
      }),
  })
  .meta({ id: "Redeliver" });
export type Redeliver = z.infer<typeof redeliverSchema>;

export const redeliveredSchema = z
  .strictObject({
    redelivered: z
      .int()
      .min(0)
      .meta({
        description: `Messages that are sent again; where it is ${REDELIVERED_MAX}, there may be more to ask for.`,
      }),
  })
  .meta({ id: "Redelivered" });
export type Redelivered = z.infer<typeof redeliveredSchema>;

// --- what is sent ------------------------------------------------------------------------------------------------

const about = {
  run_id: runIdSchema,
  version: z.int().min(1).meta({ description: "Of the event among those of its run." }),
  agent: z.string(),
};
const messageOf = <Type extends string, Data extends z.ZodType>(
  type: Type,
  data: Data,
): z.ZodObject<{ type: z.ZodLiteral<Type>; timestamp: z.ZodISODateTime; data: Data }, z.core.$strict> =>
  z.strictObject({ type: z.literal(type), timestamp: z.iso.datetime(), data });

/** The body of a message, by its type. Thin: what more there is to know is asked for, by whoever may know it. */
export const WEBHOOK_MESSAGES = {
  "approval.requested": messageOf(
    "approval.requested",
    z.strictObject({
      ...about,
      approval_id: approvalIdSchema,
      subject: z.enum(["action", "in_doubt"]),
      tool: z.string(),
      expires_at: z.iso.datetime(),
    }),
  ),
  "approval.decided": messageOf(
    "approval.decided",
    z.strictObject({
      ...about,
      approval_id: approvalIdSchema,
      decision: z.enum(["approved", "denied", "confirmed", "expired", "cancelled"]),
    }),
  ),
  "run.ended": messageOf("run.ended", z.strictObject({ ...about, status: z.enum(RUN_STATES) })),
  "run.effects_left": messageOf("run.effects_left", z.strictObject(about)),
  [WEBHOOK_PING]: messageOf(WEBHOOK_PING, z.strictObject({ webhook_id: webhookIdSchema })),
} as const satisfies Record<WebhookEvent | typeof WEBHOOK_PING, z.ZodType>;
