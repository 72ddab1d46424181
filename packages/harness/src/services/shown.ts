// A run, and a refusal, as they are shown: what people, models and tools said may hold secrets, and a refusal quotes what
// it refuses, so both pass through redaction first. What waits for a person is left as it is: an approver sees exactly what
// would be executed, or does not decide on it.

import type { Problem, Run, RunSummary } from "@assent/contract";
import type { Redaction } from "./redaction.ts";

export type Shown = {
  run(run: Run): Run;
  summary(summary: RunSummary): RunSummary;
  problem(problem: Problem): Problem;
  /** What somebody wrote or chose, where nobody decides on it. */
  text(given: string): string;
  /** Of a call that is not the one that waits. Without a secret they are the very same. */
  arguments(given: Readonly<Record<string, unknown>>): unknown;
  /** What a person says with a decision. It is kept as it is shown: runs, events, models and drivers are all told of it. */
  said<T extends object>(decision: T): T;
};

/** A run is read again and again while it is watched; each text is searched once. Bounds what is remembered for that. */
const TEXTS_REMEMBERED_MAX = 2_000;
/** Of these texts together: one alone may have as many as a request's body. */
const CHARS_REMEMBERED_MAX = 16 * 1024 * 1024;

export function createShown(
  redaction: Pick<Redaction, "redactText" | "redactData" | "redactProblem">,
): Shown {
  const remembered = new Map<string, string>();
  let chars = 0;
  const text = (given: string): string => {
    const known = remembered.get(given);
    if (known !== undefined) return known;
    const shown = redaction.redactText(given);
    remembered.set(given, shown);
    chars += given.length + shown.length;
    for (const [oldest, its] of remembered) {
      if (remembered.size <= TEXTS_REMEMBERED_MAX && chars <= CHARS_REMEMBERED_MAX) break;
      remembered.delete(oldest);
      chars -= oldest.length + its.length;
    }
    return shown;
  };
  const detail = <T extends { readonly detail: string }>(given: T | null): T | null =>
    given === null ? null : { ...given, detail: text(given.detail) };
  const summary = <T extends RunSummary>(given: T): T => ({
    ...given,
    task: text(given.task),
    labels: Object.fromEntries(Object.entries(given.labels).map(([name, value]) => [name, text(value)])),
    reason: detail(given.reason),
  });
  return {
    summary,
    text,
    arguments: shownArguments,
    problem: redaction.redactProblem,
    said: (decision) => ({
      ...decision,
      ...("comment" in decision && typeof decision.comment === "string"
        ? { comment: text(decision.comment) }
        : {}),
      ...("reason" in decision && typeof decision.reason === "string"
        ? { reason: text(decision.reason) }
        : {}),
    }),
    run: (run) => ({
      ...summary(run),
      answer: run.answer === null ? null : text(run.answer),
      steps: run.steps.map((step) => ({
        ...step,
        ...(step.arguments === undefined ? {} : { arguments: shownArguments(step.arguments) }),
        result: step.result === null ? null : text(step.result),
        error: detail(step.error),
      })),
      ...(run.rollback === undefined
        ? {}
        : {
            rollback: {
              ...run.rollback,
              left: run.rollback.left.map((each) => ({ ...each, detail: text(each.detail) })),
            },
          }),
    }),
  };

  function shownArguments(given: unknown): unknown {
    const json = JSON.stringify(given);
    // Almost always there is nothing to hide, and then the values stay the very same.
    return text(json) === json ? given : redaction.redactData({ given })["given"];
  }
}
