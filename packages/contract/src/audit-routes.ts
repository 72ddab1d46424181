// The endpoints of the evidence.

import { noQuerySchema } from "./api-schemas.ts";
import {
  auditCheckpointSchema,
  auditEntryPageSchema,
  auditLogListSchema,
  auditLogParamsSchema,
  epochRequestSchema,
  eraseRequestSchema,
  eventProofParamsSchema,
  listAuditEntriesQuerySchema,
  receiptSchema,
  rotateSignerSchema,
} from "./audit.ts";
import type { RouteRow } from "./route.ts";

const BODY_PROBLEMS = ["malformed_json", "body_too_large", "unsupported_media_type"] as const;

export const AUDIT_ROUTES = {
  listAuditLogs: {
    method: "GET",
    path: "/api/harness/audit/logs",
    operationId: "listAuditLogs",
    action: "audit.read",
    tag: "audit",
    summary: "List the tenant's logs, with their names and keys",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The logs, oldest first.",
      content: { "application/json": auditLogListSchema },
    },
    problems: [],
  },
  getAuditCheckpoint: {
    method: "GET",
    path: "/api/harness/audit/logs/{epoch}/checkpoint",
    operationId: "getAuditCheckpoint",
    action: "audit.read",
    tag: "audit",
    summary: "Read a log's newest signed checkpoint",
    description:
      "Keep it: whoever holds an earlier checkpoint finds out about every history that was rewritten.",
    params: auditLogParamsSchema,
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The checkpoint.",
      content: { "application/json": auditCheckpointSchema },
    },
    problems: ["audit_log_not_found"],
  },
  listAuditEntries: {
    method: "GET",
    path: "/api/harness/audit/logs/{epoch}/entries",
    operationId: "listAuditEntries",
    action: "audit.read",
    tag: "audit",
    summary: "Read a log's entries, with what opens them",
    params: auditLogParamsSchema,
    query: listAuditEntriesQuerySchema,
    success: {
      status: 200,
      description: "Entries from one place on.",
      content: { "application/json": auditEntryPageSchema },
    },
    problems: ["audit_log_not_found"],
  },
  proveEvent: {
    method: "GET",
    path: "/api/harness/runs/{id}/events/{version}/proof",
    operationId: "proveEvent",
    action: "runs.read",
    tag: "audit",
    summary: "Prove that a run's event is in the log",
    params: eventProofParamsSchema,
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The proof, to be verified offline.",
      content: { "application/json": receiptSchema },
    },
    problems: ["audit_entry_not_found"],
  },
  eraseAuditPayload: {
    method: "POST",
    path: "/api/harness/audit/erase",
    operationId: "eraseAuditPayload",
    action: "audit.manage",
    tag: "audit",
    summary: "Erase the payload of one entry",
    description: "Payload and salt go, a record of it stays, and the tree is as it was: every proof holds.",
    query: noQuerySchema,
    body: eraseRequestSchema,
    success: {
      status: 200,
      description: "The payload is gone.",
      content: { "application/json": eraseRequestSchema },
    },
    problems: [...BODY_PROBLEMS, "audit_entry_not_found", "audit_log_not_found"],
  },
  beginAuditEpoch: {
    method: "POST",
    path: "/api/harness/audit/epoch",
    operationId: "beginAuditEpoch",
    action: "audit.manage",
    tag: "audit",
    summary: "Begin a new log after the old one cannot go on",
    description:
      "After a restored backup or the loss of a signing key. The old log stays, and stays verifiable.",
    query: noQuerySchema,
    body: epochRequestSchema,
    success: {
      status: 201,
      description: "The logs, with the new one.",
      content: { "application/json": auditLogListSchema },
    },
    problems: [...BODY_PROBLEMS, "audit_log_not_found"],
  },
  rotateAuditSigner: {
    method: "POST",
    path: "/api/harness/audit/rotate",
    operationId: "rotateAuditSigner",
    action: "audit.manage",
    tag: "audit",
    summary: "Rotate the key that signs checkpoints",
    description:
      "The installation has one signer for all tenants, so only admins of the tenant that the installation was set up with rotate its keys.",
    query: noQuerySchema,
    body: rotateSignerSchema,
    success: {
      status: 200,
      description: "The logs, with the keys that sign from now on.",
      content: { "application/json": auditLogListSchema },
    },
    problems: [...BODY_PROBLEMS, "rotation_refused"],
  },
} as const satisfies Record<string, RouteRow>;
