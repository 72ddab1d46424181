// The second wall of paths, and redaction, sink by sink: each taken out of the product turns its scenario red;
// docs/guards.md has the whole table. The first wall of paths, texts of runs as a whole, and spans are taken out in
// tests/security/prompt/scenario-kills.test.ts.

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { problem } from "@assent/contract";
import { PACE, runTrial } from "@assent/suite";
import { expect, test, vi } from "vitest";
import { sendProblem } from "../../packages/harness/src/api/answer.ts";
import { type Kill, proveKills, scenarioNamed } from "../support/target/kills.ts";
import { createInProcessTarget } from "../support/target/local-target.ts";

type Break =
  | "links are followed"
  | "records of the log are written as they are"
  | "outputs are kept as they are"
  | "results of tools are shown as they are"
  | "errors of steps are shown as they are"
  | "refusals say what they were given"
  | "what a validator says is passed on"
  | "what a validator says is passed on, and refusals say what they were given";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

// Names are looked at as ever; the folders and files below are opened like anybody opens them.
vi.mock(import("../../packages/harness/src/adapters/files/held-folder.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    holdBelow: async (parent, name, holding) => {
      if (broken.by !== "links are followed") return await real.holdBelow(parent, name, holding);
      const handle = await open(join(parent.self, name), constants.O_RDONLY | constants.O_DIRECTORY);
      return { handle, self: `/proc/self/fd/${handle.fd}` };
    },
    openBelow: async (parent, name, holding) =>
      broken.by === "links are followed"
        ? await open(join(parent.self, name), constants.O_RDONLY | constants.O_NONBLOCK)
        : await real.openBelow(parent, name, holding),
  };
});

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
        redactProblem: (refusal) =>
          broken.by.endsWith("refusals say what they were given")
            ? refusal
            : redaction.redactProblem(refusal),
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

/** A validator's own, which quote what did not fit. */
const wordsOf = (error: unknown): string | null =>
  error instanceof Error && "validation" in error ? JSON.stringify(error.validation) : null;

vi.mock(import("../../packages/harness/src/api/hooks/problem.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    answerError: (error, request, reply, log) =>
      broken.by.startsWith("what a validator says is passed on") && wordsOf(error) !== null
        ? sendProblem(reply, problem("invalid_request", wordsOf(error) ?? ""))
        : real.answerError(error, request, reply, log),
  };
});

// It takes long, and tests/e2e/scenarios.test.ts has it anyway.
const PATHS = "tool_call_path_traversal_block";
const SECRETS = "secret_redaction_on_logs";

const KILLS: readonly Kill<Break>[] = [
  [PATHS, "links are followed", "no canary's text is sent to the model"],
  [SECRETS, "records of the log are written as they are", "log holds no secret"],
  [SECRETS, "outputs are kept as they are", "artifact answer.md holds no secret"],
  [
    SECRETS,
    "results of tools are shown as they are",
    "the view of a run whose tool says it as its result holds",
  ],
  [
    SECRETS,
    "errors of steps are shown as they are",
    "the view of a run whose tool says it as its error holds",
  ],
  [SECRETS, "refusals say what they were given", "the refusal of an edit holds no secret"],
  [
    SECRETS,
    "what a validator says is passed on, and refusals say what they were given",
    "the refusal of an unknown member holds no secret",
  ],
];

const target = createInProcessTarget();
proveKills(target, broken, KILLS, { elsewhere: [PATHS] });

test("a validator's words alone let nothing out: every refusal is redacted", async () => {
  broken.by = "what a validator says is passed on";
  const trial = await runTrial(scenarioNamed(SECRETS), target, { seed: 42, pace: PACE });
  expect([trial.verdict, trial.reason]).toEqual(["PASS", ""]);
});
