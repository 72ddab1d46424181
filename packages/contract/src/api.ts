// Every endpoint in one table: the server registers its routes from it, the OpenAPI document is generated from it, and
// clients and tests read it, so that none of them can know a route that another does not.

import { z } from "zod";
import { approvalSchema, approveRequestSchema } from "./approval.ts";
import { auditEventSchema } from "./event.ts";
import { EXTERNAL_ROUTES, submitRunRequestSchema } from "./external.ts";
import { createdKeySchema, keyRequestSchema, keySchema } from "./key.ts";
import { noQuerySchema, type RouteRow } from "./route.ts";
import { nameSchema, runSchema, runStateSchema, runSummarySchema } from "./run.ts";

/** Rows of one page of a list, and how many there are when the caller does not say. */
export const LIST_LIMIT_MAX = 100;
export const LIST_LIMIT_DEFAULT = 20;

// Query values arrive as text. Only the one canonical spelling of a number is taken: "1e1", "0x1", " 1" and "+1" are not.
function integerFromText(value: unknown): unknown {
  return typeof value === "string" && /^(?:0|[1-9][0-9]{0,14})$/.test(value) ? Number(value) : value;
}

function listFromText(value: unknown): unknown {
  return (Array.isArray(value) ? value : [value]).flatMap((item: unknown) =>
    typeof item === "string" ? item.split(",") : [item],
  );
}

export const listRunsQuerySchema = z.strictObject({
  status: z
    .preprocess(listFromText, z.array(runStateSchema).min(1).max(16))
    .optional()
    .meta({ description: "Only runs in one of these states; repeat it, or separate them by commas." }),
  agent: nameSchema.optional().meta({ description: "Only runs of this agent." }),
  label: z
    .string()
    .regex(/^[a-z][a-z0-9_.-]{0,62}:[^\0]{0,200}$/)
    .optional()
    .meta({ description: "Only runs that carry this label, as `name:value`.", examples: ["team:payments"] }),
  limit: z
    .preprocess(integerFromText, z.int().min(1).max(LIST_LIMIT_MAX))
    .default(LIST_LIMIT_DEFAULT)
    .meta({ description: "Runs of one page." }),
  cursor: z
    .string()
    .regex(/^[!-~]{1,1024}$/)
    .optional()
    .meta({ description: "`next_cursor` of the page before; bound to the same filters." }),
});

export const listEventsQuerySchema = z.strictObject({
  after: z
    .preprocess(integerFromText, z.int().min(0))
    .optional()
    .meta({ description: "Only events with a version above this; `Last-Event-ID` wins over it." }),
});

const runParameter = {
  id: z.string().meta({ description: "The run's id.", examples: ["run_0199f2a47c3b7d20a1b2c3d4e5f60718"] }),
};
/** Ids in a path are not judged by their form: a malformed one is answered like one that does not exist. */
export const runParamsSchema = z.strictObject(runParameter);
export const artifactParamsSchema = z.strictObject({
  ...runParameter,
  artifact: z.string().meta({ description: "The artifact's id." }),
});
export const keyParamsSchema = z.strictObject({ id: z.string().meta({ description: "The key's id." }) });

export const runPageSchema = z
  .strictObject({
    data: z.array(runSummarySchema),
    next_cursor: z.string().nullable().meta({ description: "Names the next page; null on the last one." }),
  })
  .meta({ id: "RunPage", description: "Runs, newest first." });
export type RunPage = z.infer<typeof runPageSchema>;

export const eventPageSchema = z
  .strictObject({
    data: z.array(auditEventSchema),
    ended: z.boolean().meta({ description: "The run has ended, and no event will follow these." }),
  })
  .meta({ id: "EventPage", description: "Events of a run, oldest first; ask on with the last `version`." });
export type EventPage = z.infer<typeof eventPageSchema>;

export const keyListSchema = z
  .strictObject({ data: z.array(keySchema) })
  .meta({ id: "KeyList", description: "All keys of the tenant, revoked ones too." });
export type KeyList = z.infer<typeof keyListSchema>;

export const healthSchema = z.strictObject({ status: z.literal("ok") }).meta({ id: "Health" });
export const readinessSchema = z
  .strictObject({ status: z.literal("ready"), database: z.literal(true), worker: z.literal(true) })
  .meta({ id: "Readiness" });

/** Raw bytes, not JSON. */
export const bytesSchema = z.string().meta({ id: "Bytes", description: "The artifact's bytes." });
export const eventStreamSchema = z.string().meta({
  id: "EventStream",
  description:
    "Server-sent events: `id` is the event's version, `event` its kind, `data` one AuditEvent. After the last event " +
    "of an ended run comes `event: end`, and the stream closes. Lines that begin with a colon keep the connection up.",
});
export const openApiSchema = z.looseObject({ openapi: z.string() }).meta({ id: "OpenApi" });

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
    body: submitRunRequestSchema,
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

export const ROUTES = {
  ...RUN_ROUTES,
  ...EXTERNAL_ROUTES,
  ...APPROVAL_ROUTES,
  ...KEY_ROUTES,
  ...SERVICE_ROUTES,
} as const;
export type OperationId = keyof typeof ROUTES;
