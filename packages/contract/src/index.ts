export * from "./access.ts";
export * from "./api-action.ts";
export * from "./api.ts";
export * from "./api-schemas.ts";
export * from "./approval.ts";
export * from "./artifact.ts";
export * from "./audit.ts";
export * from "./compensation.ts";
export * from "./digest.ts";
export * from "./document.ts";
export {
  type Escalation,
  type EscalationPage,
  type EscalationStatus,
  ESCALATION_ROUTES,
  escalationPageSchema,
  escalationSchema,
  listEscalationsQuerySchema,
  type ResolveEscalation,
} from "./escalation.ts";
export * from "./event.ts";
export type { RedriveRequest } from "./dead-letter.ts";
export * from "./external.ts";
export * from "./ids.ts";
export * from "./key.ts";
export {
  POLICY_ROUTES,
  type PolicySet,
  policySetSchema,
  type PolicyTrial,
  type PolicyTrialRequest,
  policyTrialSchema,
  TRIAL_CHANGES_MAX,
} from "./policy.ts";
export * from "./precedent.ts";
export * from "./problem.ts";
export * from "./route.ts";
export * from "./run.ts";
export { type ApproverQuality, type Quality, qualitySchema } from "./quality.ts";
export { KEPT_THINGS, type Retention, retentionSchema } from "./retention.ts";
export * from "./spending.ts";
export * from "./principal.ts";
export * from "./signing-key.ts";
export * from "./webhook.ts";
export * from "./step.ts";
export * from "./waiting.ts";
