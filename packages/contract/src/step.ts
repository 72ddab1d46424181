import { z } from "zod";
import { approvalIdSchema } from "./ids.ts";

/**
 * A journaled unit of a run: a call of the model, a call of a tool, a question to a person, the finalisation, or the
 * taking back of what was done, where a run ends otherwise.
 */
export const STEP_KINDS = ["model", "tool", "gate", "finalise", "rollback"] as const;
export const stepKindSchema = z.enum(STEP_KINDS).meta({ id: "StepKind" });
export type StepKind = z.infer<typeof stepKindSchema>;

/** `intended` is journaled before anything happens; the rest say how it ended, `in_doubt` that nobody knows. */
export const STEP_STATES = ["intended", "succeeded", "failed", "refused", "in_doubt"] as const;
export const stepStateSchema = z.enum(STEP_STATES).meta({ id: "StepState" });
export type StepState = z.infer<typeof stepStateSchema>;

/** What a call does to the world: nothing, the same however often, or something that must happen once only. */
export const EFFECTS = ["none", "idempotent", "once"] as const;
export const effectSchema = z.enum(EFFECTS).meta({ id: "Effect" });
export type Effect = z.infer<typeof effectSchema>;

export const HARMS = ["write", "egress", "money", "destructive"] as const;
export const harmSchema = z.enum(HARMS).meta({ id: "Harm" });
export type Harm = z.infer<typeof harmSchema>;

export const VERDICTS = ["permit", "deny", "needs_approval"] as const;
export const decisionSchema = z
  .strictObject({
    verdict: z.enum(VERDICTS),
    reasons: z.array(z.strictObject({ code: z.string(), policy: z.string().optional(), detail: z.string() })),
  })
  .meta({ id: "Decision", description: "What the rules say of one action, and which of them said it." });
export type Decision = z.infer<typeof decisionSchema>;

export const stepSchema = z
  .strictObject({
    seq: z.int().min(1).meta({ description: "Place in the run's journal, from 1, without gaps." }),
    kind: stepKindSchema,
    name: z.string().meta({ description: "The model, or the tool." }),
    state: stepStateSchema,
    effect: effectSchema,
    effect_id: z
      .string()
      .nullable()
      .meta({ description: "The idempotency key that the tool is given: the same in every attempt." }),
    arguments: z
      .unknown()
      .optional()
      .meta({ description: "Of a tool call: exactly what the tool receives." }),
    compensates: z
      .int()
      .min(1)
      .optional()
      .meta({ description: "Of a call that takes back what another step did: that step." }),
    decision: decisionSchema.nullable(),
    approval_id: approvalIdSchema.nullable(),
    result: z.string().nullable().meta({ description: "What came of it, shortened to 4,000 characters." }),
    error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
    started_at: z.iso.datetime(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "Step" });
export type Step = z.infer<typeof stepSchema>;
