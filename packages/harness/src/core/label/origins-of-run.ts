// What a run has seen so far, with its labels: it follows from the definition, the task and the journal, so every
// process that takes the run up labels its calls alike.

import type { AgentDefinition } from "../agent.ts";
import { isToolStep, type Journal, type ToolStep } from "../run/journal.ts";
import { keepsFailure, keptText } from "./kept-texts.ts";
import { createOriginIndex, type OriginIndex } from "./origins.ts";

export function originsOfRun(definition: AgentDefinition, task: string, journal: Journal): OriginIndex {
  const origins = createOriginIndex();
  origins.add({ id: "system", label: "trusted", text: definition.system });
  origins.add({ id: "task", label: "trusted", text: task });
  for (const step of journal) if (isToolStep(step)) addStep(origins, definition, step);
  return origins;
}

/** What a tool returned is what its manifest says; why it failed may quote anybody, so it is never trusted. */
export function addStep(origins: OriginIndex, definition: AgentDefinition, step: ToolStep): void {
  const id = `step:${step.seq}`;
  if (step.outcome !== null) {
    const { label, output, parts } = step.outcome;
    // Each part is a source of its own, so that a value is traced to its document and not only to the call.
    const unseen = keptText(definition, step) !== null;
    let rest = "";
    let end = 0;
    for (const part of parts ?? []) {
      origins.add({ id: part.source, label, text: output.slice(part.start, part.end), unseen });
      rest += `${output.slice(end, part.start)}\n`;
      end = part.end;
    }
    origins.add({ id, label, text: `${rest}${output.slice(end)}`, unseen });
  } else if (step.state === "failed" && step.error !== null)
    origins.add({
      id,
      label: "untrusted",
      text: step.error.detail,
      unseen: keepsFailure(definition, step),
    });
}
