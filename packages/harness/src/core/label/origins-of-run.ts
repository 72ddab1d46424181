// What a run has seen so far, with its labels: it follows from the definition, the task and the journal, so every
// process that takes the run up labels its calls alike.

import type { AgentDefinition } from "../agent.ts";
import { isToolStep, type Journal, type ToolStep } from "../run/journal.ts";
import { createOriginIndex, type OriginIndex } from "./origins.ts";

export function originsOfRun(definition: AgentDefinition, task: string, journal: Journal): OriginIndex {
  const origins = createOriginIndex();
  origins.add({ id: "system", label: "trusted", text: definition.system });
  origins.add({ id: "task", label: "trusted", text: task });
  for (const step of journal) if (isToolStep(step)) addStep(origins, step);
  return origins;
}

/** What a tool returned is what its manifest says; why it failed may quote anybody, so it is never trusted. */
export function addStep(origins: OriginIndex, step: ToolStep): void {
  const id = `step:${step.seq}`;
  if (step.outcome !== null) origins.add({ id, label: step.outcome.label, text: step.outcome.output });
  else if (step.state === "failed" && step.error !== null)
    origins.add({ id, label: "untrusted", text: step.error.detail });
}
