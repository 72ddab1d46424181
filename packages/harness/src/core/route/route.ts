// Which models a step may be asked of, in order. The agent's author names them; nothing else does: no alias, no case,
// no header, no default of a provider (invariant 15).

import { type AgentDefinition, isModelAllowed } from "../agent.ts";

/**
 * The run's model, then the agent's other models in its own order. Only whole names: `provider/*` lets a requester
 * choose, and nobody has chosen here. A run's model that its agent does not allow leads nowhere, and to no other.
 */
export function modelsFor(definition: AgentDefinition, runModel: string): readonly string[] {
  if (!isModelAllowed(definition, runModel)) return [];
  const others = definition.models.filter((entry) => !entry.endsWith("*") && entry !== runModel);
  return [...new Set([runModel, ...others])];
}
