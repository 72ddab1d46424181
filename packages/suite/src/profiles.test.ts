import { expect, test } from "vitest";
import { SCENARIOS } from "./catalogue.ts";
import { isOfProfile, type Profile } from "./profiles.ts";

const idsOf = (profile: Profile): string[] =>
  SCENARIOS.filter((scenario) => isOfProfile(profile, scenario)).map(({ id }) => id);

test("each tier holds the one before it and more, and the last holds everything", () => {
  const tiers = (["tier0", "tier1", "tier2"] as const).map(idsOf);
  for (const [i, ids] of tiers.entries()) {
    const before = tiers[i - 1] ?? [];
    expect(before.filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids.length).toBeGreaterThan(before.length);
  }
  expect(idsOf("tier3")).toEqual(SCENARIOS.map(({ id }) => id));
});

test("core needs nothing but keys, and leaves out what needs the inside", () => {
  expect(idsOf("core")).toContain("harness_state/idempotency_duplicate_run_submission");
  expect(idsOf("core")).not.toContain("harness_integration/api_to_orchestrator_to_db_atomicity");
  expect(idsOf("core")).not.toContain("harness_e2e/replay_attack_idempotency_enforced");
});

test("the security set and what breaks down are sets of their own", () => {
  expect(idsOf("security")).toContain("harness_integration/audit_log_tamper_evidence");
  expect(idsOf("resilience")).toContain("harness_stress/db_contention_and_recovery");
  expect(idsOf("resilience")).not.toContain("harness_policy/approval_binding");
});
