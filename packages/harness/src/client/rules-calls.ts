// What is asked of rules, and of those who answer where rules ask.

import {
  type PolicySet,
  policySetSchema,
  type PolicyTrial,
  type PolicyTrialRequest,
  policyTrialSchema,
  type Quality,
  qualitySchema,
  type Retention,
  retentionSchema,
} from "@assent/contract";
import type { z } from "zod";
import type { Result } from "../base/result.ts";
import type { ClientFailure } from "./failure.ts";
import type { Exchange } from "./request.ts";

type Answer<T> = Promise<Result<T, ClientFailure>>;

export type RulesCalls = {
  getPolicies(): Answer<PolicySet>;
  tryPolicies(request: PolicyTrialRequest): Answer<PolicyTrial>;
  getQuality(days: number): Answer<Quality>;
  getRetention(): Answer<Retention>;
};

const POLICIES = "/api/harness/policies";

export const rulesCalls = (ask: <T>(request: Exchange, schema: z.ZodType<T>) => Answer<T>): RulesCalls => ({
  getPolicies: async () => await ask({ method: "GET", path: POLICIES }, policySetSchema),
  tryPolicies: async (body) =>
    await ask({ method: "POST", path: `${POLICIES}/trial`, body }, policyTrialSchema),
  getQuality: async (days) =>
    await ask({ method: "GET", path: `/api/harness/quality?days=${days}` }, qualitySchema),
  getRetention: async () => await ask({ method: "GET", path: "/api/harness/retention" }, retentionSchema),
});
