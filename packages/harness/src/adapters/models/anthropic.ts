import type { VendorWire } from "./ai-sdk.ts";
import { checkMessagesFrames, isUnknownMessagesEvent } from "./frames.ts";

export type AnthropicConfig = {
  readonly apiKey: string;
  /** With the version: `https://api.anthropic.com/v1`, which is the default. */
  readonly baseUrl?: string | undefined;
};

/** Anthropic's Messages. */
export function openAnthropic(config: AnthropicConfig): VendorWire {
  // Both are always given: where one is missing the vendor's code looks into the environment.
  const { apiKey, baseUrl = "https://api.anthropic.com/v1" } = config;
  // Loaded only where it is configured, and from then on, not from the first call on.
  const vendor = import("@ai-sdk/anthropic");
  return {
    provider: "anthropic",
    open: async (model, fetch) =>
      (await vendor).createAnthropic({ apiKey, baseURL: baseUrl, fetch }).languageModel(model),
    rules: () => ({ check: checkMessagesFrames(), isIgnorable: isUnknownMessagesEvent }),
  };
}
