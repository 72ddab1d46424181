// Which of a run's results the model does not see: it follows from the agent's definition and the journal.

import type { AgentDefinition } from "../agent.ts";
import { isToolStep, type Journal, type ToolStep } from "../run/journal.ts";
import type { KeptTexts } from "./handles.ts";

/** What a step returned, where the agent's definition keeps it from the model; null where it does not. */
export function keptText({ handles = [] }: AgentDefinition, step: ToolStep): string | null {
  const { name, state, outcome } = step;
  if (!handles.includes(name) || state !== "succeeded" || outcome === null) return null;
  return outcome.label === "untrusted" ? outcome.output : null;
}

export function keptTexts(definition: AgentDefinition, journal: Journal): KeptTexts {
  return new Map(
    journal.flatMap((step): readonly [number, string][] => {
      const text = isToolStep(step) ? keptText(definition, step) : null;
      return text === null ? [] : [[step.seq, text]];
    }),
  );
}
