// The endpoints of the service itself.

import {
  healthSchema,
  metricsTextSchema,
  noQuerySchema,
  openApiSchema,
  readinessSchema,
} from "./api-schemas.ts";
import type { RouteRow } from "./route.ts";

export const SERVICE_ROUTES = {
  getHealth: {
    method: "GET",
    path: "/healthz",
    operationId: "getHealth",
    action: "open",
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
    action: "open",
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
  getMetrics: {
    method: "GET",
    path: "/metrics",
    operationId: "getMetrics",
    action: "metrics.read",
    tag: "service",
    summary: "Metrics of this process, for Prometheus",
    description: "Of all tenants together; no label names a tenant, a person or a run.",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "Text format 0.0.4.",
      content: { "text/plain": metricsTextSchema },
    },
    problems: [],
  },
  getOpenApi: {
    method: "GET",
    path: "/openapi.json",
    operationId: "getOpenApi",
    action: "service.describe",
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
