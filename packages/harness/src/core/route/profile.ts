// What is known of a model: how much it takes, what it can do, what it costs. Prices are per million tokens, so a
// dollar a million is a microdollar a token.

import { z } from "zod";
import type { Reservation } from "../budget/budget.ts";

export const profileSchema = z.strictObject({
  /** Input and output of one call together. */
  context_tokens: z.int().min(1).max(100_000_000).optional(),
  output_tokens_max: z.int().min(1).max(10_000_000).optional(),
  tools: z.boolean().default(true),
  /** False: it is asked for an answer in one piece. */
  streaming: z.boolean().default(true),
  price: z
    .strictObject({
      input_usd_per_million: z.number().min(0).max(1_000_000),
      output_usd_per_million: z.number().min(0).max(1_000_000),
    })
    .optional(),
});

export type ModelProfile = z.infer<typeof profileSchema>;

const UNKNOWN: ModelProfile = { tools: true, streaming: true };
const SCRIPTED: ModelProfile = {
  ...UNKNOWN,
  price: { input_usd_per_million: 0, output_usd_per_million: 0 },
};

/** What stands in for a model in the demo and in tests. */
export const isTranscript = (model: string): boolean => model.startsWith("scripted/");

export type Catalogue = Readonly<Record<string, ModelProfile>>;

/** What the catalogue says of exactly this name. A transcript costs nothing; of others the price is not known. */
export function profileOf(catalogue: Catalogue, model: string): ModelProfile {
  const known = Object.hasOwn(catalogue, model) ? catalogue[model] : undefined;
  return known ?? (isTranscript(model) ? SCRIPTED : UNKNOWN);
}

/** In microdollars, rounded up; null where the price is not known. */
export function costOf({ price }: ModelProfile, tokens: Reservation): number | null {
  if (price === undefined) return null;
  const exact =
    tokens.inputTokens * price.input_usd_per_million + tokens.outputTokens * price.output_usd_per_million;
  return Math.min(Math.ceil(exact), Number.MAX_SAFE_INTEGER);
}

/** What the model lacks for this call, or null. */
export function incapability(
  profile: ModelProfile,
  call: { readonly tools: number; readonly inputTokens: number; readonly outputTokensMax: number },
): string | null {
  if (call.tools > 0 && !profile.tools) return "it takes no tools";
  const { context_tokens: context, output_tokens_max: most } = profile;
  if (most !== undefined && call.outputTokensMax > most)
    return `it writes at most ${most} tokens, and ${call.outputTokensMax} are wanted`;
  if (context !== undefined && call.inputTokens + call.outputTokensMax > context)
    return `its context of ${context} tokens may be too small for this call`;
  return null;
}
