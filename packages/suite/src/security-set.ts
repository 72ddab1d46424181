// The security regression set of the plan ("Must Always Run in PR Gate"), under its own name: which attacks are of it,
// and what each has to attack. `npm run test:security` runs it; `npm test` says of it that all of it ran.

import type { Scenario } from "./scenario.ts";

export type SecurityMember = {
  /** As spec/acceptance.md names it; `beyond` for what the plan's list does not name. */
  readonly id: "Sec1" | "Sec2" | "Sec3" | "Sec4" | "Sec5" | "beyond";
  /** The plan's words. */
  readonly title: string;
  /** What must be attacked, after spec/acceptance.md. */
  readonly demand: string;
  /** Scenarios: from outside, against any harness. */
  readonly scenarios: readonly string[];
  /** Test files of this repository, from its root: from inside, with guards taken out. */
  readonly tests: readonly string[];
};

export const SECURITY_SET: readonly SecurityMember[] = [
  {
    id: "Sec1",
    title: "Authn/Authz bypass attempts across all harness endpoints",
    demand:
      "Every route that the router knows, asked without a credential, with one that is wrong in each way, and without its scope; a route that does not say what it is does not start; signatures and idempotency keys are no way round.",
    scenarios: [
      "harness_policy/allow_deny_precedence",
      "harness_api/run_endpoint_authz_rate_limit_integration",
      "harness_e2e/replay_attack_idempotency_enforced",
    ],
    tests: [
      "packages/harness/src/api/hooks/authenticate.test.ts",
      "tests/integration/access/matrix.test.ts",
      "tests/integration/access/tokens.test.ts",
      "tests/integration/access/keys.test.ts",
      "tests/integration/access/principals.test.ts",
      "tests/integration/access/fuzz.test.ts",
      "tests/integration/access/signatures.test.ts",
      "tests/security/access/scenario-kills.test.ts",
      "tests/security/signatures/profile.test.ts",
      "tests/security/signatures/scenario-kills.test.ts",
    ],
  },
  {
    id: "Sec2",
    title: "Tenant isolation checks in retrieval, artifacts, status APIs",
    demand:
      "Every route that takes an id, with another tenant's: the answer of an unknown one, from the same questions to the database; lists, cursors, searches, streams, artifacts and precedents of twins with equal ids; all again with either layer off.",
    scenarios: ["harness_integration/retrieval_prompt_assembly_tenant_isolation"],
    tests: [
      "tests/security/tenants/routes.test.ts",
      "tests/security/tenants/walls.test.ts",
      "tests/security/tenants/scenario-kills.test.ts",
      "tests/tidy/tenant-walls.test.ts",
      "tests/integration/documents/documents.test.ts",
      "tests/integration/documents/meaning.test.ts",
      "tests/integration/documents/retrieval.test.ts",
    ],
  },
  {
    id: "Sec3",
    title: "Secret leakage checks in logs, traces, and returned artifacts",
    demand:
      "Canaries, raw, in base64, percent-encoded, in hex and split over chunks, are absent from logs, traces, metric labels, errors, artifacts, exports and what a crash writes; clean text stays as it is.",
    scenarios: ["harness_security/secret_redaction_on_logs"],
    tests: [
      "tests/security/secrets/sinks.test.ts",
      "tests/security/secrets/recall.test.ts",
      "tests/security/secrets/clean-text.test.ts",
      "tests/integration/telemetry/traces.test.ts",
    ],
  },
  {
    id: "Sec4",
    title: "Tool sandbox escape/path traversal checks",
    demand:
      "A hostile program in the real sandbox tries files, network, environment, /proc, forks, processor, memory and time; paths, links that are swapped, and archives lead nowhere; nothing is fetched from where nothing may be.",
    scenarios: [
      "harness_orchestrator/tool_call_path_traversal_block",
      "harness_security/sandbox_escape",
      "harness_security/egress_allowlist",
    ],
    tests: [
      "tests/security/sandbox/escape.test.ts",
      "tests/security/sandbox/limits.test.ts",
      "tests/security/sandbox/refusal.test.ts",
      "tests/security/paths/hostile-paths.test.ts",
      "tests/security/paths/race.test.ts",
      "tests/security/egress/urls.test.ts",
      "tests/security/egress/fetcher.test.ts",
      "tests/security/egress/hostile-answers.test.ts",
      "tests/security/egress/names.test.ts",
    ],
  },
  {
    id: "Sec5",
    title: "Audit tamper detection checks",
    demand:
      "Edited, deleted, reordered, inserted, cut off and rewritten as a whole by who owns the database: each found, with its place, by the shipped verifier against a head that was kept elsewhere.",
    scenarios: ["harness_integration/audit_log_tamper_evidence"],
    tests: [
      "packages/harness/src/core/audit/verify-log.test.ts",
      "packages/harness/src/core/audit/verify-entries.test.ts",
      "packages/harness/src/core/audit/verify-checkpoint.test.ts",
      "packages/harness/src/core/audit/verify-payloads.test.ts",
      "packages/suite/src/scenarios/integration/tampering.test.ts",
      "tests/integration/audit/log.test.ts",
      "tests/integration/audit/sealing.test.ts",
      "tests/integration/audit/export.test.ts",
      "tests/integration/cli/audit.test.ts",
      "tests/integration/cli/receipt.test.ts",
      "tests/security/audit/scenario-kills.test.ts",
      "tests/security/audit/second-verifier.test.ts",
      "tests/security/audit/both-verifiers.test.ts",
      "tests/security/audit/odd-files.test.ts",
      "tests/security/audit/odd-entries.test.ts",
      "tests/security/audit/odd-approvers.test.ts",
      "tests/security/audit/odd-objects.test.ts",
      "tests/security/audit/counted-runs.test.ts",
      "tests/security/audit/odd-opened.test.ts",
      "tests/security/audit/odd-keepers.test.ts",
      "tests/security/audit/odd-witnesses.test.ts",
      "tests/security/audit/cut-unnoticed.test.ts",
      "tests/security/audit/verifiers-agree.test.ts",
      "tests/security/audit/epoch-numbers.test.ts",
      "tests/security/audit/shipped-verify.test.ts",
    ],
  },
  {
    id: "beyond",
    title: "A hijacked model",
    demand: "A model that does whatever the attacker's text wants has no effect that nobody agreed to.",
    scenarios: [
      "harness_orchestrator/prompt_template_injection_guard",
      "harness_orchestrator/model_router_policy_bypass",
      "harness_policy/approval_binding",
      "harness_policy/approval_lifecycle",
      "harness_policy/quorum_and_four_eyes",
      "harness_policy/remembered_answers",
      "harness_policy/plan_approval",
      "harness_integration/tool_definition_pin",
      "harness_e2e/prompt_injection_exfiltration_blocked",
    ],
    tests: [
      "tests/security/prompt/scenario-kills.test.ts",
      "tests/security/prompt/unoptimised.test.ts",
      "tests/security/worlds/exchanges.test.ts",
      "tests/security/worlds/foreign.test.ts",
      "tests/security/worlds/guards.test.ts",
      "tests/security/worlds/hijacked-model.test.ts",
      "tests/security/worlds/languages.test.ts",
      "tests/security/worlds/scenario-kills.test.ts",
    ],
  },
];

const IN_SET: ReadonlySet<string> = new Set(SECURITY_SET.flatMap(({ scenarios }) => scenarios));

/** Whether the scenario is of the set. */
export const isOfSecuritySet = ({ id }: Pick<Scenario, "id">): boolean => IN_SET.has(id);
