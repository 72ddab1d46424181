import { z } from "zod";
import { noQuerySchema } from "./api-schemas.ts";
import { sha256Schema } from "./digest.ts";
import type { RouteRow } from "./route.ts";

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
} as const satisfies Record<string, RouteRow>;
