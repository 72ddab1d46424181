// What attackers try, what stops it whatever the model does, and what proves that it does: the one source of
// docs/threat-model.md. Numbers and sources: spec/security.md section 2 (OWASP Agentic Top 10 2026, OWASP LLM Top 10
// 2026, MITRE ATLAS 5.6).

import type { InvariantId } from "./invariants.ts";

export type Threat = {
  readonly number: number;
  readonly title: string;
  /** OWASP ASI and LLM, ATLAS techniques (`AML.` left out). */
  readonly known: string;
  /** Deterministic: it holds when the model is fully hijacked. */
  readonly control: string;
  /** The requirements that it would break. */
  readonly invariants: readonly InvariantId[];
  /** Scenarios of the catalogue that attack it from outside. */
  readonly scenarios: readonly string[];
  /** Test files of this repository that attack it from inside, from the root. */
  readonly tests: readonly string[];
  /** What is known and not stopped. */
  readonly remains?: string;
};

export const THREATS: readonly Threat[] = [
  {
    number: 1,
    title: "An injected tool result makes the model act",
    known: "ASI 01, 02; LLM 01, 03; T0051.001, T0053, T0099",
    control:
      "Every argument's origin is computed from what the run has read; what untrusted text chose needs a person's word on the exact call, or a plan approved before anything was read.",
    invariants: ["data-is-not-instruction", "assent-is-exact"],
    scenarios: ["harness_e2e/prompt_injection_exfiltration_blocked", "harness_policy/plan_approval"],
    tests: [
      "tests/security/worlds/hijacked-model.test.ts",
      "tests/security/worlds/scenario-kills.test.ts",
      "tests/security/worlds/languages.test.ts",
      "tests/security/worlds/exchanges.test.ts",
      "tests/security/worlds/foreign.test.ts",
      "tests/security/worlds/guards.test.ts",
      "tests/integration/external/plans.test.ts",
      "tests/integration/external/declared-plans.test.ts",
    ],
    remains: "Words alone: an answer that recommends what an attacker wrote calls no tool.",
  },
  {
    number: 2,
    title: "Data leaves through an allowed tool",
    known: "ASI 02; LLM 02, 10; T0086, T0077, T0057",
    control:
      "Egress is a harm of its own: it asks after untrusted text; hosts are allow-listed, addresses checked, redirects not followed, nothing is fetched by itself.",
    invariants: ["data-is-not-instruction", "deny-wins"],
    scenarios: ["harness_e2e/prompt_injection_exfiltration_blocked", "harness_security/egress_allowlist"],
    tests: ["tests/security/egress/fetcher.test.ts", "tests/security/worlds/hijacked-model.test.ts"],
  },
  {
    number: 3,
    title: "A destructive call",
    known: "ASI 02; LLM 03; T0101",
    control: "Destruction always asks; what a tool leaves out of its manifest is taken at its worst.",
    invariants: ["deny-wins", "assent-is-exact"],
    scenarios: [
      "harness_policy/allow_deny_precedence",
      "harness_e2e/partial_failure_rollback_integrity",
      "harness_policy/quorum_and_four_eyes",
    ],
    tests: ["tests/security/worlds/hijacked-model.test.ts", "tests/integration/engine/compensation.test.ts"],
  },
  {
    number: 4,
    title: "Approval confusion: what is shown is not what is done, replay, fatigue",
    known: "ASI 09; LLM 03; T0067",
    control:
      "An approval binds to the digest of tool, manifest, canonical arguments, their origins and scope; it is used once and expires; a changed tool, agent or rule asks again with the difference. The page on which people decide makes no markup of text and is framed by nobody.",
    invariants: ["assent-is-exact", "legal-transitions"],
    scenarios: [
      "harness_policy/approval_binding",
      "harness_e2e/full_run_happy_path_with_human_approval",
      "harness_policy/approval_lifecycle",
      "harness_policy/quorum_and_four_eyes",
      "harness_policy/remembered_answers",
      "harness_policy/plan_approval",
    ],
    tests: [
      "tests/integration/engine/peers.test.ts",
      "tests/integration/engine/assent.test.ts",
      "tests/integration/engine/asked-again.test.ts",
      "tests/integration/engine/moved-tool.test.ts",
      "tests/integration/external/races.test.ts",
      "tests/integration/cli/approve.test.ts",
      "tests/e2e/console.test.ts",
      "tests/e2e/console-served.test.ts",
    ],
    remains:
      "A person who agrees to everything agrees to an attack as well; the digest only makes it that very one.",
  },
  {
    number: 5,
    title: "An MCP server changes or shadows its tools",
    known: "ASI 04; LLM 04; T0110, T0109, T0104",
    control:
      "Name, description, schema and annotations are pinned by digest and compared before each call; names carry their server's; annotations only make stricter.",
    invariants: ["assent-is-exact"],
    scenarios: ["harness_integration/tool_definition_pin"],
    tests: [
      "tests/integration/mcp/rug-pull.test.ts",
      "tests/integration/mcp/http.test.ts",
      "tests/integration/mcp/stdio.test.ts",
      "tests/integration/mcp/hostile.test.ts",
    ],
  },
  {
    number: 6,
    title: "Forged turns by template tokens",
    known: "ASI 01; LLM 01; T0051, T0068, T0092",
    control:
      "Messages are structured; control tokens of every supported backend are neutralised in all data; roles and number of messages are checked in what leaves the process.",
    invariants: ["data-is-not-instruction"],
    scenarios: ["harness_orchestrator/prompt_template_injection_guard"],
    tests: ["tests/security/prompt/scenario-kills.test.ts", "tests/security/prompt/unoptimised.test.ts"],
  },
  {
    number: 7,
    title: "Invisible and terminal text",
    known: "ASI 09; LLM 01, 10; T0068",
    control: "What cannot be seen, or reorders what is seen, is written out; one record is one line.",
    invariants: ["assent-is-exact"],
    scenarios: ["harness_orchestrator/prompt_template_injection_guard"],
    tests: ["tests/integration/cli/hostile-text.test.ts"],
  },
  {
    number: 8,
    title: "Poisoned documents and memory, retrieval across tenants",
    known: "ASI 06; LLM 05, 09; T0070, T0071, T0080",
    control:
      "The tenant stands below the query; passages reach a model as data only, stay untrusted and name their document; metadata reaches no prompt; precedents never outrank a rule.",
    invariants: ["tenant-walls", "data-is-not-instruction"],
    scenarios: [
      "harness_integration/retrieval_prompt_assembly_tenant_isolation",
      "harness_policy/remembered_answers",
    ],
    tests: [
      "tests/integration/documents/documents.test.ts",
      "tests/integration/documents/retrieval.test.ts",
      "tests/security/tenants/scenario-kills.test.ts",
      "tests/security/tenants/walls.test.ts",
      "tests/security/tenants/routes.test.ts",
      "tests/integration/engine/precedents.test.ts",
    ],
  },
  {
    number: 9,
    title: "Path traversal, symbolic links, archives",
    known: "ASI 05; LLM 10; T0105",
    control:
      "Folders are opened one by one from a held one, no link followed; configuration and hook files are protected; what a sandboxed command leaves goes through the same door.",
    invariants: ["data-is-not-instruction"],
    scenarios: ["harness_orchestrator/tool_call_path_traversal_block"],
    tests: [
      "tests/security/paths/hostile-paths.test.ts",
      "tests/security/paths/race.test.ts",
      "tests/integration/files/write-tools.test.ts",
    ],
  },
  {
    number: 10,
    title: "Sandbox escape",
    known: "ASI 05; LLM 03; T0105, T0112",
    control:
      "An unprivileged user before bubblewrap, own namespaces, system-call filter, limits, cleared environment, no network; no sandbox, no code tool.",
    invariants: ["data-is-not-instruction"],
    scenarios: ["harness_security/sandbox_escape"],
    tests: [
      "tests/security/sandbox/escape.test.ts",
      "tests/security/sandbox/limits.test.ts",
      "tests/security/sandbox/refusal.test.ts",
    ],
  },
  {
    number: 11,
    title: "Server-side request forgery and DNS rebinding",
    known: "ASI 02; LLM 03; T0086",
    control:
      "A URL is parsed once, resolved once, every address checked, no redirect followed off the list, wherever messages to webhooks go as well. A request under a name that is not the server's gets nothing, the web console included.",
    invariants: ["deny-wins"],
    scenarios: ["harness_security/egress_allowlist"],
    tests: [
      "tests/security/egress/urls.test.ts",
      "tests/security/egress/fetcher.test.ts",
      "tests/security/egress/hostile-answers.test.ts",
      "tests/security/egress/names.test.ts",
      "tests/integration/webhooks/senders.test.ts",
      "tests/e2e/console-served.test.ts",
    ],
  },
  {
    number: 12,
    title: "Secrets in logs, traces, errors and stored answers",
    known: "ASI 03; LLM 02; T0055, T0083, T0098",
    control: "Known secrets in every encoding first, rules for unknown ones second, before any sink.",
    invariants: ["secrets-stay-out"],
    scenarios: ["harness_security/secret_redaction_on_logs"],
    tests: [
      "tests/security/secrets/sinks.test.ts",
      "tests/security/secrets/recall.test.ts",
      "tests/security/secrets/clean-text.test.ts",
      "tests/integration/telemetry/traces.test.ts",
    ],
    remains: "Unknown secrets of a form that no rule knows.",
  },
  {
    number: 13,
    title: "Confused deputy, over-broad keys",
    known: "ASI 03; LLM 03; T0091, T0053",
    control:
      "Every route declares its action or nothing starts; Cedar decides by roles and scopes, denies by default, forbid wins, an error is a deny; nobody gives through a key what they lack.",
    invariants: ["deny-wins", "tenant-walls"],
    scenarios: [
      "harness_policy/allow_deny_precedence",
      "harness_api/run_endpoint_authz_rate_limit_integration",
      "harness_policy/quorum_and_four_eyes",
      "harness_policy/misspelt_setting_stops_start",
    ],
    tests: [
      "tests/security/access/scenario-kills.test.ts",
      "tests/integration/access/matrix.test.ts",
      "tests/integration/access/tokens.test.ts",
      "tests/integration/access/quotas.test.ts",
      "tests/integration/access/keys.test.ts",
      "tests/integration/access/principals.test.ts",
      "tests/integration/api/authentication.test.ts",
    ],
  },
  {
    number: 14,
    title: "Replay and duplicate effects",
    known: "ASI 02, 08; LLM 03; T0091",
    control:
      "An idempotency key is one run; an intent is committed before its effect, under an id that stays the same; what must happen once and may have happened is never guessed.",
    invariants: ["accepted-once", "one-key-one-run", "at-most-once", "journal-first", "fenced"],
    scenarios: [
      "harness_state/idempotency_duplicate_run_submission",
      "harness_state/run_state_machine_invalid_transition",
      "harness_e2e/replay_attack_idempotency_enforced",
      "harness_stress/high_concurrency_run_submission_race_conditions",
      "harness_integration/queue_retry_dead_letter_no_duplicate_side_effects",
      "harness_integration/api_to_orchestrator_to_db_atomicity",
      "harness_state/waiting_and_going_on",
    ],
    tests: [
      "tests/security/signatures/profile.test.ts",
      "tests/security/signatures/scenario-kills.test.ts",
      "tests/integration/access/signatures.test.ts",
      "tests/integration/access/idempotency.test.ts",
      "tests/e2e/kill.test.ts",
      "tests/integration/engine/fencing.test.ts",
    ],
  },
  {
    number: 15,
    title: "A tampered or cut-off audit trail",
    known: "ASI 10",
    control:
      "Events commit with what they record and never change; a Merkle tree per tenant, signed heads with an anchor of their own and, where it is switched on, a second line that no quantum computer forges, witnesses; verification offline against a remembered head. Old entries go by a signed record alone, and the tree stays. What is personal is sealed, so that an erasure needs no change of history, in backups either.",
    invariants: ["history-is-evidence"],
    scenarios: ["harness_integration/audit_log_tamper_evidence"],
    tests: [
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
      "tests/integration/audit/log.test.ts",
      "tests/integration/audit/sealing.test.ts",
      "tests/integration/audit/second-line.test.ts",
      "tests/integration/audit/pruning.test.ts",
      "tests/integration/audit/restored-pruned.test.ts",
      "tests/integration/engine/database-walls.test.ts",
    ],
  },
  {
    number: 16,
    title: "A flood of tokens or calls, a storm of retries",
    known: "ASI 08; LLM 06; T0034.002, T0029",
    control:
      "Budgets are reserved before a call; retries are bounded and jittered behind breakers that a fleet shares; quotas and admission refuse early.",
    invariants: ["budget-before-spend", "refuse-early"],
    scenarios: [
      "harness_stress/token_budget_exhaustion_safe_failure",
      "harness_resilience/retry_backoff_circuit_breaker",
      "harness_e2e/dependency_outage_graceful_degradation",
      "harness_stress/provider_latency_spike_backpressure",
      "harness_stress/high_concurrency_run_submission_race_conditions",
      "harness_stress/long_running_worker_memory_growth",
      "harness_stress/db_contention_and_recovery",
    ],
    tests: [
      "tests/integration/budgets/asking.test.ts",
      "tests/integration/budgets/ledger.test.ts",
      "tests/integration/budgets/breakers.test.ts",
      "tests/integration/access/quotas.test.ts",
      "tests/integration/api/artifact-readers.test.ts",
      "tests/integration/files/histories.test.ts",
    ],
  },
  {
    number: 17,
    title: "The router is led to a weaker or foreign model",
    known: "ASI 04, 10; LLM 04; T0010",
    control:
      "Rules decide first, by exact names and by what the run has read; failover keeps every one of them.",
    invariants: ["failover-keeps-rules"],
    scenarios: [
      "harness_orchestrator/model_router_policy_bypass",
      "harness_integration/provider_failover_guardrails_preserved",
    ],
    tests: ["tests/security/prompt/scenario-kills.test.ts"],
  },
  {
    number: 18,
    title: "Another agent's message is taken for the user's",
    known: "ASI 07; LLM 01; T0061, T0108",
    control:
      "Only the requester's task and the author's system text are trusted; whatever comes back from a tool, an agent among them, is labelled by its manifest and untrusted at worst.",
    invariants: ["data-is-not-instruction"],
    scenarios: ["harness_e2e/prompt_injection_exfiltration_blocked"],
    tests: ["tests/integration/external/walls.test.ts"],
  },
];
