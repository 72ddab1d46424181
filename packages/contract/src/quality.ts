// How people decide: what tells whether they are asked too much, or agree too fast.

import { z } from "zod";
import { principalIdSchema } from "./ids.ts";
import type { RouteRow } from "./route.ts";

const QUALITY_DAYS_MAX = 90;
const QUALITY_DAYS_DEFAULT = 30;

export const getQualityQuerySchema = z.strictObject({
  days: z.coerce
    .number()
    .int()
    .min(1)
    .max(QUALITY_DAYS_MAX)
    .default(QUALITY_DAYS_DEFAULT)
    .meta({ description: "Of the last so many days." }),
});

export const approverQualitySchema = z
  .strictObject({
    id: principalIdSchema,
    name: z.string(),
    kind: z.enum(["human", "service", "agent"]),
    answered: z.int().min(1).meta({ description: "Questions about a call that they said yes or no to." }),
    approved: z.int().min(0),
    approved_share: z.number().min(0).max(1),
    median_seconds: z.number().min(0).meta({ description: "From when it was asked to their answer." }),
    reversed: z.int().min(0).meta({
      description:
        "Of these, answers given for good that were taken back since, or that a person answered otherwise.",
    }),
  })
  .meta({ id: "ApproverQuality" });
export type ApproverQuality = z.infer<typeof approverQualitySchema>;

export const qualitySchema = z
  .strictObject({
    since: z.iso.datetime(),
    data: z.array(approverQualitySchema).meta({ description: "Who answered most comes first." }),
    unanswered: z.int().min(0).meta({ description: "Questions that ended without an answer." }),
    complete: z.boolean().meta({
      description:
        "False: there are more runs or approvers than one look takes; told is what the newest are.",
    }),
  })
  .meta({ id: "Quality", description: "How people decide." });
export type Quality = z.infer<typeof qualitySchema>;

export const QUALITY_ROUTES = {
  getQuality: {
    method: "GET",
    path: "/api/harness/quality",
    operationId: "getQuality",
    action: "audit.read",
    tag: "approvals",
    summary: "See how people decide",
    description:
      "By approver: how many questions about calls they answered, the share of yeses, how long it took, and what was taken back. Counted from the newest 50,000 runs.",
    query: getQualityQuerySchema,
    success: {
      status: 200,
      description: "Everybody who answered anything in these days.",
      content: { "application/json": qualitySchema },
    },
    problems: [],
  },
} as const satisfies Record<string, RouteRow>;
