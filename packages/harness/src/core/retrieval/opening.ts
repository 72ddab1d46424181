// What the harness itself asks for before the model is called the first time. It is a call like any other: judged,
// journaled, carried out once, its answer labelled; only that its author is the agent's definition and not the model.

import { PASSAGES_DEFAULT } from "@assent/contract";
import type { AgentDefinition } from "../agent.ts";
import { isModelStep, type Journal, type JournalStep, type ToolCall } from "../run/journal.ts";

export const SEARCH_DOCUMENTS = "search_documents";

/** A question longer than this is cut: its first words say what it is about. */
export const QUESTION_CHARS_MAX = 2_000;

/** Null where the agent's author did not ask for documents. */
export function openingCall(definition: AgentDefinition, task: string): ToolCall | null {
  const { retrieval } = definition;
  if (retrieval === undefined) return null;
  const cut = task.slice(0, QUESTION_CHARS_MAX);
  return {
    id: "opening",
    tool: SEARCH_DOCUMENTS,
    arguments: {
      query: cut.isWellFormed() ? cut : cut.slice(0, -1),
      limit: retrieval.passages ?? PASSAGES_DEFAULT,
    },
  };
}

/** Steps from before the first call of a model: no model asked for them, whatever their call ids are. */
export function openingSteps(journal: Journal): readonly JournalStep[] {
  const first = journal.findIndex(isModelStep);
  return first === -1 ? journal : journal.slice(0, first);
}
