import { z } from "zod";
import { approvalSchema } from "./approval.ts";
import { artifactSchema } from "./artifact.ts";
import { principalIdSchema, runIdSchema } from "./ids.ts";
import { chargesSchema } from "./spending.ts";
import { stepSchema } from "./step.ts";

/** A run is in exactly one of these; the legal moves between them stand in the harness, core/run/run.ts. */
export const RUN_STATES = [
  "queued",
  "running",
  "awaiting_approval",
  "succeeded",
  "failed",
  "cancelled",
  "dead_lettered",
] as const;

export const runStateSchema = z.enum(RUN_STATES).meta({ id: "RunState" });
export type RunState = z.infer<typeof runStateSchema>;

/** Names of agents, workspaces and tools: what may stand in a path, a log line or a column without quoting. */
export const nameSchema = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/);

/** `<provider>/<model>`, for example `scripted/changelog` or `anthropic/claude-sonnet-4-6`. */
export const modelNameSchema = z
  .string()
  .max(200)
  .regex(/^[a-z][a-z0-9-]{0,30}\/[A-Za-z0-9][A-Za-z0-9._:/-]*$/);

export const runRequestSchema = z
  .strictObject({
    driver: z
      .literal("assent")
      .optional()
      .meta({ description: "Who drives the run: our own workers, unless `external` is asked for." }),
    agent: nameSchema.meta({ description: "The agent that is to do the task.", examples: ["maintainer"] }),
    task: z
      .string()
      .min(1)
      .max(20_000)
      .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL")
      .meta({ description: "What is to be done, in the requester's words. The agent takes it as trusted." }),
    workspace: nameSchema
      .optional()
      .meta({ description: "Which of the installation's workspaces the run gets a private copy of." }),
    model: modelNameSchema
      .optional()
      .meta({ description: "One of the models the agent may use; its first one otherwise." }),
    labels: z
      .record(z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/), z.string().max(200))
      .refine((labels) => Object.keys(labels).length <= 16, "at most 16 labels")
      .optional()
      .meta({ description: "The caller's own marks, to find the run by." }),
  })
  .meta({ id: "RunRequest" });
export type RunRequest = z.infer<typeof runRequestSchema>;

export const actorSchema = z
  .strictObject({
    id: principalIdSchema,
    kind: z.enum(["human", "service", "agent"]),
    name: z.string(),
  })
  .meta({ id: "Actor" });
export type Actor = z.infer<typeof actorSchema>;

export const reasonSchema = z.strictObject({ code: z.string(), detail: z.string() }).meta({
  id: "Reason",
  description: "Why something is as it is: a stable code, and a sentence for people.",
});
export type Reason = z.infer<typeof reasonSchema>;

const runCore = {
  id: runIdSchema,
  status: runStateSchema,
  agent: nameSchema,
  agent_version: z
    .string()
    .meta({ description: "Digest of the agent's definition that this run was given." }),
  task: z.string(),
  workspace: z
    .strictObject({ name: nameSchema, commit: z.string() })
    .nullable()
    .meta({ description: "Whose copy the run works on, and the commit that was copied." }),
  model: modelNameSchema,
  labels: z.record(z.string(), z.string()),
  requested_by: actorSchema,
  reason: reasonSchema.nullable().meta({ description: "Why the run waits or ended as it did." }),
  attempt: z.int().min(0).meta({ description: "Times a worker took the run since a step last ended." }),
  version: z.int().min(1).meta({ description: "Number of the run's newest event; rises by one with each." }),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  redrive_of: runIdSchema.optional().meta({ description: "The dead letter that this run was made for." }),
};

export const runSummarySchema = z.strictObject(runCore).meta({ id: "RunSummary" });
export type RunSummary = z.infer<typeof runSummarySchema>;

/** How a run that did not reach its end took back what it had done. */
export const rollbackSchema = z
  .strictObject({
    ending: z
      .enum(["failed", "cancelled", "dead_lettered"])
      .meta({ description: "How the run ends after it." }),
    ended: z.boolean().meta({ description: "False while calls are still being taken back." }),
    taken_back: z.array(z.int().min(1)).meta({ description: "Steps whose effect was taken back." }),
    left: z
      .array(
        z.strictObject({
          step: z.int().min(1),
          tool: z.string(),
          code: z.string(),
          detail: z.string(),
        }),
      )
      .meta({ description: "Steps whose effect stands, or may stand, and why. A person has to look." }),
    due: z
      .array(z.strictObject({ step: z.int().min(1), tool: z.string(), by: z.enum(["driver", "harness"]) }))
      .optional()
      .meta({
        description: "While it lasts: steps that are still to be taken back, in that order, and by whom.",
      }),
  })
  .meta({ id: "Rollback" });
export type Rollback = z.infer<typeof rollbackSchema>;

export const runSchema = z
  .strictObject({
    ...runCore,
    answer: z
      .string()
      .nullable()
      .meta({ description: "The agent's final words, once the run has succeeded." }),
    usage: z
      .strictObject({
        input_tokens: z.int().min(0),
        output_tokens: z.int().min(0),
        charged: chargesSchema.optional(),
      })
      .meta({ description: "Tokens of its answers, and what its calls are charged." }),
    steps: z.array(stepSchema),
    approvals: z.array(approvalSchema),
    artifacts: z.array(artifactSchema),
    rollback: rollbackSchema
      .optional()
      .meta({ description: "Where the run ended otherwise than in success, after effects on the outside." }),
  })
  .meta({ id: "Run" });
export type Run = z.infer<typeof runSchema>;
