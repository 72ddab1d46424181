import { z } from "zod";
import { roleSchema, scopeSchema } from "./api-action.ts";
import { keyIdSchema } from "./ids.ts";
import { actorSchema } from "./run.ts";

/** A key and the one that replaces it may both be good for at most this long: a rotation is to end. */
export const KEY_OVERLAP_SECONDS_MAX = 30 * 86_400;

export const principalRequestSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,98}$/),
  kind: z.enum(["human", "service"]),
});

export const keyRequestSchema = z
  .strictObject({
    principal: principalRequestSchema,
    scopes: z
      .array(scopeSchema)
      .max(100)
      .refine((scopes) => new Set(scopes).size === scopes.length, "names a scope twice")
      .default([]),
    roles: z
      .array(roleSchema)
      .max(100)
      .refine((roles) => new Set(roles).size === roles.length, "names a role twice")
      .optional(),
    expires_at: z.iso.datetime().optional(),
    must_sign: z
      .boolean()
      .optional()
      .meta({ description: "The key is good for signed requests only (RFC 9421)." }),
  })
  .refine(({ scopes, roles }) => scopes.length + (roles?.length ?? 0) > 0, {
    path: ["scopes"],
    message: "needs a scope, or a role instead",
  })
  .meta({ id: "KeyRequest" });
export type KeyRequest = z.infer<typeof keyRequestSchema>;

export const keySchema = z
  .strictObject({
    id: keyIdSchema,
    prefix: z.string().meta({ description: "The key's first characters, to know it by." }),
    principal: actorSchema,
    scopes: z.array(scopeSchema),
    roles: z.array(roleSchema),
    must_sign: z.boolean(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
    revoked_at: z.iso.datetime().nullable(),
    last_used_at: z.iso.datetime().nullable().meta({ description: "To the minute, while it is in use." }),
  })
  .meta({ id: "Key" });
export type Key = z.infer<typeof keySchema>;

export const rotateKeySchema = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(KEY_OVERLAP_SECONDS_MAX)
      .default(0)
      .meta({ description: "How long the old key stays good beside the new one." }),
    expires_at: z.iso
      .datetime()
      .optional()
      .meta({ description: "Of the new key; the old one's if left out." }),
  })
  .meta({ id: "RotateKey" });
export type RotateKey = z.infer<typeof rotateKeySchema>;

export const createdKeySchema = z
  .strictObject({
    ...keySchema.shape,
    secret: z.string().meta({ description: "The whole key. Shown this once; only its hash is kept." }),
  })
  .meta({ id: "CreatedKey" });
export type CreatedKey = z.infer<typeof createdKeySchema>;
