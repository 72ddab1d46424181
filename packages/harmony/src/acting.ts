// Who is at the keyboard.

import { AgentProvenance } from "./provenance.ts";

/** As typed. */
export type Acting = { readonly as?: string; readonly agent?: string; readonly model?: string };

/** An agent's environment names it, and then nothing typed can make it a person: only people verify answers. */
export function actorOf(
  options: Acting,
  env: { readonly [name: string]: string | undefined },
): AgentProvenance {
  const agent = env["HARMONY_AGENT"] ?? options.agent;
  if (agent !== undefined && agent !== "") {
    return AgentProvenance.agent(agent, env["HARMONY_MODEL"] ?? options.model ?? null);
  }
  return AgentProvenance.human(options.as ?? env["HARMONY_AS"] ?? null);
}
