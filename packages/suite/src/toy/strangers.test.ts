// An honest harness that differs in all that the contract leaves free is failed by no scenario: it passes, and what could not be
// looked at is said.

import { expect, test } from "vitest";
import { SCENARIOS } from "../catalogue.ts";
import { runTrial } from "../runner.ts";
import { foreignTarget, type Role } from "../target.ts";
import type { Bug } from "./bugs.ts";
import { openDoors, type Strange } from "./toy-stranger.ts";
import { createToyTarget } from "./toy-target.ts";
import type { Trial } from "../evidence.ts";

const PACE = { waitMsMax: 60_000, holdMs: 150 };
const KEYS: readonly Role[] = ["requester", "approver", "other_principal", "other_tenant"];
const FAMILIAR: Strange = { form: false, manner: false, occurrences: false, few: false, perSecond: null };
const OFF_FORM = "answers in the contract's form to the letter";

async function tryStranger(
  change: Partial<Strange>,
  parts: readonly string[],
  bugs: readonly Bug[] = [],
): Promise<readonly Trial[]> {
  const toy = createToyTarget(bugs);
  await toy.start();
  try {
    await using doors = await openDoors(() => toy.endpoints(), { ...FAMILIAR, ...change });
    const target = foreignTarget({
      urls: doors.urls,
      keys: Object.fromEntries(KEYS.map((role) => [role, toy.key(role) ?? undefined])),
      runBody: toy.gatedTask.body,
      without: ["open_api", "external_runs", "documents", "plans"],
      ...(toy.sink === undefined ? {} : { sink: toy.sink }),
    });
    const trials: Trial[] = [];
    for (const scenario of SCENARIOS.filter(({ id }) => parts.some((part) => id.includes(part))))
      trials.push(await runTrial(scenario, target, { seed: 42, pace: PACE }));
    expect(trials).toHaveLength(parts.length);
    return trials;
  } finally {
    await toy.stop();
  }
}

const verdicts = (trials: readonly Trial[]): readonly string[] =>
  trials.flatMap(({ scenario, verdict, reason }) =>
    verdict === "PASS" ? [] : [`${scenario}: ${verdict} ${reason}`],
  );

const missed = (trials: readonly Trial[], part: string): readonly string[] =>
  trials.flatMap(({ scenario, parts }) => (parts.some(({ name }) => name === part) ? [scenario] : []));

test.concurrent("ids, times, members and digests of its own are no fault, and are named", async () => {
  const trials = await tryStranger({ form: true }, [
    "state_machine_invalid",
    "idempotency_duplicate",
    "approval_binding",
    "secret_redaction",
    "queue_retry",
    "happy_path",
    "high_concurrency",
  ]);
  expect(verdicts(trials)).toEqual([]);
  expect(missed(trials, OFF_FORM)).toEqual([
    "harness_state/run_state_machine_invalid_transition",
    "harness_integration/queue_retry_dead_letter_no_duplicate_side_effects",
    "harness_e2e/full_run_happy_path_with_human_approval",
  ]);
});

test.concurrent("no ETag, another case, a host in a place, pieces and names of occurrences are no fault", async () => {
  const trials = await tryStranger({ manner: true, occurrences: true }, [
    "state_machine_invalid",
    "idempotency_duplicate",
    "happy_path",
  ]);
  expect(verdicts(trials)).toEqual([]);
  expect(missed(trials, OFF_FORM)).toEqual([]);
  expect(missed(trials, "a run's answer names its state")).toEqual([
    "harness_e2e/full_run_happy_path_with_human_approval",
  ]);
});

test.concurrent("whoever may ask so often and no more is waited for", async () => {
  const trials = await tryStranger({ perSecond: 50 }, [
    "idempotency_duplicate",
    "happy_path",
    "high_concurrency",
  ]);
  expect(verdicts(trials)).toEqual([]);
  const [first] = trials;
  expect(first?.readings.map(({ oracle }) => oracle)).toContain("seconds waited for limits of the harness");
});

test.concurrent.each([
  ["tenant.tell", "idempotency_duplicate", "a run of another tenant does not exist"],
  ["audit.gap", "happy_path", "versions rise from 1 without gaps"],
  ["apr.other", "state_machine_invalid", "every invariant that can be seen from outside"],
] as const)("behind all that, %s is found", async (bug, part, claim) => {
  const [trial] = await tryStranger({ form: true, manner: true, occurrences: true }, [part], [bug]);
  expect([trial?.verdict, trial?.reason]).toEqual(["FAIL", expect.stringContaining(claim)]);
});
