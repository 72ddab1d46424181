// Redaction, sink by sink: each taken out of the product turns the scenario of secrets red; docs/guards.md has the whole
// table. Texts of runs as a whole, and spans, are taken out in tests/security/prompt/scenario-kills.test.ts.

import { vi } from "vitest";
import { type Kill, proveKills } from "../support/target/kills.ts";
import { createInProcessTarget } from "../support/target/local-target.ts";

type Break =
  | "records of the log are written as they are"
  | "outputs are kept as they are"
  | "results of tools are shown as they are"
  | "errors of steps are shown as they are"
  | "refusals say what they were given";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

vi.mock(import("../../packages/harness/src/services/redaction.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createRedaction: (options) => {
      const redaction = real.createRedaction(options);
      return {
        ...redaction,
        wrapLog: (log) => {
          const redacted = redaction.wrapLog(log);
          return (...record) => {
            if (broken.by === "records of the log are written as they are") log(...record);
            else redacted(...record);
          };
        },
        checkArtifact: (artifact) =>
          broken.by === "outputs are kept as they are"
            ? { decision: "keep" }
            : redaction.checkArtifact(artifact),
        redactProblem: (problem) =>
          broken.by === "refusals say what they were given" ? problem : redaction.redactProblem(problem),
      };
    },
  };
});

vi.mock(import("../../packages/harness/src/services/shown.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createShown: (redaction) => {
      const shown = real.createShown(redaction);
      return {
        ...shown,
        run: (run) => {
          const { steps, ...rest } = shown.run(run);
          return {
            ...rest,
            steps: steps.map((step, at) => ({
              ...step,
              result:
                broken.by === "results of tools are shown as they are" && step.kind === "tool"
                  ? (run.steps[at]?.result ?? null)
                  : step.result,
              error:
                broken.by === "errors of steps are shown as they are"
                  ? (run.steps[at]?.error ?? null)
                  : step.error,
            })),
          };
        },
      };
    },
  };
});

const SECRETS = "secret_redaction_on_logs";

const KILLS: readonly Kill<Break>[] = [
  [SECRETS, "records of the log are written as they are", "log holds no secret"],
  [SECRETS, "outputs are kept as they are", "artifact answer.md holds no secret"],
  [SECRETS, "results of tools are shown as they are", "the view of a run whose tool says it as its result holds"],
  [SECRETS, "errors of steps are shown as they are", "the view of a run whose tool says it as its error holds"],
  [SECRETS, "refusals say what they were given", "the refusal of an edit holds no secret"],
];

proveKills(createInProcessTarget(), broken, KILLS);
