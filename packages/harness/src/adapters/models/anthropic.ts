import { createAnthropic } from "@ai-sdk/anthropic";
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
  return {
    provider: "anthropic",
    open: (model, fetch) => createAnthropic({ apiKey, baseURL: baseUrl, fetch }).languageModel(model),
    rules: () => ({ check: checkMessagesFrames(), isIgnorable: isUnknownMessagesEvent }),
  };
}
