// Taking back what a driven run did: who declares it, what a driver is told to undo, and how it says what came of it
// (docs/external-runs.md, "Taking back").

import { z } from "zod";
import { noQuerySchema, runParamsSchema } from "./api-schemas.ts";
import { sha256Schema } from "./digest.ts";
import type { RouteRow } from "./route.ts";
import { RUN_STATES } from "./run.ts";

const DESCRIPTION_CHARS_MAX = 500;
const WORDS_CHARS_MAX = 200_000;

const wordsSchema = (charsMax: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(charsMax)
    .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL");

/** How a driven run's tool is taken back. Left out of a manifest: it cannot be. */
export const driverCompensationSchema = z
  .discriminatedUnion("by", [
    z.strictObject({
      by: z.literal("driver").meta({ description: "The driver takes it back itself, when it is told to." }),
      effect: z
        .enum(["idempotent", "once"])
        .optional()
        .meta({ description: "What taking back does to the world. Missing: `once`." }),
      description: wordsSchema(DESCRIPTION_CHARS_MAX).meta({
        description: "One sentence for the approver of the call.",
      }),
    }),
    z.strictObject({
      by: z.literal("harness").meta({
        description:
          "The harness takes it back, with its own tool of this name, whose manifest counts: give no other field of this one.",
      }),
    }),
  ])
  .meta({ id: "DriverCompensation" });
export type DriverCompensation = z.infer<typeof driverCompensationSchema>;

const dueSchema = z
  .strictObject({
    action_id: z.string().meta({ description: "Of this attempt; its outcome is reported under it, once." }),
    step: z.int().min(1).meta({ description: "The step whose effect is to be taken back." }),
    tool: z.string(),
    arguments: z.record(z.string(), z.unknown()).meta({ description: "Of the call, as it was permitted." }),
    compensates: sha256Schema.meta({ description: "The `effect_id` under which the call was made." }),
    output: z
      .string()
      .nullable()
      .meta({ description: "What was reported of the call; JSON as text. Null: nobody reported." }),
    effect: z.enum(["idempotent", "once"]),
    effect_id: sha256Schema.meta({ description: "The idempotency key of the taking back." }),
    attempt: z.int().min(1),
    again: z.boolean().meta({
      description:
        "It was handed out before, and nobody reported what came of it: where `effect` is `once` it may have been done.",
    }),
  })
  .meta({ id: "DueCompensation" });
export type DueCompensation = z.infer<typeof dueSchema>;

export const compensationAnswerSchema = z
  .strictObject({
    status: z.enum(RUN_STATES),
    ended: z.boolean().meta({ description: "The run has ended; there is nothing to take back any more." }),
    compensation: dueSchema.optional().meta({ description: "Take this back now, then report." }),
    retry_after_seconds: z.int().min(1).optional().meta({
      description:
        "Nothing for the driver just now: the harness or a person is at it, or a retry has to wait.",
    }),
  })
  .meta({ id: "CompensationAnswer" });
export type CompensationAnswer = z.infer<typeof compensationAnswerSchema>;

export const takeBackRequestSchema = z.strictObject({}).meta({ id: "TakeBackRequest" });

export const compensationResultSchema = z
  .strictObject({
    output: z.unknown().optional().meta({ description: "It is taken back. Any JSON." }),
    error: wordsSchema(WORDS_CHARS_MAX)
      .optional()
      .meta({ description: "Surely nothing was done; it is tried again later, a few times." }),
    unknown: wordsSchema(WORDS_CHARS_MAX)
      .optional()
      .meta({ description: "Why nobody knows whether it was done; a person is asked." }),
  })
  .refine(
    (body) => [body.output, body.error, body.unknown].filter((one) => one !== undefined).length === 1,
    "has one of `output`, `error` and `unknown`",
  )
  .meta({ id: "CompensationResult", description: "One of `output`, `error` and `unknown`." });
export type CompensationResult = z.infer<typeof compensationResultSchema>;

const PROBLEMS = [
  "malformed_json",
  "body_too_large",
  "unsupported_media_type",
  "run_not_found",
  "run_not_taken_back",
  "run_steps_exhausted",
] as const;

export const COMPENSATION_ROUTES = {
  nextCompensation: {
    method: "POST",
    path: "/api/harness/runs/{id}/compensations",
    operationId: "nextCompensation",
    action: "runs.drive",
    tag: "runs",
    summary: "Ask what to take back next",
    description:
      "Of a run that you drive and that ended otherwise than in success, or was called off. Newest effect first, one at a time; the same again until its outcome is reported.",
    params: runParamsSchema,
    query: noQuerySchema,
    body: takeBackRequestSchema,
    success: {
      status: 200,
      description: "What to take back, that there is nothing now, or that the run has ended.",
      content: { "application/json": compensationAnswerSchema },
    },
    problems: PROBLEMS,
  },
  reportCompensation: {
    method: "POST",
    path: "/api/harness/runs/{id}/compensations/{action}/result",
    operationId: "reportCompensation",
    action: "runs.drive",
    tag: "runs",
    summary: "Report what came of taking an effect back; once",
    params: z.strictObject({
      ...runParamsSchema.shape,
      action: z.string().meta({ description: "The `action_id` of the compensation." }),
    }),
    query: noQuerySchema,
    body: compensationResultSchema,
    success: {
      status: 200,
      description: "How the run stands; ask for the next.",
      content: { "application/json": compensationAnswerSchema },
    },
    problems: [...PROBLEMS, "action_not_found", "result_already_reported", "not_ready"],
  },
} as const satisfies Record<string, RouteRow>;
