// What a row of the route table says. The table itself: api.ts.

import type { z } from "zod";
import { API_ACTIONS, type ApiAction, type Scope } from "./api-action.ts";
import type { ProblemCode } from "./problem.ts";

/** Header names of requests, as OpenAPI names them; Node has them in lower case. */
export const REQUEST_HEADERS = ["Idempotency-Key", "If-None-Match", "Last-Event-ID"] as const;
export type RequestHeader = (typeof REQUEST_HEADERS)[number];

export const RESPONSE_HEADERS = [
  "Location",
  "Idempotent-Replayed",
  "ETag",
  "Link",
  "Content-Disposition",
  "Content-Digest",
  "RateLimit",
  "RateLimit-Policy",
] as const;
export type ResponseHeader = (typeof RESPONSE_HEADERS)[number];

/** What the rules are asked about a caller; `open`: nobody is asked who they are. */
export type RouteAction = ApiAction | "open";

/** Whether a request of the route can change something; then it can carry an Idempotency-Key. */
export const isMutating = ({ method }: Pick<RouteRow, "method">): boolean => method !== "GET";

/** The scope that permits the route's action; null where none is needed. */
export const scopeOf = (action: RouteAction): Scope | null =>
  action === "open" ? null : API_ACTIONS[action];

export type RouteRow = {
  readonly method: "GET" | "POST" | "DELETE";
  /** As OpenAPI writes it: `/runs/{id}`. */
  readonly path: `/${string}`;
  readonly operationId: string;
  readonly action: RouteAction;
  readonly tag: "runs" | "approvals" | "documents" | "keys" | "audit" | "webhooks" | "service";
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodType;
  readonly query: z.ZodType;
  readonly body?: z.ZodType;
  readonly requestHeaders?: readonly RequestHeader[];
  readonly success: {
    readonly status: 200 | 201 | 202;
    readonly description: string;
    /** Media type to schema. */
    readonly content: Readonly<Record<string, z.ZodType>>;
    readonly headers?: readonly ResponseHeader[];
  };
  /** Other answers without a body. */
  readonly empty?: Readonly<Record<number, string>>;
  /** Refusals of this route's own, beyond those that any route can give. */
  readonly problems: readonly ProblemCode[];
};
