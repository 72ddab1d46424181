// One set of rules, asked: the very same question once, and whatever goes wrong is an answer of its own.

import { statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import type { PolicyQuestion } from "../../core/decide/policy-context.ts";
import type { CedarAnswer } from "../../core/decide/policy-verdict.ts";
import { answerFrom } from "./answer.ts";

/** A schema and a set of rules, by the names under which Cedar keeps what it has parsed. */
export type Prepared = { readonly schema: string; readonly rules: string };

/** Answers kept of one set of rules, the least lately asked for given up first. A question is 1 to 3 kB. */
const ANSWERS_MAX = 2_000;

/**
 * Cedar's answer follows from the set and from what it is told, and from nothing else: no clock, no store. So the very
 * same question, down to the last character of what Cedar reads, is asked once.
 * @returns asks; never throws, and a question that cannot be made is a failure
 */
export function askingOnce(prepared: Prepared): (question: () => PolicyQuestion) => CedarAnswer {
  const answers = new Map<string, CedarAnswer>();
  return (derive) => {
    const question = derived(derive);
    return typeof question === "string"
      ? { kind: "failure", details: [question] }
      : askOnce(answers, prepared, question);
  };
}

function askOnce(
  answers: Map<string, CedarAnswer>,
  prepared: Prepared,
  question: PolicyQuestion,
): CedarAnswer {
  const key = JSON.stringify(question);
  const known = answers.get(key);
  if (known !== undefined) {
    answers.delete(key);
    answers.set(key, known);
    return known;
  }
  const answer = answerFrom(() =>
    statefulIsAuthorized({
      ...question,
      preparsedSchemaName: prepared.schema,
      validateRequest: true,
      preparsedPolicySetId: prepared.rules,
    }),
  );
  // What failed may have failed for another reason than the question.
  if (answer.kind === "failure" || answer.errors.length > 0) return answer;
  answers.set(key, answer);
  const [oldest] = answers.keys();
  if (answers.size > ANSWERS_MAX && oldest !== undefined) answers.delete(oldest);
  return answer;
}

function derived(derive: () => PolicyQuestion): PolicyQuestion | string {
  try {
    return derive();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
