// The endpoints of a tenant's documents.

import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, noQuerySchema } from "./api-schemas.ts";
import {
  documentPageSchema,
  documentParamsSchema,
  documentRequestSchema,
  documentSchema,
  passageListSchema,
  searchDocumentsQuerySchema,
} from "./document.ts";
import type { RouteRow } from "./route.ts";
import { z } from "zod";

export const listDocumentsQuerySchema = z.strictObject({
  limit: z
    .preprocess(
      (value) => (typeof value === "string" && /^[1-9][0-9]{0,3}$/.test(value) ? Number(value) : value),
      z.int().min(1).max(LIST_LIMIT_MAX),
    )
    .default(LIST_LIMIT_DEFAULT)
    .meta({ description: "Documents of one page." }),
  cursor: z
    .string()
    .regex(/^[!-~]{1,1024}$/)
    .optional()
    .meta({ description: "`next_cursor` of the page before." }),
});

export const DOCUMENT_ROUTES = {
  addDocument: {
    method: "POST",
    path: "/api/harness/documents",
    operationId: "addDocument",
    action: "documents.write",
    tag: "documents",
    summary: "Add a document that agents of this tenant can search",
    description: "Its text is data: whatever a run takes from it counts as untrusted.",
    query: noQuerySchema,
    body: documentRequestSchema,
    success: {
      status: 201,
      description: "The document, searchable from now on.",
      content: { "application/json": documentSchema },
    },
    problems: ["malformed_json", "body_too_large", "unsupported_media_type", "embedding_unavailable"],
  },
  listDocuments: {
    method: "GET",
    path: "/api/harness/documents",
    operationId: "listDocuments",
    action: "documents.read",
    tag: "documents",
    summary: "List documents, newest first",
    query: listDocumentsQuerySchema,
    success: {
      status: 200,
      description: "One page of the tenant's documents, without their texts.",
      content: { "application/json": documentPageSchema },
    },
    problems: [],
  },
  searchDocuments: {
    method: "GET",
    path: "/api/harness/documents/search",
    operationId: "searchDocuments",
    action: "documents.read",
    tag: "documents",
    summary: "Search the tenant's documents, as the tool `search_documents` does",
    query: searchDocumentsQuerySchema,
    success: {
      status: 200,
      description: "Passages of this tenant's documents.",
      content: { "application/json": passageListSchema },
    },
    problems: [],
  },
  getDocument: {
    method: "GET",
    path: "/api/harness/documents/{id}",
    operationId: "getDocument",
    action: "documents.read",
    tag: "documents",
    summary: "Read what is known of a document",
    params: documentParamsSchema,
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The document, without its text.",
      content: { "application/json": documentSchema },
    },
    problems: ["document_not_found"],
  },
  removeDocument: {
    method: "DELETE",
    path: "/api/harness/documents/{id}",
    operationId: "removeDocument",
    action: "documents.write",
    tag: "documents",
    summary: "Remove a document",
    description:
      "Its text is gone from the database at once; what runs have read of it before stays in their journals.",
    params: documentParamsSchema,
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The document as it was.",
      content: { "application/json": documentSchema },
    },
    problems: ["document_not_found"],
  },
} as const satisfies Record<string, RouteRow>;
