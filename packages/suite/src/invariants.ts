// The sixteen invariants of DESIGN.md section 4, each with what can be checked of it from outside, or why nothing can
// yet. docs/invariants.md is generated from this table.

import * as checkers from "./invariant-checkers.ts";
import type { Observation } from "./observation.ts";

export const INVARIANT_IDS = [
  "journal-first",
  "at-most-once",
  "legal-transitions",
  "deny-wins",
  "assent-is-exact",
  "one-key-one-run",
  "accepted-once",
  "tenant-walls",
  "secrets-stay-out",
  "data-is-not-instruction",
  "history-is-evidence",
  "complete-or-nothing",
  "budget-before-spend",
  "refuse-early",
  "failover-keeps-rules",
  "fenced",
] as const;
export type InvariantId = (typeof INVARIANT_IDS)[number];

/** What contradicts the invariant, one sentence each; empty when nothing does. */
export type InvariantChecker = (observation: Observation) => readonly string[];

export type Invariant = {
  readonly number: number;
  readonly id: InvariantId;
  readonly title: string;
  /** The line of the documentation. */
  readonly statement: string;
} & ({ readonly check: InvariantChecker } | { readonly notFromOutside: string });

export const INVARIANTS: readonly Invariant[] = [
  {
    number: 1,
    id: "journal-first",
    title: "journal-first",
    statement:
      "No side effect without a journaled intent; no journaled step without a persisted run; no queue message without both.",
    check: checkers.journalFirst,
  },
  {
    number: 2,
    id: "at-most-once",
    title: "at-most-once",
    statement:
      "A `once` effect never runs twice. If a crash leaves its outcome unknown, the step is `in_doubt` and a person decides. `idempotent` effects are retried with the same key.",
    check: checkers.atMostOnce,
  },
  {
    number: 3,
    id: "legal-transitions",
    title: "legal transitions only",
    statement:
      "Runs and approvals move only as their tables allow, in code and again in the database; a decided approval is never decided again.",
    check: checkers.legalTransitions,
  },
  {
    number: 4,
    id: "deny-wins",
    title: "deny wins",
    statement:
      "An explicit forbid beats any permit, any precedent, any approval. No matching permit is a deny.",
    check: checkers.denyWins,
  },
  {
    number: 5,
    id: "assent-is-exact",
    title: "assent is exact",
    statement:
      "An approval or precedent binds to the digest of the tool, its version, its canonical arguments, its labels and its scope. Single use unless the person said otherwise; expires; four-eyes where policy asks.",
    check: checkers.assentIsExact,
  },
  {
    number: 6,
    id: "one-key-one-run",
    title: "one key, one run",
    statement:
      "An idempotency key yields one run however many race for it; a different body under the same key is refused.",
    notFromOutside:
      "It is about many requests, not about one run; `harness_state/idempotency_duplicate_run_submission` attacks it.",
  },
  {
    number: 7,
    id: "accepted-once",
    title: "accepted once",
    statement: "A signed request is executed at most once, within its window.",
    notFromOutside:
      "What is seen of a run does not show which requests made it; the scenario of replays sends them again.",
  },
  {
    number: 8,
    id: "tenant-walls",
    title: "tenant walls",
    statement:
      "No query, prompt, artifact, stream, cache, precedent or error message crosses tenants; row-level security holds it even when application code forgets.",
    notFromOutside:
      "It needs two tenants' views of one run; `harness_state/idempotency_duplicate_run_submission` compares them where a target has a second tenant.",
  },
  {
    number: 9,
    id: "secrets-stay-out",
    title: "secrets stay out",
    statement:
      "No secret in logs, traces, audit, artifacts, prompts and responses, in every encoding we can recognise.",
    check: checkers.secretsStayOut,
  },
  {
    number: 10,
    id: "data-is-not-instruction",
    title: "data is not instruction",
    statement:
      "Untrusted text never reaches an instruction slot, and an argument that came from untrusted text never drives a side effect without assent.",
    notFromOutside: "It shows in what the model was sent, which only a provider of the suite's own can see.",
  },
  {
    number: 11,
    id: "history-is-evidence",
    title: "history is evidence",
    statement:
      "Every state change is an audit event in the same transaction; altering, removing, reordering, inserting, truncating or forking history is detected by someone holding an earlier checkpoint, offline.",
    check: checkers.historyIsEvidence,
  },
  {
    number: 12,
    id: "complete-or-nothing",
    title: "complete or nothing",
    statement: "`succeeded` implies every artifact is present and matches its digest.",
    check: checkers.completeOrNothing,
  },
  {
    number: 13,
    id: "budget-before-spend",
    title: "budget before spend",
    statement: "No call starts that could exceed what is left of the run's tokens, cost or time.",
    check: checkers.budgetBeforeSpend,
  },
  {
    number: 14,
    id: "refuse-early",
    title: "refuse early",
    statement:
      "Past capacity new work gets 429 or 503 with Retry-After; queues, memory and connections are bounded.",
    notFromOutside: "It shows under load, not in one run.",
  },
  {
    number: 15,
    id: "failover-keeps-rules",
    title: "failover changes the model, never the rules",
    statement: "A fallback model's calls meet the same rules, guards and redaction as the first one's.",
    notFromOutside: "It shows in what two providers were sent, not in what the run says.",
  },
  {
    number: 16,
    id: "fenced",
    title: "fenced",
    statement: "A worker whose lease was lost cannot write, whatever it believes.",
    notFromOutside: "A stale worker cannot be made from outside without killing or stopping one.",
  },
];

/** Every contradiction that an observation holds, with the invariant's name before it. */
export function violationsOf(observation: Observation): string[] {
  return INVARIANTS.flatMap((invariant) =>
    "check" in invariant
      ? invariant.check(observation).map((violation) => `${invariant.title}: ${violation}`)
      : [],
  );
}
