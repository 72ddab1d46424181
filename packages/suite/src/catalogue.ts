import type { Scenario } from "./scenario.ts";
import { partialFailureRollbackIntegrity } from "./scenarios/e2e/partial-failure-rollback-integrity.scenario.ts";
import { replayAttackIdempotencyEnforced } from "./scenarios/e2e/replay-attack-idempotency-enforced.scenario.ts";
import { promptInjectionExfiltrationBlocked } from "./scenarios/e2e/prompt-injection-exfiltration-blocked.scenario.ts";
import { runEndpointAuthzRateLimitIntegration } from "./scenarios/integration/run-endpoint-authz-rate-limit-integration.scenario.ts";
import { auditLogTamperEvidence } from "./scenarios/integration/audit-log-tamper-evidence.scenario.ts";
import { apiToOrchestratorToDbAtomicity } from "./scenarios/integration/api-to-orchestrator-to-db-atomicity.scenario.ts";
import { artifactWriterAtomicCommitAndRollback } from "./scenarios/integration/artifact-writer-atomic-commit-and-rollback.scenario.ts";
import { providerFailoverGuardrailsPreserved } from "./scenarios/integration/provider-failover-guardrails-preserved.scenario.ts";
import { queueRetryDeadLetterNoDuplicateSideEffects } from "./scenarios/integration/queue-retry-dead-letter-no-duplicate-side-effects.scenario.ts";
import { retrievalPromptAssemblyTenantIsolation } from "./scenarios/integration/retrieval-prompt-assembly-tenant-isolation.scenario.ts";
import { dependencyOutageGracefulDegradation } from "./scenarios/e2e/dependency-outage-graceful-degradation.scenario.ts";
import { providerLatencySpikeBackpressure } from "./scenarios/stress/provider-latency-spike-backpressure.scenario.ts";
import { retryBackoffCircuitBreaker } from "./scenarios/unit/retry-backoff-circuit-breaker.scenario.ts";
import { dbContentionAndRecovery } from "./scenarios/stress/db-contention-and-recovery.scenario.ts";
import { highConcurrencyRunSubmissionRaceConditions } from "./scenarios/stress/high-concurrency-run-submission-race-conditions.scenario.ts";
import { longRunningWorkerMemoryGrowth } from "./scenarios/stress/long-running-worker-memory-growth.scenario.ts";
import { tokenBudgetExhaustionSafeFailure } from "./scenarios/stress/token-budget-exhaustion-safe-failure.scenario.ts";
import { secretRedactionOnLogs } from "./scenarios/unit/secret-redaction-on-logs.scenario.ts";
import { toolCallPathTraversalBlock } from "./scenarios/unit/tool-call-path-traversal-block.scenario.ts";
import { allowDenyPrecedence } from "./scenarios/unit/allow-deny-precedence.scenario.ts";
import { approvalBinding } from "./scenarios/unit/approval-binding.scenario.ts";
import { modelRouterPolicyBypass } from "./scenarios/unit/model-router-policy-bypass.scenario.ts";
import { promptTemplateInjectionGuard } from "./scenarios/unit/prompt-template-injection-guard.scenario.ts";
import { fullRunHappyPathWithHumanApproval } from "./scenarios/e2e/full-run-happy-path-with-human-approval.scenario.ts";
import { idempotencyDuplicateRunSubmission } from "./scenarios/unit/idempotency-duplicate-run-submission.scenario.ts";
import { runStateMachineInvalidTransition } from "./scenarios/unit/run-state-machine-invalid-transition.scenario.ts";
import { approvalLifecycle } from "./scenarios/unit/approval-lifecycle.scenario.ts";
import { quorumAndFourEyes } from "./scenarios/unit/quorum-and-four-eyes.scenario.ts";
import { rememberedAnswers } from "./scenarios/unit/remembered-answers.scenario.ts";
import { misspeltSettingStopsStart } from "./scenarios/unit/misspelt-setting-stops-start.scenario.ts";
import { waitingAndGoingOn } from "./scenarios/unit/waiting-and-going-on.scenario.ts";
import { planApproval } from "./scenarios/integration/plan-approval.scenario.ts";
import { toolDefinitionPin } from "./scenarios/integration/tool-definition-pin.scenario.ts";
import { egressAllowlist } from "./scenarios/integration/egress-allowlist.scenario.ts";
import { sandboxEscape } from "./scenarios/integration/sandbox-escape.scenario.ts";

/** Every scenario: those of the plan in its order, and after those of a phase what others' failures taught. */
export const SCENARIOS: readonly Scenario[] = [
  promptTemplateInjectionGuard,
  modelRouterPolicyBypass,
  toolCallPathTraversalBlock,
  secretRedactionOnLogs,
  runStateMachineInvalidTransition,
  idempotencyDuplicateRunSubmission,
  retryBackoffCircuitBreaker,
  allowDenyPrecedence,
  approvalBinding,
  approvalLifecycle,
  quorumAndFourEyes,
  rememberedAnswers,
  misspeltSettingStopsStart,
  waitingAndGoingOn,
  runEndpointAuthzRateLimitIntegration,
  apiToOrchestratorToDbAtomicity,
  queueRetryDeadLetterNoDuplicateSideEffects,
  providerFailoverGuardrailsPreserved,
  retrievalPromptAssemblyTenantIsolation,
  artifactWriterAtomicCommitAndRollback,
  auditLogTamperEvidence,
  planApproval,
  toolDefinitionPin,
  egressAllowlist,
  sandboxEscape,
  fullRunHappyPathWithHumanApproval,
  promptInjectionExfiltrationBlocked,
  dependencyOutageGracefulDegradation,
  partialFailureRollbackIntegrity,
  replayAttackIdempotencyEnforced,
  highConcurrencyRunSubmissionRaceConditions,
  longRunningWorkerMemoryGrowth,
  tokenBudgetExhaustionSafeFailure,
  providerLatencySpikeBackpressure,
  dbContentionAndRecovery,
];
