import { z } from "zod";
import { sha256Schema } from "./digest.ts";
import { approvalIdSchema, principalIdSchema, runIdSchema } from "./ids.ts";
import { receiptSchema } from "./audit.ts";
import { adviceSchema } from "./precedent.ts";
import { decisionSchema, effectSchema, harmSchema } from "./step.ts";

/** `spent`: the approved action was dispatched. Nothing leads back to `open`. */
export const APPROVAL_STATES = ["open", "approved", "denied", "expired", "cancelled", "spent"] as const;
export const approvalStateSchema = z.enum(APPROVAL_STATES).meta({ id: "ApprovalState" });
export type ApprovalState = z.infer<typeof approvalStateSchema>;

/**
 * `action`: may this call be made? `in_doubt`: a call was made, and a crash hid its outcome, or (the reason is
 * `workspace_not_restored`) what it did in the run's copy of its workspace is lost; what now?
 */
export const approvalSubjectSchema = z.enum(["action", "in_doubt"]).meta({ id: "ApprovalSubject" });
export type ApprovalSubject = z.infer<typeof approvalSubjectSchema>;

export const actionSchema = z
  .strictObject({
    tool: z.string(),
    tool_version: z.string(),
    manifest_digest: sha256Schema,
    effect: effectSchema,
    harm: z.array(harmSchema),
    arguments: z.record(z.string(), z.unknown()).meta({ description: "Exactly what the tool will receive." }),
  })
  .meta({ id: "Action", description: "One call that an agent wants to make." });
export type Action = z.infer<typeof actionSchema>;

export const argumentLabelSchema = z
  .strictObject({
    origin: z.enum(["trusted", "untrusted", "model"]).meta({
      description:
        "Who chose it: the requester or the agent's author, a text that anybody may have written, or the model.",
    }),
    sources: z.array(
      z.strictObject({
        source: z.string().meta({
          description:
            "`task`, `system`, or `step:<seq>` for what a tool returned, `document:<id>#<place>` for a passage of a document.",
        }),
        start: z.int().min(0),
        end: z.int().min(0),
      }),
    ),
  })
  .meta({ id: "ArgumentLabel" });

export const approvalSchema = z
  .strictObject({
    id: approvalIdSchema,
    run_id: runIdSchema,
    step: z.int().min(1).meta({ description: "The gate's place in the run's journal." }),
    status: approvalStateSchema,
    subject: approvalSubjectSchema,
    action: actionSchema,
    action_digest: sha256Schema.meta({
      description:
        "Binds tool, version, manifest, canonical arguments (RFC 8785) and scope. Send it back to approve.",
    }),
    summary: z.string().meta({ description: "One sentence from the tool's own template, never model text." }),
    preview: z
      .string()
      .nullable()
      .meta({ description: "What would change, as a unified diff, where the tool can tell." }),
    decision: decisionSchema.meta({ description: "Why a person is asked." }),
    labels: z.record(z.string(), argumentLabelSchema).meta({
      description: "Where each value of the arguments comes from, by JSON pointer (RFC 6901).",
    }),
    requirement: z
      .strictObject({
        approvers: z.array(z.string()).nullable().meta({
          description:
            "Who may approve: people by name, services as `service/<name>`; null: whoever may decide.",
        }),
        quorum: z.int().min(1).meta({ description: "So many different people have to approve." }),
        separate_duties: z.boolean().meta({ description: "Whoever asked for the run is not among them." }),
      })
      .meta({ description: "What the rules want of an approval." }),
    advice: z
      .array(adviceSchema)
      .meta({ description: "Earlier answers to this question or to ones like it." }),
    votes: z.int().min(0).meta({ description: "How many have approved so far." }),
    edited_arguments: z.record(z.string(), z.unknown()).nullable(),
    requested_at: z.iso.datetime(),
    expires_at: z.iso.datetime().meta({ description: "From then on it counts as denied." }),
    decided_at: z.iso.datetime().nullable(),
    decided_by: z.strictObject({ id: principalIdSchema, name: z.string() }).nullable(),
    comment: z.string().nullable(),
    receipt: receiptSchema.optional().meta({
      description: "With the answer to a decision: proof that the decision is in the log.",
    }),
  })
  .meta({ id: "Approval" });
export type Approval = z.infer<typeof approvalSchema>;

const commentSchema = z
  .string()
  .min(1)
  .max(2_000)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL");

const rememberSchema = z.literal(true).optional().meta({
  description:
    "Give this answer again, without asking, to exactly this question: same agent, tool, arguments and origins. A yes answers the rules that ask now, and none that asks later.",
});

/** A remembered answer is given again for so long, where nobody says otherwise; then a person is asked again. */
export const REMEMBER_DAYS_DEFAULT = 90;
const REMEMBER_DAYS_MAX = 3_650;

const rememberDaysSchema = z
  .int()
  .min(1)
  .max(REMEMBER_DAYS_MAX)
  .optional()
  .meta({
    description: `With \`remember\`: for how many days it is given again; ${REMEMBER_DAYS_DEFAULT} where it is left out.`,
  });

/** One schema a verb: an approval without the digest of what was shown, or a denial without a reason, is not one. */
export const approveRequestSchema = z
  .discriminatedUnion("decision", [
    z.strictObject({
      approval_id: approvalIdSchema,
      decision: z.literal("approve"),
      action_digest: sha256Schema,
      arguments: z.record(z.string(), z.unknown()).optional().meta({
        description: "Edited arguments: a new action, checked and ruled on again, that runs instead.",
      }),
      comment: commentSchema.optional(),
      remember: rememberSchema,
      remember_days: rememberDaysSchema,
    }),
    z.strictObject({
      approval_id: approvalIdSchema,
      decision: z.literal("deny"),
      comment: commentSchema.meta({ description: "The reason; the agent is told it." }),
      remember: rememberSchema,
      remember_days: rememberDaysSchema,
    }),
    z.strictObject({
      approval_id: approvalIdSchema,
      decision: z.literal("confirm"),
      action_digest: sha256Schema,
      comment: commentSchema.meta({
        description:
          "Only for `in_doubt`: the effect did happen; what is known of its outcome. For a lost copy: go on without it.",
      }),
    }),
  ])
  .meta({ id: "ApproveRequest" });
export type ApproveRequest = z.infer<typeof approveRequestSchema>;
