// How the configuration names an identity provider.

import { nameSchema, roleSchema } from "@assent/contract";
import { z } from "zod";
import { type IdentityProvider, isTrustedUrl } from "./token-subject.ts";

const providerSchema: z.ZodType<IdentityProvider> = z
  .strictObject({
    /** Stands before the names of its principals, as in `corp:anna@example.com`. */
    name: nameSchema,
    issuer: z.url({ protocol: /^https?$/ }),
    audience: z.string().min(1),
    /** Asymmetric ones only: with HMAC a public key would be a shared secret. */
    algorithms: z
      .array(
        z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]),
      )
      .min(1)
      .default(["RS256", "PS256", "ES256", "EdDSA"]),
    typ: z.string().min(1).default("at+jwt"),
    jwks_url: z.url({ protocol: /^https?$/ }).optional(),
    tenant: z.string().min(1).default("default"),
    kind: z.enum(["human", "service"]).default("human"),
    /** Who of them is a service, by their name, subject or client id: for issuers whose tokens do not show it. */
    services: z.array(z.string().min(1)).max(1_000).default([]),
    name_claim: z.string().min(1).default("sub"),
    roles_claim: z.string().min(1).optional(),
    /** Roles by a value of that claim. */
    roles: z.record(z.string(), z.array(roleSchema)).default({}),
    must_sign: z.boolean().default(false),
  })
  .refine(({ issuer, jwks_url }) => [issuer, jwks_url ?? issuer].every(isTrustedUrl), {
    message: "an issuer and its keys must be on https, or on this machine",
  })
  .transform((provider): IdentityProvider => ({
    name: provider.name,
    issuer: provider.issuer,
    audience: provider.audience,
    algorithms: provider.algorithms,
    typ: provider.typ,
    jwksUrl: provider.jwks_url ?? null,
    tenant: provider.tenant,
    kind: provider.kind,
    services: provider.services,
    nameClaim: provider.name_claim,
    rolesClaim: provider.roles_claim ?? null,
    roles: provider.roles,
    mustSign: provider.must_sign,
  }));

/** Of two under one name the subjects would be one principal; of two for one issuer the tokens would be one's alone. */
export const providersSchema: z.ZodType<readonly IdentityProvider[]> = z
  .array(providerSchema)
  .max(20)
  .superRefine((providers, context) => {
    for (const field of ["name", "issuer"] as const)
      for (const [at, provider] of providers.entries())
        if (providers.findIndex((other) => other[field] === provider[field]) < at)
          context.addIssue({
            code: "custom",
            path: [at, field],
            message: `another identity provider has this ${field}; each needs its own`,
          });
  });
