// The endpoints of the keys that callers sign their requests with.

import { noQuerySchema } from "./api-schemas.ts";
import type { RouteRow } from "./route.ts";
import {
  createdSigningKeySchema,
  rotateSigningKeySchema,
  signingKeyListSchema,
  signingKeyParamsSchema,
  signingKeyRequestSchema,
  signingKeySchema,
} from "./signing-key.ts";

export const SIGNING_KEY_ROUTES = {
  createSigningKey: {
    method: "POST",
    path: "/api/harness/signing-keys",
    operationId: "createSigningKey",
    action: "keys.create",
    tag: "keys",
    summary: "Register a key that signs requests",
    description:
      "For ed25519 the public key is given; for hmac-sha256 the secret is made here and shown this once.",
    query: noQuerySchema,
    body: signingKeyRequestSchema,
    success: {
      status: 201,
      description: "The key.",
      content: { "application/json": createdSigningKeySchema },
    },
    problems: ["malformed_json", "body_too_large", "unsupported_media_type"],
  },
  listSigningKeys: {
    method: "GET",
    path: "/api/harness/signing-keys",
    operationId: "listSigningKeys",
    action: "keys.read",
    tag: "keys",
    summary: "List keys that sign requests",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The tenant's signing keys, without secrets.",
      content: { "application/json": signingKeyListSchema },
    },
    problems: [],
  },
  rotateSigningKey: {
    method: "POST",
    path: "/api/harness/signing-keys/{id}/rotate",
    operationId: "rotateSigningKey",
    action: "keys.rotate",
    tag: "keys",
    summary: "Replace a key that signs requests by a new one",
    description: "The old one ends now, or after the overlap.",
    params: signingKeyParamsSchema,
    query: noQuerySchema,
    body: rotateSigningKeySchema,
    success: {
      status: 201,
      description: "The new key.",
      content: { "application/json": createdSigningKeySchema },
    },
    problems: ["malformed_json", "key_not_found", "key_ended", "body_too_large", "unsupported_media_type"],
  },
  revokeSigningKey: {
    method: "DELETE",
    path: "/api/harness/signing-keys/{id}",
    operationId: "revokeSigningKey",
    action: "keys.revoke",
    tag: "keys",
    summary: "Revoke a key that signs requests",
    params: signingKeyParamsSchema,
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The key, revoked.",
      content: { "application/json": signingKeySchema },
    },
    problems: ["key_not_found"],
  },
} as const satisfies Record<string, RouteRow>;
