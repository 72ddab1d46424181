import { z } from "zod";
import { noQuerySchema } from "./api-schemas.ts";
import { sha256Schema } from "./digest.ts";
import { runIdSchema } from "./ids.ts";
import type { RouteRow } from "./route.ts";
import { VERDICTS } from "./step.ts";

/** One rule as the server has loaded it. */
export const policyRuleSchema = z
  .strictObject({
    id: z.string().meta({ description: "What reasons call it." }),
    effect: z.enum(["permit", "forbid"]),
    description: z.string().nullable().meta({ description: "One sentence: why it speaks." }),
    asks: z
      .strictObject({
        approvers: z.array(z.string()).nullable().meta({
          description:
            "Who may approve: people by name, services as `service/<name>`; null: whoever may decide.",
        }),
        quorum: z.int().min(1),
        separate_duties: z.boolean(),
        timeout_seconds: z.number().min(0).meta({ description: "From then on the answer is no." }),
      })
      .nullable()
      .meta({ description: "What an approval has to fulfil that lifts it; null: none does, or it permits." }),
    text: z.string().meta({ description: "In Cedar." }),
  })
  .meta({ id: "PolicyRule", description: "One rule that every call of a tool meets." });

export const policySetSchema = z
  .strictObject({
    version: sha256Schema.meta({ description: "Over the rules and the schema; decisions name it." }),
    rules: z.array(policyRuleSchema),
  })
  .meta({ id: "PolicySet", description: "The rules that this server decides by." });
export type PolicySet = z.infer<typeof policySetSchema>;

/** Longer than any set that was seen: the strict one that comes with Assent has 5,000 characters. */
const TRIAL_TEXT_CHARS_MAX = 128 * 1024;
const TRIAL_DAYS_MAX = 90;
/** Told of one trial. */
export const TRIAL_CHANGES_MAX = 200;

export const policyTrialRequestSchema = z
  .strictObject({
    text: z
      .string()
      .min(1)
      .max(TRIAL_TEXT_CHARS_MAX)
      .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL")
      .meta({
        description: "The whole set of rules in Cedar, as it would be in the place of the loaded one.",
      }),
    days: z.int().min(1).max(TRIAL_DAYS_MAX).meta({ description: "Tried on the decisions of so many days." }),
  })
  .meta({ id: "PolicyTrialRequest" });
export type PolicyTrialRequest = z.infer<typeof policyTrialRequestSchema>;

const ruledSchema = z.strictObject({
  verdict: z.enum(VERDICTS),
  policies: z.array(z.string()).meta({ description: "Which rules, or why none." }),
});

export const policyTrialSchema = z
  .discriminatedUnion("loads", [
    z.strictObject({
      loads: z.literal(false),
      fault: z.strictObject({
        code: z.string(),
        line: z.int().min(1).nullable().meta({ description: "From 1; null where the fault has no place." }),
        column: z.int().min(1).nullable(),
        detail: z.string(),
      }),
    }),
    z.strictObject({
      loads: z.literal(true),
      version: sha256Schema.meta({ description: "That these rules would have." }),
      rules: z.int().min(1),
      since: z.iso.datetime(),
      judged: z.int().min(0).meta({ description: "So many decisions, the newest first." }),
      complete: z.boolean().meta({ description: "False: there were more of them than one trial judges." }),
      unchanged: z.int().min(0),
      other_reasons: z.int().min(0).meta({ description: "The same verdict, by other rules." }),
      changes: z
        .array(
          z.strictObject({
            at: z.iso.datetime(),
            run_id: runIdSchema,
            step: z.int().min(1),
            tool: z.string(),
            before: ruledSchema,
            after: ruledSchema,
          }),
        )
        .meta({ description: "Another verdict; newest first." }),
      changes_more: z
        .int()
        .min(0)
        .meta({ description: "So many more, and not told: of many, or of such as many rules speak at." }),
    }),
  ])
  .meta({ id: "PolicyTrial", description: "What other rules would have decided. Nothing is changed by it." });
export type PolicyTrial = z.infer<typeof policyTrialSchema>;

export const POLICY_ROUTES = {
  getPolicies: {
    method: "GET",
    path: "/api/harness/policies",
    operationId: "getPolicies",
    action: "decisions.read",
    tag: "approvals",
    summary: "Read the rules that calls are decided by",
    description:
      "As this server has loaded them; another one of the fleet may have others during an upgrade.",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "Every rule, in the order of the files.",
      content: { "application/json": policySetSchema },
    },
    problems: [],
  },
  tryPolicies: {
    method: "POST",
    path: "/api/harness/policies/trial",
    operationId: "tryPolicies",
    action: "decisions.read",
    tag: "approvals",
    summary: "Try other rules on what was decided",
    description:
      "It publishes nothing: rules are loaded from files. One trial at a time for each tenant of a server, on at most 2,000 decisions, for at most 15 seconds; what was judged by then is told.",
    query: noQuerySchema,
    body: policyTrialRequestSchema,
    success: {
      status: 200,
      description: "Which decisions would be other ones, or why these rules would not load.",
      content: { "application/json": policyTrialSchema },
    },
    problems: ["malformed_json", "body_too_large", "unsupported_media_type", "policy_trial_busy"],
  },
} as const satisfies Record<string, RouteRow>;
