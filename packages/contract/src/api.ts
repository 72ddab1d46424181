// Every endpoint in one table: the server registers its routes from it, the OpenAPI document is generated from it, and
// clients and tests read it, so that none of them can know a route that another does not.

import type { z } from "zod";
import {
  artifactParamsSchema,
  bytesSchema,
  eventPageSchema,
  eventStreamSchema,
  healthSchema,
  keyListSchema,
  keyParamsSchema,
  listEventsQuerySchema,
  listRunsQuerySchema,
  noQuerySchema,
  openApiSchema,
  precedentListSchema,
  precedentParamsSchema,
  readinessSchema,
  runPageSchema,
  runParamsSchema,
} from "./api-schemas.ts";
import { approvalSchema, approveRequestSchema } from "./approval.ts";
import { createdKeySchema, keyRequestSchema, keySchema, type Scope } from "./key.ts";
import { precedentSchema, revokePrecedentSchema } from "./precedent.ts";
import type { ProblemCode } from "./problem.ts";
import { runRequestSchema, runSchema, runSummarySchema } from "./run.ts";

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
  readonly tag: "runs" | "approvals" | "keys" | "service";
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

const RUN_ROUTES = {
  submitRun: {
    method: "POST",
    path: "/api/harness/run",
    operationId: "submitRun",
    scope: "runs:write",
    tag: "runs",
    summary: "Submit a run",
    description:
      "Accepts a task for an agent. The run is durable before the answer is sent; its progress is read elsewhere.",
    query: noQuerySchema,
    body: runRequestSchema,
    requestHeaders: ["Idempotency-Key"],
    success: {
      status: 202,
      description: "The run is accepted, or was accepted before under this key.",
      content: { "application/json": runSummarySchema },
      headers: ["Location", "Idempotent-Replayed"],
    },
    problems: [
      "malformed_json",
      "idempotency_key_missing",
      "agent_unknown",
      "workspace_unknown",
      "body_too_large",
      "unsupported_media_type",
      "idempotency_key_reused",
      "model_not_allowed",
    ],
  },
  listRuns: {
    method: "GET",
    path: "/api/harness/runs",
    operationId: "listRuns",
    scope: "runs:read",
    tag: "runs",
    summary: "List runs, newest first",
    query: listRunsQuerySchema,
    success: {
      status: 200,
      description: "One page of runs.",
      content: { "application/json": runPageSchema },
      headers: ["Link"],
    },
    problems: [],
  },
  getRun: {
    method: "GET",
    path: "/api/harness/runs/{id}",
    operationId: "getRun",
    scope: "runs:read",
    tag: "runs",
    summary: "Read a run with its steps, approvals and artifacts",
    params: runParamsSchema,
    query: noQuerySchema,
    requestHeaders: ["If-None-Match"],
    success: {
      status: 200,
      description: "The run as it is now.",
      content: { "application/json": runSchema },
      headers: ["ETag"],
    },
    empty: { 304: "The run is still as the ETag in `If-None-Match` says." },
    problems: ["run_not_found"],
  },
  cancelRun: {
    method: "POST",
    path: "/api/harness/runs/{id}/cancel",
    operationId: "cancelRun",
    scope: "runs:write",
    tag: "runs",
    summary: "Cancel a run",
    description: "Takes no body. What the run did before stays in its journal.",
    params: runParamsSchema,
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The run, cancelled.",
      content: { "application/json": runSummarySchema },
    },
    problems: ["run_not_found", "run_already_finished"],
  },
  listEvents: {
    method: "GET",
    path: "/api/harness/runs/{id}/events",
    operationId: "listEvents",
    scope: "runs:read",
    tag: "runs",
    summary: "Follow a run's events",
    description:
      "With `Accept: text/event-stream`, a stream that can be taken up again with `Last-Event-ID`; else one page.",
    params: runParamsSchema,
    query: listEventsQuerySchema,
    requestHeaders: ["Last-Event-ID"],
    success: {
      status: 200,
      description: "The events.",
      content: { "application/json": eventPageSchema, "text/event-stream": eventStreamSchema },
    },
    empty: { 204: "The run has ended and every event was delivered: do not connect again." },
    problems: ["run_not_found", "not_acceptable", "event_streams_exhausted"],
  },
  getArtifact: {
    method: "GET",
    path: "/api/harness/runs/{id}/artifacts/{artifact}",
    operationId: "getArtifact",
    scope: "runs:read",
    tag: "runs",
    summary: "Download an artifact",
    params: artifactParamsSchema,
    query: noQuerySchema,
    requestHeaders: ["If-None-Match"],
    success: {
      status: 200,
      description: "The artifact's bytes; `Content-Type` is the artifact's own.",
      content: { "application/octet-stream": bytesSchema },
      headers: ["ETag", "Content-Disposition", "Content-Digest"],
    },
    empty: { 304: "The artifact is the one that `If-None-Match` names." },
    problems: ["run_not_found", "artifact_not_found"],
  },
} as const satisfies Record<string, RouteRow>;

const APPROVAL_ROUTES = {
  decideApproval: {
    method: "POST",
    path: "/api/harness/approve",
    operationId: "decideApproval",
    scope: "approvals:decide",
    tag: "approvals",
    summary: "Approve, deny or confirm one exact action",
    query: noQuerySchema,
    body: approveRequestSchema,
    success: {
      status: 200,
      description: "The approval, decided.",
      content: { "application/json": approvalSchema },
    },
    problems: [
      "malformed_json",
      "approval_not_found",
      "approval_already_decided",
      "approval_digest_mismatch",
      "run_already_finished",
      "approval_expired",
      "body_too_large",
      "unsupported_media_type",
      "edit_refused",
      "decision_not_possible",
    ],
  },
} as const satisfies Record<string, RouteRow>;

const KEY_ROUTES = {
  createKey: {
    method: "POST",
    path: "/api/harness/keys",
    operationId: "createKey",
    scope: "keys:admin",
    tag: "keys",
    summary: "Create a key; its secret is shown this once",
    query: noQuerySchema,
    body: keyRequestSchema,
    success: {
      status: 201,
      description: "The key, with its secret.",
      content: { "application/json": createdKeySchema },
    },
    problems: ["malformed_json", "body_too_large", "unsupported_media_type"],
  },
  listKeys: {
    method: "GET",
    path: "/api/harness/keys",
    operationId: "listKeys",
    scope: "keys:admin",
    tag: "keys",
    summary: "List keys",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The tenant's keys, without secrets.",
      content: { "application/json": keyListSchema },
    },
    problems: [],
  },
  revokeKey: {
    method: "DELETE",
    path: "/api/harness/keys/{id}",
    operationId: "revokeKey",
    scope: "keys:admin",
    tag: "keys",
    summary: "Revoke a key",
    params: keyParamsSchema,
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The key, revoked.",
      content: { "application/json": keySchema },
    },
    problems: ["key_not_found"],
  },
  listPrecedents: {
    method: "GET",
    path: "/api/harness/precedents",
    operationId: "listPrecedents",
    scope: "approvals:decide",
    tag: "approvals",
    summary: "List remembered answers",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The tenant's remembered answers, newest questions first, revoked ones too; at most 500.",
      content: { "application/json": precedentListSchema },
    },
    problems: [],
  },
  revokePrecedent: {
    method: "POST",
    path: "/api/harness/precedents/{id}/revoke",
    operationId: "revokePrecedent",
    scope: "approvals:decide",
    tag: "approvals",
    summary: "Stop giving a remembered answer",
    params: precedentParamsSchema,
    query: noQuerySchema,
    body: revokePrecedentSchema,
    success: {
      status: 200,
      description: "The precedent, revoked. What it decided before is marked in the memory's audit.",
      content: { "application/json": precedentSchema },
    },
    problems: ["precedent_not_found"],
  },
} as const satisfies Record<string, RouteRow>;

const SERVICE_ROUTES = {
  getHealth: {
    method: "GET",
    path: "/healthz",
    operationId: "getHealth",
    scope: "no_key",
    tag: "service",
    summary: "Is the process alive?",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "It is.",
      content: { "application/json": healthSchema },
    },
    problems: [],
  },
  getReadiness: {
    method: "GET",
    path: "/readyz",
    operationId: "getReadiness",
    scope: "no_key",
    tag: "service",
    summary: "Can the service work?",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "It can.",
      content: { "application/json": readinessSchema },
    },
    problems: ["not_ready"],
  },
  getOpenApi: {
    method: "GET",
    path: "/openapi.json",
    operationId: "getOpenApi",
    scope: "any_key",
    tag: "service",
    summary: "This document",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The OpenAPI 3.1 description of this API.",
      content: { "application/json": openApiSchema },
    },
    problems: [],
  },
} as const satisfies Record<string, RouteRow>;

export const ROUTES = { ...RUN_ROUTES, ...APPROVAL_ROUTES, ...KEY_ROUTES, ...SERVICE_ROUTES } as const;
export type OperationId = keyof typeof ROUTES;
