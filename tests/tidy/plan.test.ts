// docs/plan.md, held against the tree: the 25 scenarios of the plan are there under their names and in their phases, and
// every command and file that the page names exists. And the flake budget of the plan, which it names as a command.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { judge, type RunReport, upperBound } from "../../scripts/flakes.ts";
import { read, ROOT } from "./tree.ts";

const PAGE = read("docs/plan.md");

/** The plan's own, in its order. */
const PLAN: Readonly<Record<string, readonly string[]>> = {
  unit: [
    "harness_orchestrator/prompt_template_injection_guard",
    "harness_orchestrator/model_router_policy_bypass",
    "harness_orchestrator/tool_call_path_traversal_block",
    "harness_security/secret_redaction_on_logs",
    "harness_state/run_state_machine_invalid_transition",
    "harness_state/idempotency_duplicate_run_submission",
    "harness_resilience/retry_backoff_circuit_breaker",
    "harness_policy/allow_deny_precedence",
  ],
  integration: [
    "harness_api/run_endpoint_authz_rate_limit_integration",
    "harness_integration/api_to_orchestrator_to_db_atomicity",
    "harness_integration/queue_retry_dead_letter_no_duplicate_side_effects",
    "harness_integration/provider_failover_guardrails_preserved",
    "harness_integration/retrieval_prompt_assembly_tenant_isolation",
    "harness_integration/artifact_writer_atomic_commit_and_rollback",
    "harness_integration/audit_log_tamper_evidence",
  ],
  e2e: [
    "harness_e2e/full_run_happy_path_with_human_approval",
    "harness_e2e/prompt_injection_exfiltration_blocked",
    "harness_e2e/dependency_outage_graceful_degradation",
    "harness_e2e/partial_failure_rollback_integrity",
    "harness_e2e/replay_attack_idempotency_enforced",
  ],
  stress: [
    "harness_stress/high_concurrency_run_submission_race_conditions",
    "harness_stress/long_running_worker_memory_growth",
    "harness_stress/token_budget_exhaustion_safe_failure",
    "harness_stress/provider_latency_spike_backpressure",
    "harness_stress/db_contention_and_recovery",
  ],
};
const NAMES = Object.values(PLAN).flat();

test("the plan's 25 scenarios are in the catalogue, each in its phase and in the plan's order", () => {
  expect(NAMES).toHaveLength(25);
  for (const [phase, names] of Object.entries(PLAN)) {
    const ours = SCENARIOS.filter(({ id }) => names.includes(id));
    expect(ours.map((one) => one.id)).toEqual(names);
    expect(new Set(ours.map((one) => one.phase))).toEqual(new Set([phase]));
  }
});

test("the page lists the same 25, each with its tier", () => {
  const rows = [...PAGE.matchAll(/^\| `(harness_\w+\/\w+)` +\| (\d) /gm)];
  expect(rows.map(([, id]) => id)).toEqual(NAMES);
  for (const [, id, tier] of rows)
    expect([id, SCENARIOS.find((one) => one.id === id)?.tier]).toEqual([id, Number(tier)]);
});

test("every command and every file that the page names exists", () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read("package.json"));
  const commands = [...PAGE.matchAll(/npm (?:run )?([\w:-]+)/g)].map(([, name]) => name ?? "");
  expect(commands.length).toBeGreaterThan(5);
  expect(commands.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  const links = [...PAGE.matchAll(/\]\((\.\.\/[^)#]+|[\w-]+\.md|decisions\/)/g)].map(
    ([, link]) => link ?? "",
  );
  expect(links.length).toBeGreaterThan(15);
  expect(links.filter((link) => !existsSync(join(ROOT, "docs", link)))).toEqual([]);
});

test("what CI does at night is what the page says", () => {
  const nightly = read(".github/workflows/nightly.yml");
  for (const command of ["npm run test:nightly", "npm run mutate", "npm run flakes"])
    expect([new RegExp(`${command}(?:\\s|$)`, "m").test(nightly), PAGE.includes(`\`${command}\``)]).toEqual([
      true,
      true,
    ]);
  expect(nightly).not.toContain("continue-on-error");
});

type Outcome = "passed" | "failed";
const run = (...statuses: readonly Outcome[]): RunReport => ({
  testResults: [
    {
      name: "a.test.ts",
      assertionResults: statuses.map((status, at) => ({ fullName: `test ${at}`, status })),
    },
  ],
});
const allPass = (tests: number): readonly Outcome[] => Array.from({ length: tests }, () => "passed");

test("a test that ends both ways is flaky, and one that always fails is not", () => {
  const judged = judge([run("passed", "failed", ...allPass(400)), run("failed", "failed", ...allPass(400))]);
  expect(judged.flaky).toEqual([{ test: "a.test.ts > test 0", passed: 1, failed: 1 }]);
  expect(judged).toMatchObject({ verdict: "within", executions: 804, misses: 1, broken: 0 });
});

test("above the budget is said, too few runs show nothing, and a run that broke as a whole is left out", () => {
  const flakes: readonly Outcome[] = Array.from({ length: 10 }, () => "failed");
  expect(judge([run(...allPass(410)), run(...flakes, ...allPass(400))]).verdict).toBe("above");
  expect(judge([run(...allPass(400))]).verdict).toBe("not_shown");
  expect(judge([run(...allPass(100)), run(...allPass(100))]).verdict).toBe("not_shown");
  const broken = judge([run(...allPass(400)), run(...allPass(400)), run(...flakes)]);
  expect(broken).toMatchObject({ verdict: "within", broken: 1, misses: 0 });
  // Wilson, 1927: 0 of 300 may be 1.26 %, so that 300 passes alone do not show 1 %; 0 of 400 do.
  expect(upperBound(0, 300)).toBeCloseTo(0.012643, 5);
  expect(upperBound(0, 400)).toBeLessThan(0.01);
});
