// No test runs beside a real key: what is in the environment is inherited by every server that a test starts, and one
// that misses its double would reach the vendor, be charged, and leave the key in a report. So a run stops before its
// first test. Taking the variable away without a word was the other choice; whoever meant to use it would not know.

import { findPrefixedTokens } from "../packages/harness/src/core/redact/prefixed-tokens.ts";

/** Whose clients read their key from the environment: of models, and of clouds that sell them. */
const PROVIDERS =
  "AI21 AI_GATEWAY ALIBABA ANTHROPIC ASSENT_OPENAI_COMPATIBLE ASSENT_S3 AWS AZURE BASETEN CEREBRAS CLAUDE CLOUDFLARE COHERE DASHSCOPE DATABRICKS DEEPINFRA DEEPSEEK FIREWORKS GEMINI GOOGLE GROQ HF HUGGINGFACE HUGGING_FACE_HUB MISTRAL MOONSHOT NVIDIA OPENAI OPENROUTER PERPLEXITY REPLICATE TOGETHER VERTEX VOYAGE XAI";

const OF_PROVIDER = new RegExp(`^(?:${PROVIDERS.split(" ").join("|")})_`, "u");
const NAMES_KEY = /(?:KEY|KEY_ID|TOKEN|SECRET|PASSWORD|CREDENTIALS|BEARER_TOKEN_BEDROCK)(?:_\d+)?$/u;

export type RealKey = {
  readonly name: string;
  /** Never the value, nor a part of it. */
  readonly because: string;
};

/** Variables that hold a provider's key by their name, or anybody's by its maker's mark. */
export function findRealKeys(environment: Readonly<Record<string, string | undefined>>): readonly RealKey[] {
  return Object.entries(environment).flatMap(([name, value = ""]) => {
    if (value.trim() === "") return [];
    const upper = name.toUpperCase();
    if (OF_PROVIDER.test(upper) && NAMES_KEY.test(upper))
      return [{ name, because: "a provider's key by its name" }];
    const [token] = findPrefixedTokens(value);
    return token === undefined ? [] : [{ name, because: `what looks like a key (${token.kind})` }];
  });
}

/** What to do about them; null where there are none. */
export function refusalOf(keys: readonly RealKey[]): string | null {
  if (keys.length === 0) return null;
  const unset = keys.map(({ name }) => `-u ${name}`).join(" ");
  return [
    "No test is run while the environment holds what could be a real key:",
    ...keys.map(({ name, because }) => `  ${name}: ${because}`),
    `Tests need none. Run it without: env ${unset} npm test`,
  ].join("\n");
}
