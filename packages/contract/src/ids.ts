// Ids carry their kind, so that a value of one kind is never taken for another, in code or in a log line.

import { z } from "zod";

export type IdKind = "ten" | "prn" | "key" | "run" | "apr" | "art" | "doc" | "evt" | "sgk" | "whk" | "msg";

/** `<kind>_` and a UUID (version 7, RFC 9562: sorts by time of making) as 32 lower-case hex digits. */
export type Id<Kind extends IdKind> = `${Kind}_${string}`;

export type TenantId = Id<"ten">;
export type PrincipalId = Id<"prn">;
export type KeyId = Id<"key">;
export type RunId = Id<"run">;
export type ApprovalId = Id<"apr">;
export type ArtifactId = Id<"art">;
export type AccessEventId = Id<"evt">;
export type SigningKeyId = Id<"sgk">;
export type DocumentId = Id<"doc">;
export type WebhookId = Id<"whk">;
export type DeliveryId = Id<"msg">;

function idSchema<Kind extends IdKind>(kind: Kind): z.ZodTemplateLiteral<Id<Kind>> {
  return z.templateLiteral([z.literal(kind), "_", z.string().regex(/^[0-9a-f]{32}$/)]);
}

export const runIdSchema: z.ZodTemplateLiteral<RunId> = idSchema("run");
export const approvalIdSchema: z.ZodTemplateLiteral<ApprovalId> = idSchema("apr");
export const artifactIdSchema: z.ZodTemplateLiteral<ArtifactId> = idSchema("art");
export const documentIdSchema: z.ZodTemplateLiteral<DocumentId> = idSchema("doc");
export const principalIdSchema: z.ZodTemplateLiteral<PrincipalId> = idSchema("prn");
export const keyIdSchema: z.ZodTemplateLiteral<KeyId> = idSchema("key");

/** @param uuid in any of its textual forms, as Postgres prints it */
export function idFromUuid<Kind extends IdKind>(kind: Kind, uuid: string): Id<Kind> {
  return `${kind}_${uuid.replaceAll("-", "").toLowerCase()}`;
}

/** The bare UUID, in the form that Postgres reads. */
export function uuidOf(id: Id<IdKind>): string {
  const hex = id.slice(id.indexOf("_") + 1);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
export const signingKeyIdSchema: z.ZodTemplateLiteral<SigningKeyId> = idSchema("sgk");
export const accessEventIdSchema: z.ZodTemplateLiteral<AccessEventId> = idSchema("evt");
export const webhookIdSchema: z.ZodTemplateLiteral<WebhookId> = idSchema("whk");
export const deliveryIdSchema: z.ZodTemplateLiteral<DeliveryId> = idSchema("msg");
