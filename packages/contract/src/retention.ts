// How long what is kept: what the configuration says of it, and what the program does by itself.

import { z } from "zod";
import { noQuerySchema } from "./api-schemas.ts";
import type { RouteRow } from "./route.ts";

export const KEPT_THINGS = [
  "audit_entries",
  "runs",
  "documents",
  "webhook_messages",
  "idempotency_answers",
  "workspace_copies",
  "unnamed_content",
] as const;

export const retentionSchema = z
  .strictObject({
    data: z.array(
      z.strictObject({
        what: z.enum(KEPT_THINGS).meta({
          description:
            "`runs`: with their steps, approvals and artifacts; `workspace_copies`: private copies that runs worked on, from their end; `unnamed_content`: what no run names.",
        }),
        seconds: z.int().min(1).nullable().meta({
          description: "How long it is kept at least; null: no time is set, so it stays.",
        }),
        removed: z.enum(["by_itself", "when_asked", "never"]).meta({
          description:
            "What becomes of it then: removed by the program, removed when somebody asks, or nothing.",
        }),
        setting: z.string().nullable().meta({
          description: "Of the configuration, where it says how long; null where the program does.",
        }),
      }),
    ),
  })
  .meta({ id: "Retention", description: "How long what is kept, in the whole installation." });
export type Retention = z.infer<typeof retentionSchema>;

export const RETENTION_ROUTES = {
  getRetention: {
    method: "GET",
    path: "/api/harness/retention",
    operationId: "getRetention",
    action: "audit.read",
    tag: "service",
    summary: "See how long what is kept",
    description: "As the server's configuration and the program say it; nothing is set by this.",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "What is kept, and how long.",
      content: { "application/json": retentionSchema },
    },
    problems: [],
  },
} as const satisfies Record<string, RouteRow>;
