// What a row of the route table says. The table itself: api.ts.

import type { z } from "zod";
import type { Scope } from "./key.ts";
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
] as const;
export type ResponseHeader = (typeof RESPONSE_HEADERS)[number];

/** What a caller's key must carry: a scope; `any_key`: any valid key will do; `no_key`: open to everybody. */
export type RouteScope = Scope | "any_key" | "no_key";

export type RouteRow = {
  readonly method: "GET" | "POST" | "DELETE";
  /** As OpenAPI writes it: `/runs/{id}`. */
  readonly path: `/${string}`;
  readonly operationId: string;
  readonly scope: RouteScope;
  readonly tag: "runs" | "approvals" | "documents" | "keys" | "service";
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
