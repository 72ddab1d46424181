// Which of a run's results the model does not see: it follows from the agent's definition and the journal.

import type { AgentDefinition } from "../agent.ts";
import { isToolStep, type Journal, type ToolStep } from "../run/journal.ts";
import type { KeptTexts } from "./handles.ts";
import { saysBack } from "./said-back.ts";

/** What a step returned, where the agent's definition keeps it from the model; null where it does not. */
export function keptText({ handles = [] }: AgentDefinition, step: ToolStep): string | null {
  const { name, state, outcome } = step;
  if (!handles.includes(name) || state !== "succeeded" || outcome === null) return null;
  return outcome.label === "untrusted" ? outcome.output : null;
}

/**
 * Whether the reason why the step failed stays with the harness as well: whoever answered the call quotes what a handle of it
 * stood for ("no mailbox eve@evil.example"). People are shown it.
 */
export function keepsFailure({ system }: Pick<AgentDefinition, "system">, step: ToolStep): boolean {
  const { action, judgement } = step.request;
  const uses = judgement?.handles ?? [];
  if (step.state !== "failed" || step.error === null || uses.length === 0) return false;
  return saysBack(step.error.detail, action.arguments, uses, [step.name, system]);
}

export function keptTexts(definition: AgentDefinition, journal: Journal): KeptTexts {
  return new Map(
    journal.flatMap((step): readonly [number, string][] => {
      const text = isToolStep(step) ? keptText(definition, step) : null;
      return text === null ? [] : [[step.seq, text]];
    }),
  );
}
