import { z } from "zod";
import { noQuerySchema, pageOf } from "./api-schemas.ts";
import { sha256Schema } from "./digest.ts";
import type { RouteRow } from "./route.ts";

/** As the memory writes it: with an offset (`+00:00`), and not with a `Z`. */
const rememberedAtSchema = z.iso.datetime({ offset: true });

export const escalationStatusSchema = z.enum(["open", "resolved"]).meta({ id: "EscalationStatus" });
export type EscalationStatus = z.infer<typeof escalationStatusSchema>;

/** A question that neither rules nor memory could answer, put before people. */
export const escalationSchema = z
  .strictObject({
    id: sha256Schema,
    pattern_id: sha256Schema.meta({ description: "The question." }),
    kind: z.string().nullable().meta({
      description:
        "`approval`: a call, decided with its approval. `rollback`: what a run did and nobody could take back. Null where the question cannot be read.",
    }),
    tool: z.string().nullable().meta({ description: "That it is about; null where it cannot be read." }),
    status: escalationStatusSchema,
    reason: z.string().meta({ description: "Why a person is asked." }),
    escalated_at: rememberedAtSchema,
    escalated_by: z.string().meta({ description: "The agent, or the person." }),
    occurrence: z.int().min(1).meta({
      description: "1 for the first time; n when it came up again after n - 1 answers.",
    }),
    first_id: sha256Schema.meta({ description: "The first occurrence." }),
    seen_count: z.int().min(1).meta({ description: "How often it came up while this occurrence was open." }),
    last_seen_at: rememberedAtSchema,
    resolved_at: rememberedAtSchema.nullable(),
    resolved_by: z.string().nullable(),
    resolution_id: sha256Schema.nullable(),
    answer: z
      .strictObject({ decision: z.string(), comment: z.string() })
      .nullable()
      .meta({ description: "What was answered, where the memory keeps it." }),
    answer_revoked_at: rememberedAtSchema
      .nullable()
      .meta({ description: "When the answer was taken back that it was resolved with." }),
  })
  .meta({
    id: "Escalation",
    description: "A question that neither rules nor memory could answer, put before people.",
  });
export type Escalation = z.infer<typeof escalationSchema>;

export const listEscalationsQuerySchema = z.strictObject({
  status: escalationStatusSchema.optional().meta({ description: "Only these; without it, all." }),
  ...pageOf("Escalations"),
});

export const escalationPageSchema = z
  .strictObject({
    data: z.array(escalationSchema),
    next_cursor: z.string().nullable().meta({ description: "Names the next page; null on the last one." }),
  })
  .meta({ id: "EscalationPage" });
export type EscalationPage = z.infer<typeof escalationPageSchema>;

export const resolveEscalationSchema = z
  .strictObject({
    comment: z
      .string()
      .min(1)
      .max(2_000)
      .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL")
      .meta({ description: "What was done about it, or why it is left as it is." }),
  })
  .meta({ id: "ResolveEscalation" });
export type ResolveEscalation = z.infer<typeof resolveEscalationSchema>;

export const ESCALATION_ROUTES = {
  listEscalations: {
    method: "GET",
    path: "/api/harness/escalations",
    operationId: "listEscalations",
    action: "precedents.read",
    tag: "approvals",
    summary: "List questions that were put before people",
    query: listEscalationsQuerySchema,
    success: {
      status: 200,
      description: "One page of the tenant's escalations, newest first.",
      headers: ["Link"],
      content: { "application/json": escalationPageSchema },
    },
    problems: [],
  },
  resolveEscalation: {
    method: "POST",
    path: "/api/harness/escalations/{id}/resolve",
    operationId: "resolveEscalation",
    action: "approvals.decide",
    tag: "approvals",
    summary: "Say what was done about what nobody could take back",
    description:
      "For escalations of the kind `rollback`. Those of the kind `approval` are decided with their approvals.",
    params: z.strictObject({ id: z.string().meta({ description: "The escalation's id." }) }),
    query: noQuerySchema,
    body: resolveEscalationSchema,
    success: {
      status: 200,
      description: "The escalation, resolved. Who said what is in the memory's audit.",
      content: { "application/json": escalationSchema },
    },
    problems: [
      "malformed_json",
      "escalation_not_found",
      "escalation_not_open",
      "body_too_large",
      "unsupported_media_type",
    ],
  },
} as const satisfies Record<string, RouteRow>;
