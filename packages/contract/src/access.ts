// What was done about credentials: the part of the trail that is about no run.

import { z } from "zod";
import { accessEventIdSchema } from "./ids.ts";
import { actorSchema } from "./run.ts";

/** Past tense: they are recorded as they become true. */
export const ACCESS_EVENT_KINDS = [
  "key_created",
  "key_rotated",
  "key_revoked",
  "signing_key_created",
  "signing_key_rotated",
  "signing_key_revoked",
  "signature_refused",
  "principal_changed",
  "webhook_created",
  "webhook_rotated",
  "webhook_enabled",
  "webhook_removed",
  "webhook_gone",
] as const;
export const accessEventKindSchema = z.enum(ACCESS_EVENT_KINDS).meta({ id: "AccessEventKind" });
export type AccessEventKind = z.infer<typeof accessEventKindSchema>;

export const accessEventSchema = z
  .strictObject({
    id: accessEventIdSchema,
    at: z.iso.datetime(),
    kind: accessEventKindSchema,
    actor: actorSchema.nullable().meta({ description: "Whose credential it was done with." }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AccessEvent" });
export type AccessEvent = z.infer<typeof accessEventSchema>;

export const listAccessEventsQuerySchema = z.strictObject({
  before: accessEventIdSchema.optional().meta({ description: "Only events older than this one." }),
});
export const accessEventPageSchema = z
  .strictObject({
    data: z.array(accessEventSchema),
    next: accessEventIdSchema
      .nullable()
      .meta({ description: "`before` of the next page; null on the last." }),
  })
  .meta({ id: "AccessEventPage", description: "Newest first." });
export type AccessEventPage = z.infer<typeof accessEventPageSchema>;
