// Keys that callers sign their requests with (RFC 9421).

import { z } from "zod";
import { signingKeyIdSchema } from "./ids.ts";
import { KEY_OVERLAP_SECONDS_MAX, principalRequestSchema } from "./key.ts";
import { actorSchema } from "./run.ts";

export const SIGNING_ALGORITHMS = ["ed25519", "hmac-sha256"] as const;
export const signingAlgorithmSchema = z.enum(SIGNING_ALGORITHMS).meta({ id: "SigningAlgorithm" });
export type SigningAlgorithm = z.infer<typeof signingAlgorithmSchema>;

/** 32 bytes in base64url without padding, as `x` of a JWK (RFC 8037). */
const publicKeySchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/)
  .meta({ description: "The Ed25519 public key: 32 bytes in base64url, as `x` of its JWK." });

const algorithmShape = {
  algorithm: signingAlgorithmSchema,
  public_key: publicKeySchema.optional(),
};

export const signingKeyRequestSchema = z
  .strictObject({
    principal: principalRequestSchema,
    ...algorithmShape,
    expires_at: z.iso.datetime().optional(),
  })
  .refine(({ algorithm, public_key }) => (algorithm === "ed25519") === (public_key !== undefined), {
    path: ["public_key"],
    message: "is given for ed25519, and for that alone",
  })
  .meta({ id: "SigningKeyRequest" });
export type SigningKeyRequest = z.infer<typeof signingKeyRequestSchema>;

export const rotateSigningKeySchema = z
  .strictObject({
    public_key: publicKeySchema.optional(),
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
  .meta({ id: "RotateSigningKey" });
export type RotateSigningKey = z.infer<typeof rotateSigningKeySchema>;

export const signingKeySchema = z
  .strictObject({
    id: signingKeyIdSchema.meta({ description: "`keyid` of the signatures." }),
    principal: actorSchema,
    algorithm: signingAlgorithmSchema,
    public_key: z.string().nullable(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
    revoked_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "SigningKey" });
export type SigningKey = z.infer<typeof signingKeySchema>;

export const createdSigningKeySchema = z
  .strictObject({
    ...signingKeySchema.shape,
    secret: z
      .string()
      .nullable()
      .meta({ description: "Of hmac-sha256, in base64. Shown this once. Null for ed25519." }),
  })
  .meta({ id: "CreatedSigningKey" });
export type CreatedSigningKey = z.infer<typeof createdSigningKeySchema>;

export const signingKeyListSchema = z
  .strictObject({ data: z.array(signingKeySchema) })
  .meta({ id: "SigningKeyList", description: "All signing keys of the tenant, revoked ones too." });

export const signingKeyParamsSchema = z.strictObject({
  id: z.string().meta({ description: "The signing key's id." }),
});
