// Dead letters are runs; what can be done with them and with no other run is to redrive them.

import { z } from "zod";
import { noQuerySchema, runParamsSchema } from "./api-schemas.ts";
import type { RouteRow } from "./route.ts";
import { runSummarySchema } from "./run.ts";

export const redriveRequestSchema = z
  .strictObject({
    repeat_effects: z.boolean().optional().meta({
      description:
        "Redrive it although something that it did stands: somebody has looked, and knows that it may happen again.",
    }),
  })
  .meta({ id: "RedriveRequest" });
export type RedriveRequest = z.infer<typeof redriveRequestSchema>;

export const DEAD_LETTER_ROUTES = {
  redriveRun: {
    method: "POST",
    path: "/api/harness/runs/{id}/redrive",
    operationId: "redriveRun",
    action: "runs.submit",
    tag: "runs",
    summary: "Redrive a dead letter",
    description:
      "Makes a new run of the same task, judged anew in everything; the dead letter stays as it is. Asked again, the answer is the same run.",
    params: runParamsSchema,
    query: noQuerySchema,
    body: redriveRequestSchema,
    success: {
      status: 200,
      description: "The new run; its `redrive_of` names the dead letter.",
      content: { "application/json": runSummarySchema },
    },
    problems: [
      "malformed_json",
      "run_not_found",
      "run_not_dead_lettered",
      "run_driven",
      "effects_standing",
      "agent_unknown",
      "workspace_unknown",
      "model_not_allowed",
      "tenant_queue_full",
      "overloaded",
      "body_too_large",
      "unsupported_media_type",
    ],
  },
} as const satisfies Record<string, RouteRow>;
