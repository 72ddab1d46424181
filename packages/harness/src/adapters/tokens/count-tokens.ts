// OpenAI's o200k vocabulary, the densest published one in daily use.

import type { CountTokens } from "../../core/budget/estimate.ts";

// A text may hold `<|endoftext|>`: it is counted as the letters that it is, where the default would throw.
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** Loads the vocabulary: about 80 MB, so only where something is close to its budget; once a process. */
export async function loadTokenCounter(): Promise<CountTokens> {
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  return (text) => countTokens(text, AS_TEXT);
}
