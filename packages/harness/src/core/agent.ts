import { modelNameSchema, nameSchema, PASSAGES_MAX } from "@assent/contract";
import { z } from "zod";
import { digestOf, type Sha256 } from "../base/digest.ts";
import { MODEL_OUTPUT_TOKENS_MAX } from "../base/limits.ts";

/** An agent as its author writes it. Unknown fields are refused: a misspelt limit must not be a missing one. */
export const agentDefinitionSchema = z.strictObject({
  name: nameSchema,
  description: z.string().min(1).max(500),
  system: z.string().min(1).max(50_000),
  /** The first is used where a run names none. An entry may end in `*`: `anthropic/*`. */
  models: z
    .array(z.union([modelNameSchema, z.string().regex(/^[a-z][a-z0-9-]{0,30}\/\*$/)]))
    .min(1)
    .refine(
      (models) => models[0] !== undefined && !models[0].endsWith("*"),
      "must begin with a whole model name",
    ),
  tools: z.array(nameSchema).refine((tools) => new Set(tools).size === tools.length, "names a tool twice"),
  /** Of these tools the model sees no untrusted result, but a handle (`$v3`) that it can hand on to other tools. */
  handles: z.array(nameSchema).optional(),
  workspace: z.enum(["none", "required"]),
  /** Before its first turn the model is given passages of the tenant's documents that fit the task. */
  retrieval: z.strictObject({ passages: z.int().min(1).max(PASSAGES_MAX).optional() }).optional(),
  output_tokens_max: z.int().min(1).max(200_000).default(MODEL_OUTPUT_TOKENS_MAX),
  /** Tokens of a whole run; a call that might exceed what is left of them is not made. */
  budget: z
    .strictObject({
      input_tokens_max: z.int().min(1).max(1_000_000_000).optional(),
      output_tokens_max: z.int().min(1).max(1_000_000_000).optional(),
      /** Needs the prices of all its models in the configuration's catalogue. */
      cost_usd_max: z.number().min(0).max(1_000_000).optional(),
    })
    .optional(),
  temperature: z.number().min(0).max(2).default(0),
  seed: z.int().min(0).nullable().default(0),
});

export type AgentDefinition = z.infer<typeof agentDefinitionSchema>;

/** A run is carried out under the definition it was submitted with, whatever the files say later. */
export function agentVersion(definition: AgentDefinition): Sha256 {
  return digestOf("agent", definition);
}

/** Exact names, or a provider's whole range where the author wrote `provider/*`. No other wildcard exists. */
export function isModelAllowed(definition: AgentDefinition, model: string): boolean {
  return definition.models.some((entry) =>
    entry.endsWith("/*")
      ? model.startsWith(entry.slice(0, -1)) && model.length >= entry.length
      : model === entry,
  );
}
