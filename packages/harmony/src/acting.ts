// Who is at the keyboard.

import { AgentProvenance } from "./provenance.ts";

/** As typed. */
export type Acting = { readonly as?: string; readonly agent?: string; readonly model?: string };

/** An agent's environment names it, and then nothing typed can make it a person: only people verify answers. */
export function actorOf(
  options: Acting,
  env: { readonly [name: string]: string | undefined },
): AgentProvenance {
  const agent = said(env["HARMONY_AGENT"]) ?? said(options.agent);
  if (agent !== null) return AgentProvenance.agent(agent, said(env["HARMONY_MODEL"]) ?? said(options.model));
  return AgentProvenance.human(said(options.as) ?? said(env["HARMONY_AS"]));
}

/** A variable that is set to nothing names nobody, and hides nobody that is named otherwise. */
const said = (name: string | undefined): string | null => (name === undefined || name === "" ? null : name);
