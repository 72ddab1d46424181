import { z } from "zod";
import { keyIdSchema } from "./ids.ts";
import { actorSchema } from "./run.ts";

export const SCOPES = [
  "runs:read",
  "runs:write",
  "approvals:decide",
  "documents:read",
  "documents:write",
  "metrics:read",
  "keys:admin",
] as const;
export const scopeSchema = z.enum(SCOPES).meta({ id: "Scope", description: "What a key may be used for." });
export type Scope = z.infer<typeof scopeSchema>;

export const keyRequestSchema = z
  .strictObject({
    principal: z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,98}$/),
      kind: z.enum(["human", "service"]),
    }),
    scopes: z
      .array(scopeSchema)
      .min(1)
      .refine((scopes) => new Set(scopes).size === scopes.length, "names a scope twice"),
    expires_at: z.iso.datetime().optional(),
  })
  .meta({ id: "KeyRequest" });
export type KeyRequest = z.infer<typeof keyRequestSchema>;

export const keySchema = z
  .strictObject({
    id: keyIdSchema,
    prefix: z.string().meta({ description: "The key's first characters, to know it by." }),
    principal: actorSchema,
    scopes: z.array(scopeSchema),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
    revoked_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "Key" });
export type Key = z.infer<typeof keySchema>;

export const createdKeySchema = z
  .strictObject({
    ...keySchema.shape,
    secret: z.string().meta({ description: "The whole key. Shown this once; only its hash is kept." }),
  })
  .meta({ id: "CreatedKey" });
export type CreatedKey = z.infer<typeof createdKeySchema>;
