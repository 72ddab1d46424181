import type { VendorWire } from "./ai-sdk.ts";
import { checkChatFrames } from "./frames.ts";

export type CompatibleConfig = {
  /** With the version: `http://127.0.0.1:11434/v1` for a local Ollama. */
  readonly baseUrl: string;
  /** Left out, no credentials are sent: a local server wants none. */
  readonly apiKey?: string | undefined;
};

/** Any server that speaks OpenAI's Chat Completions: Ollama, vLLM, llama.cpp, a gateway. */
export function openCompatible(config: CompatibleConfig): VendorWire {
  const { baseUrl, apiKey } = config;
  // Loaded only where it is configured, and from then on, not from the first call on.
  const vendor = import("@ai-sdk/openai-compatible");
  return {
    provider: "openai-compatible",
    open: async (model, fetch) =>
      (await vendor)
        .createOpenAICompatible({
          name: "openai-compatible",
          baseURL: baseUrl,
          ...(apiKey === undefined ? {} : { apiKey }),
          // Without it a stream says nothing of usage, and budgets would count zero.
          includeUsage: true,
          fetch,
        })
        .chatModel(model),
    rules: () => ({ check: checkChatFrames(), isIgnorable: () => false }),
  };
}
