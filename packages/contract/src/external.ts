// External runs: an agent loop that is not ours proposes each call, gets a decision, and reports what came of it. The
// names here are the wire contract of docs/external-runs.md; fields may be added, none is renamed.

import { z } from "zod";
import { noQuerySchema, runParamsSchema } from "./api-schemas.ts";
import { driverCompensationSchema } from "./compensation.ts";
import { sha256Schema } from "./digest.ts";
import { argumentLabelSchema } from "./approval.ts";
import { approvalIdSchema } from "./ids.ts";
import type { RouteRow } from "./route.ts";
import { nameSchema, runRequestSchema, runSchema } from "./run.ts";
import { effectSchema, harmSchema, VERDICTS } from "./step.ts";

/** Tools of one run: more are refused with 400; every call looks its tool up, and an approver reads the list. */
export const EXTERNAL_TOOLS_MAX = 256;

/** Calls of one plan: more are refused with 400, for nobody reads them before agreeing. */
export const EXTERNAL_PLAN_CALLS_MAX = 100;

/** Longest wait for a decision in one request; who asks for a longer one is answered after this, and asks again. */
export const EXTERNAL_WAIT_SECONDS_MAX = 60;

/** The body of a reported result; larger ones are refused with 413. Other bodies have the common, lower limit. */
export const EXTERNAL_RESULT_BYTES_MAX = 2 * 1024 * 1024;

/** Calls of a driver's model that one request tells of, and how long one of them can have taken. */
const MODEL_CALLS_MAX = 50;
const MODEL_CALL_MS_MAX = 3_600_000;

const TRUSTED_TEXT_CHARS_MAX = 200_000;
const ERROR_CHARS_MAX = 200_000;

const proseSchema = (charsMax: number): z.ZodString =>
  z
    .string()
    .max(charsMax)
    .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL");

/** Names as other loops have them: MCP servers and SDKs use dots, slashes, colons and capitals. */
export const externalToolNameSchema: z.ZodString = z.string().regex(/^[A-Za-z][A-Za-z0-9_.:/-]{0,127}$/);

/** Words by which a requester may ask for a tool; more, and longer ones, are refused. */
export const namedBySchema: z.ZodArray<z.ZodString> = z
  .array(z.string().regex(/^[\p{L}\p{M}][\p{L}\p{M}\p{N}' -]{1,99}$/u))
  .max(64);

export const manifestSchema = z
  .strictObject({
    name: externalToolNameSchema,
    version: z.string().min(1).max(100).optional(),
    description: proseSchema(20_000).optional(),
    input_schema: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: "JSON Schema of the arguments; local `$ref` only. Missing: any object." }),
    effect: effectSchema.optional().meta({ description: "Missing: `once`." }),
    harm: z.array(harmSchema).max(16).optional().meta({ description: "Missing: every kind of harm." }),
    control_arguments: z
      .array(z.string().max(200))
      .max(256)
      .optional()
      .meta({ description: "Arguments that choose whom, where, how much, which. Missing: all of them." }),
    named_by: namedBySchema.optional().meta({
      description:
        "Words and phrases, in any language, by which a requester asks for this tool, beside those that its name says.",
    }),
    returns: z
      .enum(["trusted", "untrusted"])
      .optional()
      .meta({ description: "Who may have written what the tool returns. Missing: anybody (`untrusted`)." }),
    compensation: driverCompensationSchema.optional().meta({
      description: "How its effect is taken back when the run does not succeed. Missing: it cannot be.",
    }),
  })
  .meta({ id: "Manifest", description: "What a tool says of itself. A missing field counts as the worst." });
export type WireManifest = z.infer<typeof manifestSchema>;

export const externalRunRequestSchema = z
  .strictObject({
    driver: z.literal("external"),
    task: proseSchema(TRUSTED_TEXT_CHARS_MAX)
      .min(1)
      .meta({ description: "What the user asked, in the user's words: trusted." }),
    system: proseSchema(TRUSTED_TEXT_CHARS_MAX)
      .optional()
      .meta({ description: "The system prompt, if its author may be trusted like the user." }),
    tools: z
      .array(manifestSchema)
      .max(EXTERNAL_TOOLS_MAX)
      .refine((tools) => new Set(tools.map((tool) => tool.name)).size === tools.length, "names a tool twice"),
    approver: z
      .enum(["none", "ask"])
      .meta({ description: "`none`: nobody can be asked, so what would need approval is a deny." }),
    handles: z.array(externalToolNameSchema).max(EXTERNAL_TOOLS_MAX).optional().meta({
      description:
        "Tools whose untrusted results the driver keeps from its model, which reads `$v3` instead: see `kept` of a reported result.",
    }),
    labels: runRequestSchema.shape.labels,
  })
  .meta({ id: "ExternalRunRequest" });
export type ExternalRunRequest = z.infer<typeof externalRunRequestSchema>;

export const submitRunRequestSchema = z
  .discriminatedUnion("driver", [externalRunRequestSchema, runRequestSchema])
  .meta({ id: "SubmitRunRequest", description: "A task for an agent of ours, or a run that you drive." });
export type SubmitRunRequest = z.infer<typeof submitRunRequestSchema>;

const argumentsSchema = z.record(z.string(), z.unknown());

export const SLOT_TYPES = ["email", "url", "amount", "date", "text"] as const;
export const planSlotSchema = z
  .strictObject({ type: z.enum(SLOT_TYPES), from: externalToolNameSchema })
  .meta({
    id: "PlanSlot",
    description: "A value that is not known yet: one of this type, out of what that tool will return.",
  });
export type PlanSlot = z.infer<typeof planSlotSchema>;

export const planRequestSchema = z
  .strictObject({
    calls: z
      .array(z.strictObject({ tool: externalToolNameSchema, arguments: argumentsSchema }))
      .min(1)
      .max(EXTERNAL_PLAN_CALLS_MAX)
      .meta({ description: 'Calls to agree to at once; a value may be `{"$slot": PlanSlot}`.' }),
  })
  .meta({ id: "PlanRequest" });
export type PlanRequest = z.infer<typeof planRequestSchema>;

export const planAnswerSchema = z
  .strictObject({
    approval_id: approvalIdSchema.optional().meta({ description: "Where a person is asked." }),
    digest: sha256Schema.meta({ description: "Covers every call; `action_digest` of the approval." }),
    decision: z.enum(["needs_approval", "permit"]).meta({
      description: "`permit`: nobody can be asked, and the rules alone permit every call of it.",
    }),
  })
  .meta({ id: "PlanAnswer" });
export type PlanAnswer = z.infer<typeof planAnswerSchema>;

export const actionIdSchema = z.templateLiteral(["act_", z.string().regex(/^[0-9a-f]{32}$/)]);
export type ActionId = `act_${string}`;

/** A driver's word for a call of its own model: told on in traces and metrics, and believed for nothing else. */
export const modelCallSchema = z
  .strictObject({
    model: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$/)
      .meta({ description: "As the driver calls it, with its provider before a slash where it has one." }),
    duration_ms: z.int().min(0).max(MODEL_CALL_MS_MAX),
    input_tokens: z.int().min(0).optional(),
    output_tokens: z.int().min(0).optional(),
    error: z
      .string()
      .regex(/^[a-z][a-z0-9_.]{0,62}$/)
      .optional()
      .meta({ description: "A stable name of what went wrong; left out where nothing did." }),
  })
  .meta({ id: "ModelCall" });
export type ModelCallReport = z.infer<typeof modelCallSchema>;

const modelCallsSchema = z.array(modelCallSchema).max(MODEL_CALLS_MAX).optional().meta({
  description:
    "Calls of the driver's own model since its last request. They become spans of the run's trace; nothing is decided, recorded or charged by them.",
});

export const actionRequestSchema = z
  .strictObject({
    tool: z
      .string()
      .min(1)
      .max(200)
      .meta({ description: "One of the run's tools; any other name is a deny." }),
    arguments: argumentsSchema,
    model_calls: modelCallsSchema,
  })
  .meta({ id: "ActionRequest" });
export type ProposedAction = z.infer<typeof actionRequestSchema>;

export const actionAnswerSchema = z
  .strictObject({
    action_id: z.string(),
    decision: z.enum(VERDICTS),
    approval_id: approvalIdSchema.optional(),
    reasons: z.array(z.strictObject({ code: z.string(), policy: z.string().optional(), detail: z.string() })),
    labels: z
      .record(z.string(), argumentLabelSchema)
      .meta({ description: "Who chose each value of the arguments, by JSON pointer (RFC 6901)." }),
    tainted: z.boolean().meta({ description: "The run had read something untrusted before this call." }),
    planned: z.boolean().meta({ description: "The call is one of a plan that was agreed to." }),
    effect_id: sha256Schema.optional().meta({
      description:
        "With a permit: the idempotency key to give to the tool, the same however often it is asked for.",
    }),
    arguments: argumentsSchema.optional().meta({
      description:
        "With a permit, where a handle stood in the arguments: what to carry out instead of what was proposed, and not for the model.",
    }),
  })
  .meta({ id: "ActionAnswer" });
export type ActionAnswer = z.infer<typeof actionAnswerSchema>;

const exactlyOne = (body: { output?: unknown; error?: unknown }): boolean =>
  (body.output === undefined) !== (body.error === undefined);

const outcomeShape = {
  output: z.unknown().optional().meta({ description: "Any JSON." }),
  error: proseSchema(ERROR_CHARS_MAX).optional(),
};

export const resultRequestSchema = z
  .strictObject(outcomeShape)
  .refine(exactlyOne, "has either `output` or `error`")
  .meta({ id: "ResultRequest", description: "Either `output` or `error`." });
export type ResultRequest = z.infer<typeof resultRequestSchema>;

export const resultAnswerSchema = z
  .strictObject({
    label: z.enum(["trusted", "untrusted"]),
    kept: z
      .strictObject({
        handle: z.string().meta({ description: "`$v3`: stands for the result in arguments of later calls." }),
        text: z.string().meta({ description: "What the model reads instead of the result." }),
      })
      .optional()
      .meta({ description: "Of a tool in the run's `handles`: do not show the result to the model." }),
  })
  .meta({ id: "ResultAnswer" });
export type ResultAnswer = z.infer<typeof resultAnswerSchema>;

export const finishRequestSchema = z
  .strictObject({ ...outcomeShape, model_calls: modelCallsSchema })
  .refine(exactlyOne, "has either `output` or `error`")
  .meta({ id: "FinishRequest", description: "Either `output` or `error`." });
export type FinishRequest = z.infer<typeof finishRequestSchema>;

const secondsFromText = (value: unknown): unknown =>
  typeof value === "string" && /^(?:0|[1-9][0-9]{0,4})$/.test(value) ? Number(value) : value;

const readActionQuerySchema = z.strictObject({
  wait: z
    .preprocess(secondsFromText, z.int().min(0))
    .default(0)
    .meta({
      description: `Seconds to wait for a decision before answering that there is none yet; ${EXTERNAL_WAIT_SECONDS_MAX} at most.`,
    }),
});

const actionParamsSchema = z.strictObject({
  ...runParamsSchema.shape,
  action: z.string().meta({ description: "The action's id." }),
});

const BODY_PROBLEMS = ["malformed_json", "body_too_large", "unsupported_media_type"] as const;
const DRIVE_PROBLEMS = [
  ...BODY_PROBLEMS,
  "run_not_found",
  "run_already_finished",
  "run_being_taken_back",
] as const;

export const EXTERNAL_ROUTES = {
  proposePlan: {
    method: "POST",
    path: "/api/harness/runs/{id}/plan",
    operationId: "proposePlan",
    action: "runs.drive",
    tag: "runs",
    summary: "Ask for one approval of a whole plan",
    description:
      "Refused once the run has read anything untrusted: from then on the plan could be an attacker's. Where nobody " +
      "can be asked, the rules alone agree to it, or not.",
    params: runParamsSchema,
    query: noQuerySchema,
    body: planRequestSchema,
    success: {
      status: 200,
      description: "The approval that waits for a person, or that the rules permit every call.",
      content: { "application/json": planAnswerSchema },
    },
    problems: [...DRIVE_PROBLEMS, "plan_too_late", "plan_refused", "nobody_to_ask", "run_steps_exhausted"],
  },
  proposeAction: {
    method: "POST",
    path: "/api/harness/runs/{id}/actions",
    operationId: "proposeAction",
    action: "runs.drive",
    tag: "runs",
    summary: "Ask whether a call may be made",
    description:
      "Only a `permit` may be carried out, exactly as it was proposed. Several actions may be open at once.",
    params: runParamsSchema,
    query: noQuerySchema,
    body: actionRequestSchema,
    success: {
      status: 200,
      description: "The decision, or that a person is asked.",
      content: { "application/json": actionAnswerSchema },
    },
    problems: [...DRIVE_PROBLEMS, "run_steps_exhausted"],
  },
  readAction: {
    method: "GET",
    path: "/api/harness/runs/{id}/actions/{action}",
    operationId: "readAction",
    action: "runs.drive",
    tag: "runs",
    summary: "Read a decision, waiting for it where asked to",
    description:
      "The first answer `permit` after an approval spends the approval; later ones repeat it. It stays one permit for " +
      "one effect: its result can be reported once.",
    params: actionParamsSchema,
    query: readActionQuerySchema,
    success: {
      status: 200,
      description: "The decision as it is now.",
      content: { "application/json": actionAnswerSchema },
    },
    problems: ["run_not_found", "action_not_found"],
  },
  reportResult: {
    method: "POST",
    path: "/api/harness/runs/{id}/actions/{action}/result",
    operationId: "reportResult",
    action: "runs.drive",
    tag: "runs",
    summary: "Report what a permitted call brought; once",
    params: actionParamsSchema,
    query: noQuerySchema,
    body: resultRequestSchema,
    success: {
      status: 200,
      description: "How the result is labelled from now on.",
      content: { "application/json": resultAnswerSchema },
    },
    problems: [...DRIVE_PROBLEMS, "action_not_found", "action_not_permitted", "result_already_reported"],
  },
  finishRun: {
    method: "POST",
    path: "/api/harness/runs/{id}/finish",
    operationId: "finishRun",
    action: "runs.drive",
    tag: "runs",
    summary: "End a run that you drive",
    params: runParamsSchema,
    query: noQuerySchema,
    body: finishRequestSchema,
    success: {
      status: 200,
      description: "The run, succeeded or failed; `queued` while what it did is taken back first.",
      content: { "application/json": runSchema },
    },
    problems: DRIVE_PROBLEMS,
  },
} as const satisfies Record<string, RouteRow>;

/** How external runs show in places that name an agent and a model. */
export const EXTERNAL_AGENT: string = nameSchema.parse("external");
export const EXTERNAL_MODEL = "external/driver";
