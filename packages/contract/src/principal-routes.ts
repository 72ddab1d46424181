// The endpoints of what is demanded of principals.

import { noQuerySchema } from "./api-schemas.ts";
import { principalChangeSchema, principalListSchema, principalSchema } from "./principal.ts";
import type { RouteRow } from "./route.ts";

export const PRINCIPAL_ROUTES = {
  changePrincipal: {
    method: "POST",
    path: "/api/harness/principals",
    operationId: "changePrincipal",
    action: "keys.create",
    tag: "keys",
    summary: "Say whether all of a principal's requests must be signed",
    description:
      "In force with the next request, for keys that there are and will be, and for tokens of identity providers. A principal who was never here is made.",
    query: noQuerySchema,
    body: principalChangeSchema,
    success: {
      status: 200,
      description: "The principal as it is now.",
      content: { "application/json": principalSchema },
    },
    problems: ["malformed_json", "body_too_large", "unsupported_media_type"],
  },
  listSigners: {
    method: "GET",
    path: "/api/harness/principals",
    operationId: "listSigners",
    action: "keys.read",
    tag: "keys",
    summary: "List principals whose requests must all be signed",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "Those of the tenant.",
      content: { "application/json": principalListSchema },
    },
    problems: [],
  },
} as const satisfies Record<string, RouteRow>;
