// What is mutated, in groups that a night can do beside each other, each with the unit tests that its mutants are put to.
// The tests are those that stand for what is mutated: what merely passes through it would make every mutant slow, and a
// mutant that only a database or a whole product finds is found by chance.

export type MutationGroup = {
  /** Files, from the root of the repository. */
  readonly mutate: readonly string[];
  /** Patterns of test files. */
  readonly tests: readonly string[];
  /** Which number of gates.json says how many mutants have to be found. */
  readonly gate: "mutation.scoreMin" | "mutation.heuristicsScoreMin";
};

const HARNESS = "packages/harness/src";
const CORE = `${HARNESS}/core`;
/** Not to those that try very many texts: one mutant takes them minutes. */
const REDACTION_TESTS = [`${CORE}/redact/**/*.test.ts`, `!${CORE}/redact/{hostile,*.property}.test.ts`];

/**
 * Rules of thumb for what secrets look like. They overlap on purpose, so that what one misses another finds, and a mutant
 * of one of them often changes nothing that can be seen; how much they find is measured over corpora (tests/security/secrets).
 */
const heuristics = (...names: readonly string[]): MutationGroup => ({
  ...redact(...names),
  gate: "mutation.heuristicsScoreMin",
});

const redact = (...names: readonly string[]): MutationGroup => ({
  mutate: names.map((name) => `${CORE}/redact/${name}.ts`),
  tests: REDACTION_TESTS,
  gate: "mutation.scoreMin",
});

export const MUTATION_GROUPS: Readonly<Record<string, MutationGroup>> = {
  states: {
    mutate: ["run", "approval", "step"].map((name) => `${CORE}/run/${name}.ts`),
    tests: [`${CORE}/run/**/*.test.ts`],
    gate: "mutation.scoreMin",
  },
  proofs: {
    mutate: ["packages/tlog/src/proofs.ts"],
    tests: ["packages/tlog/src/**/*.test.ts"],
    gate: "mutation.scoreMin",
  },
  redaction: redact("redact", "redact-json", "redactor", "span", "joined"),
  "redaction-stream": {
    mutate: [`${CORE}/redact/redact-stream.ts`],
    tests: [`${CORE}/redact/redact-stream.test.ts`],
    gate: "mutation.scoreMin",
  },
  "redaction-known": heuristics("known", "reading", "characters"),
  "redaction-names": heuristics("assignments", "key-names", "values", "placeholders", "randomness"),
  "redaction-forms": heuristics("detectors", "structures", "personal"),
  "redaction-tokens": heuristics("bare-tokens", "prefixed-tokens", "prefixes", "vendors"),
  policies: {
    mutate: [
      ...["policy-verdict", "policy-annotations", "may-approve"].map((name) => `${CORE}/decide/${name}.ts`),
      `${HARNESS}/adapters/cedar/answer.ts`,
    ],
    tests: [
      `${CORE}/decide/{policy-verdict,policy-annotations,may-approve}.test.ts`,
      `${HARNESS}/adapters/cedar/answer.test.ts`,
    ],
    gate: "mutation.scoreMin",
  },
  decisions: {
    mutate: ["action-digest", "circumstances", "policy-context", "reask"].map(
      (name) => `${CORE}/decide/${name}.ts`,
    ),
    tests: [`${CORE}/decide/{action-digest,circumstances,policy-context,reask}.test.ts`],
    gate: "mutation.scoreMin",
  },
  idempotency: {
    mutate: ["services/kept-answer", "services/answer-seal", "api/idempotency-key"].map(
      (name) => `${HARNESS}/${name}.ts`,
    ),
    tests: ["services/kept-answer", "services/answer-seal", "api/idempotency-key"].map(
      (name) => `${HARNESS}/${name}.test.ts`,
    ),
    gate: "mutation.scoreMin",
  },
};
