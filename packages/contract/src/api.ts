// Every endpoint in one table: the server registers its routes from it, the OpenAPI document is generated from it, and
// clients and tests read it, so that none of them can know a route that another does not.

import {
  approvalParamsSchema,
  decisionPageSchema,
  listDecisionsQuerySchema,
  artifactParamsSchema,
  bytesSchema,
  eventPageSchema,
  eventStreamSchema,
  keyListSchema,
  keyParamsSchema,
  listEventsQuerySchema,
  listRunsQuerySchema,
  noQuerySchema,
  listPrecedentsQuerySchema,
  precedentListSchema,
  precedentParamsSchema,
  runPageSchema,
  runParamsSchema,
} from "./api-schemas.ts";
import { accessEventPageSchema, listAccessEventsQuerySchema } from "./access.ts";
import { approvalSchema, approveRequestSchema } from "./approval.ts";
import { AUDIT_ROUTES } from "./audit-routes.ts";
import { COMPENSATION_ROUTES } from "./compensation.ts";
import { CONSOLE_ROUTES } from "./console-routes.ts";
import { DOCUMENT_ROUTES } from "./document-routes.ts";
import { ESCALATION_ROUTES } from "./escalation.ts";
import { EXTERNAL_ROUTES, submitRunRequestSchema } from "./external.ts";
import { createdKeySchema, keyRequestSchema, keySchema, rotateKeySchema } from "./key.ts";
import { POLICY_ROUTES } from "./policy.ts";
import { precedentSchema, revokePrecedentSchema } from "./precedent.ts";
import type { RouteRow } from "./route.ts";
import { DEAD_LETTER_ROUTES } from "./dead-letter.ts";
import { SERVICE_ROUTES } from "./service-routes.ts";
import { QUALITY_ROUTES } from "./quality.ts";
import { RETENTION_ROUTES } from "./retention.ts";
import { SPENDING_ROUTES } from "./spending-routes.ts";
import { runSchema, runSummarySchema } from "./run.ts";
import { PRINCIPAL_ROUTES } from "./principal-routes.ts";
import { SIGNING_KEY_ROUTES } from "./signing-key-routes.ts";
import { WEBHOOK_ROUTES } from "./webhook-routes.ts";
import { listWaitingQuerySchema, waitingPageSchema } from "./waiting.ts";

const RUN_ROUTES = {
  submitRun: {
    method: "POST",
    path: "/api/harness/run",
    operationId: "submitRun",
    action: "runs.submit",
    tag: "runs",
    summary: "Submit a run",
    description:
      "Accepts a task for an agent. The run is durable before the answer is sent; its progress is read elsewhere.",
    query: noQuerySchema,
    body: submitRunRequestSchema,
    success: {
      status: 202,
      description: "The run is accepted, or was accepted before under this key.",
      content: { "application/json": runSummarySchema },
      headers: ["Location"],
    },
    problems: [
      "malformed_json",
      "idempotency_key_missing",
      "agent_unknown",
      "workspace_unknown",
      "body_too_large",
      "unsupported_media_type",
      "model_not_allowed",
      "tenant_queue_full",
      "overloaded",
    ],
  },
  listRuns: {
    method: "GET",
    path: "/api/harness/runs",
    operationId: "listRuns",
    action: "runs.read",
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
    action: "runs.read",
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
    action: "runs.cancel",
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
    action: "runs.read",
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
    action: "runs.read",
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
    problems: ["run_not_found", "artifact_not_found", "overloaded"],
  },
} as const satisfies Record<string, RouteRow>;

const APPROVAL_ROUTES = {
  getApproval: {
    method: "GET",
    path: "/api/harness/approvals/{id}",
    operationId: "getApproval",
    // It stands in its run, too: whoever may read that may read this.
    action: "runs.read",
    tag: "approvals",
    summary: "Read one approval, whatever became of it",
    params: approvalParamsSchema,
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The approval as it is now.",
      content: { "application/json": approvalSchema },
    },
    problems: ["approval_not_found"],
  },
  decideApproval: {
    method: "POST",
    path: "/api/harness/approve",
    operationId: "decideApproval",
    action: "approvals.decide",
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
    action: "keys.create",
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
    action: "keys.read",
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
  rotateKey: {
    method: "POST",
    path: "/api/harness/keys/{id}/rotate",
    operationId: "rotateKey",
    action: "keys.rotate",
    tag: "keys",
    summary: "Replace a key by a new one; its secret is shown this once",
    description: "The new key may do what the old one may. The old one ends now, or after the overlap.",
    params: keyParamsSchema,
    query: noQuerySchema,
    body: rotateKeySchema,
    success: {
      status: 201,
      description: "The new key, with its secret.",
      content: { "application/json": createdKeySchema },
    },
    problems: ["malformed_json", "key_not_found", "key_ended", "body_too_large", "unsupported_media_type"],
  },
  revokeKey: {
    method: "DELETE",
    path: "/api/harness/keys/{id}",
    operationId: "revokeKey",
    action: "keys.revoke",
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
  listDecisions: {
    method: "GET",
    path: "/api/harness/decisions",
    operationId: "listDecisions",
    action: "decisions.read",
    tag: "approvals",
    summary: "List what the rules decided",
    query: listDecisionsQuerySchema,
    success: {
      status: 200,
      description:
        "Decisions since the given time with all that they were based on, run by run: those of the run that was submitted last first, and in each run the last first. Runs that were submitted more than 14 days before that time are not looked at. A page may hold few or none, and still name the next.",
      content: { "application/json": decisionPageSchema },
      headers: ["Link"],
    },
    problems: [],
  },
  listWaiting: {
    method: "GET",
    path: "/api/harness/waiting",
    operationId: "listWaiting",
    action: "decisions.read",
    tag: "approvals",
    summary: "List what waits for a person",
    query: listWaitingQuerySchema,
    success: {
      status: 200,
      description:
        "Calls that wait for a person or for their dispatch, oldest first, each with what would come of a yes now.",
      content: { "application/json": waitingPageSchema },
      headers: ["Link"],
    },
    problems: [],
  },
  listPrecedents: {
    method: "GET",
    path: "/api/harness/precedents",
    operationId: "listPrecedents",
    action: "precedents.read",
    tag: "approvals",
    summary: "List remembered answers",
    query: listPrecedentsQuerySchema,
    success: {
      status: 200,
      description:
        "One page of the tenant's remembered answers: newest questions first, revoked answers last.",
      headers: ["Link"],
      content: { "application/json": precedentListSchema },
    },
    problems: [],
  },
  revokePrecedent: {
    method: "POST",
    path: "/api/harness/precedents/{id}/revoke",
    operationId: "revokePrecedent",
    action: "precedents.revoke",
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
    problems: ["malformed_json", "precedent_not_found", "body_too_large", "unsupported_media_type"],
  },
} as const satisfies Record<string, RouteRow>;

const ACCESS_ROUTES = {
  listAccessEvents: {
    method: "GET",
    path: "/api/harness/access-events",
    operationId: "listAccessEvents",
    action: "access.read",
    tag: "keys",
    summary: "List what was done about credentials, newest first",
    description: "Keys made, replaced and revoked, and signatures refused.",
    query: listAccessEventsQuerySchema,
    success: {
      status: 200,
      description: "One page of events.",
      content: { "application/json": accessEventPageSchema },
    },
    problems: [],
  },
} as const satisfies Record<string, RouteRow>;

export const ROUTES = {
  ...RUN_ROUTES,
  ...DEAD_LETTER_ROUTES,
  ...EXTERNAL_ROUTES,
  ...COMPENSATION_ROUTES,
  ...APPROVAL_ROUTES,
  ...ESCALATION_ROUTES,
  ...POLICY_ROUTES,
  ...DOCUMENT_ROUTES,
  ...AUDIT_ROUTES,
  ...SPENDING_ROUTES,
  ...QUALITY_ROUTES,
  ...RETENTION_ROUTES,
  ...KEY_ROUTES,
  ...SIGNING_KEY_ROUTES,
  ...WEBHOOK_ROUTES,
  ...PRINCIPAL_ROUTES,
  ...ACCESS_ROUTES,
  ...SERVICE_ROUTES,
  ...CONSOLE_ROUTES,
} as const;
export type OperationId = keyof typeof ROUTES;
