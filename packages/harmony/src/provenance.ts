// Who or what made a record. Kept with every record and every decision, so that an answer can be traced to a person.

import * as z from "zod";
import { HarmonyError } from "./errors.ts";
import { wellFormed } from "./ids.ts";
import { NAME_LENGTH_MAX } from "./limits.ts";
import { SharedValues } from "./shared-values.ts";

export type ProvenanceType = "human" | "agent";

/** As it stands on disk; all keys always present. `principal_id` names the person, where one is known. */
export type ProvenanceJson = {
  readonly type: ProvenanceType;
  readonly agent_id: string | null;
  readonly model_id: string | null;
  readonly principal_id: string | null;
};

const name = z.string().max(NAME_LENGTH_MAX).nullable().default(null);
export const provenanceSchema: z.ZodType<ProvenanceJson> = z.object({
  type: z.enum(["human", "agent"]),
  agent_id: name,
  model_id: name,
  principal_id: name,
});

function named(value: string | null | undefined, what: string): string | null {
  if (value === null || value === undefined) return null;
  if (wellFormed(value, what).length > NAME_LENGTH_MAX) {
    throw new HarmonyError("invalid_text", `${what} is longer than ${NAME_LENGTH_MAX} characters`);
  }
  return value;
}

export class AgentProvenance {
  readonly type: ProvenanceType;
  readonly agentId: string | null;
  readonly modelId: string | null;
  readonly principalId: string | null;
  static readonly #shared: SharedValues<AgentProvenance> = new SharedValues();

  private constructor(json: ProvenanceJson) {
    this.type = json.type;
    this.agentId = named(json.agent_id, "agent_id");
    this.modelId = named(json.model_id, "model_id");
    this.principalId = named(json.principal_id, "principal_id");
    Object.freeze(this);
  }

  /** A person, by name where it is known. */
  static human(principalId: string | null = null): AgentProvenance {
    return new AgentProvenance({ type: "human", agent_id: null, model_id: null, principal_id: principalId });
  }

  /** A program, and the model that it spoke for. */
  static agent(agentId: string, modelId: string | null = null): AgentProvenance {
    return new AgentProvenance({ type: "agent", agent_id: agentId, model_id: modelId, principal_id: null });
  }

  /** From a record's JSON, or from another provenance. Throws HarmonyError `invalid_record`. */
  static fromJSON(value: unknown): AgentProvenance {
    if (value instanceof AgentProvenance) return value;
    const parsed = provenanceSchema.safeParse(value);
    if (!parsed.success) throw new HarmonyError("invalid_record", "not a provenance");
    const { type, agent_id, model_id, principal_id } = parsed.data;
    const key = JSON.stringify([type, agent_id, model_id, principal_id]);
    return AgentProvenance.#shared.share(key, new AgentProvenance(parsed.data));
  }

  toJSON(): ProvenanceJson {
    return {
      type: this.type,
      agent_id: this.agentId,
      model_id: this.modelId,
      principal_id: this.principalId,
    };
  }
}
