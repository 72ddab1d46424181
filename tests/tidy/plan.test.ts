// docs/plan.md, held against the tree: the 25 scenarios of the plan are there under their names and in their phases, and
// every command and file that the page names exists.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { NIGHT_STEPS } from "../../scripts/night.ts";
import { listFiles, read, ROOT } from "./tree.ts";

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

test("what CI does at night is what the page says, and what `npm run night` does", () => {
  const nightly = read(".github/workflows/nightly.yml");
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read("package.json"));
  expect(Object.keys(NIGHT_STEPS).length).toBeGreaterThan(4);
  for (const [job, [, , command = ""]] of Object.entries(NIGHT_STEPS)) {
    // Each in a job of its name, which the last one waits for.
    const text = nightly.split(/^ {2}(?=\w+:$)/mu).find((one) => one.startsWith(`${job}:`)) ?? "";
    expect([command, new RegExp(`npm run ${command}(?:\\s|$)`, "m").test(text)]).toEqual([command, true]);
    expect([command, PAGE.includes(`\`npm run ${command}\``)]).toEqual([command, true]);
    expect(Object.hasOwn(scripts, command)).toBe(true);
  }
  const needs = /needs: \[(?<jobs>[^\]]+)\]/u.exec(nightly)?.groups?.["jobs"]?.split(", ") ?? [];
  expect(needs.toSorted()).toEqual(Object.keys(NIGHT_STEPS).toSorted());
});

test("no workflow passes what failed, and each command that one runs is there", () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read("package.json"));
  const workflows = listFiles(".github/workflows/*.yml");
  expect(workflows).toHaveLength(3);
  for (const file of workflows) {
    const text = read(file);
    expect([file, text.includes("continue-on-error")]).toEqual([file, false]);
    expect([file, /\|\| true|\|\| :|set \+e/u.test(text)]).toEqual([file, false]);
    // What setup.mjs wants for tests it can install as root alone, which CI is not.
    for (const job of text.split(/^ {2}(?=\w+:$)/mu).slice(1))
      if (/npm (?:test\b|run (?!test:unit|gates))/u.test(job))
        expect([file, job.split(":", 1)[0], job.includes("uses: ./.github/actions/machine")]).toEqual([
          file,
          job.split(":", 1)[0],
          true,
        ]);
    const named = [...text.matchAll(/npm (?:run )?([\w:-]+)/gu)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThan(0);
    expect([file, named.filter((name) => !Object.hasOwn(scripts, name))]).toEqual([file, []]);
    const programs = [...text.matchAll(/node (scripts\/[\w.-]+)/gu)].map(([, name = ""]) => name);
    expect([file, programs.filter((name) => !existsSync(join(ROOT, name)))]).toEqual([file, []]);
  }
});

/** The steps of a page's table whose last cell says what is missing. */
test("nothing of the plan is missing but what says why", () => {
  const rows = [...PAGE.matchAll(/^\| (?<step>\d[^|]*)\|(?<where>[^|]*)\|(?<missing>[^|]*)\|$/gmu)].filter(
    ({ groups }) => !/^\d, /u.test(groups?.["step"] ?? ""),
  );
  expect(rows.length).toBeGreaterThan(10);
  for (const { groups } of rows) {
    expect(groups?.["where"]?.trim()).not.toBe("");
    const missing = groups?.["missing"]?.trim() ?? "";
    if (missing !== "")
      expect([groups?.["step"], missing]).toEqual([groups?.["step"], expect.stringMatching(/: .{20,}/u)]);
  }
});
