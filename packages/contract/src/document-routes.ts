// The endpoints of a tenant's documents.

import { noQuerySchema, pageOf } from "./api-schemas.ts";
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

export const listDocumentsQuerySchema = z.strictObject(pageOf("Documents"));

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
      headers: ["Link"],
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
