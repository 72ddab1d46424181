import { z } from "zod";
import { actionSchema, argumentLabelSchema } from "./approval.ts";
import { sha256Schema } from "./digest.ts";
import { approvalIdSchema, runIdSchema } from "./ids.ts";
import { decisionSchema } from "./step.ts";

/** `unchanged`: a yes stands, or will. `asked_again`: it is withdrawn. `denied`: the call is refused all the same. */
export const waitingOutcomeSchema = z
  .enum(["unchanged", "asked_again", "denied"])
  .meta({ id: "WaitingOutcome" });
export type WaitingOutcome = z.infer<typeof waitingOutcomeSchema>;

export const waitingCallSchema = z
  .strictObject({
    approval_id: approvalIdSchema,
    run_id: runIdSchema,
    step: z.int().min(1),
    status: z.enum(["open", "approved"]),
    summary: z.string(),
    requested_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    record: z
      .looseObject({
        v: z.literal(1),
        run_id: runIdSchema,
        step: z.int().min(1),
        action: actionSchema,
        labels: z.record(z.string(), argumentLabelSchema).meta({
          description: "Where each value of the arguments comes from, by JSON pointer (RFC 6901).",
        }),
        tainted: z.boolean().meta({ description: "Whether the run had read untrusted text before." }),
        policy_version: sha256Schema,
        decision: decisionSchema,
      })
      .meta({ description: "What the rules decided on, as in the list of decisions." }),
    requirement: z.strictObject({
      approvers: z.array(z.string()).nullable(),
      quorum: z.int().min(1),
      separate_duties: z.boolean(),
      timeout_ms: z.int().min(1),
    }),
    agent_version: sha256Schema
      .nullable()
      .meta({ description: "Of the agent as it was defined when it was asked; null: it was not any more." }),
    manifest: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: "Of the tool as it was asked about; null where none is kept." }),
    destination: z.string().nullable().optional().meta({
      description:
        "Where the call would go, as a digest; null where it goes nowhere outside or that was not noted.",
    }),
    outcome: waitingOutcomeSchema.meta({
      description: "What comes of a yes under the rules, tools and agents that the server has loaded.",
    }),
    reasons: decisionSchema.shape.reasons,
  })
  .meta({
    id: "WaitingCall",
    description: "One call that waits for a person, or for its dispatch after a yes.",
  });
export type WaitingCall = z.infer<typeof waitingCallSchema>;

export const listWaitingQuerySchema = z.strictObject({
  cursor: approvalIdSchema.optional().meta({ description: "From `next_cursor` of the page before." }),
});
export const waitingPageSchema = z
  .strictObject({
    data: z.array(waitingCallSchema),
    next_cursor: approvalIdSchema
      .nullable()
      .meta({ description: "Names the next page; null on the last one." }),
  })
  .meta({ id: "WaitingPage" });
export type WaitingPage = z.infer<typeof waitingPageSchema>;
