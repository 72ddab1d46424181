import type { VendorWire } from "./ai-sdk.ts";
import { checkChatFrames, checkResponsesFrames } from "./frames.ts";
import { isPlainObject } from "./text.ts";

export type OpenAiConfig = {
  readonly apiKey: string;
  /** With the version: `https://api.openai.com/v1`, which is the default. */
  readonly baseUrl?: string | undefined;
  /** Which of OpenAI's two wires is spoken; Responses unless said otherwise. */
  readonly wire?: "responses" | "chat" | undefined;
};

/** OpenAI's Responses or Chat Completions. */
export function openOpenAi(config: OpenAiConfig): VendorWire {
  // Both are always given: where one is missing the vendor's code looks into the environment.
  const { apiKey, baseUrl = "https://api.openai.com/v1", wire = "responses" } = config;
  // Loaded only where it is configured, and from then on, not from the first call on.
  const vendor = import("@ai-sdk/openai");
  if (wire === "chat")
    return {
      provider: "openai",
      open: async (model, fetch) =>
        (await vendor).createOpenAI({ apiKey, baseURL: baseUrl, fetch }).chat(model),
      rules: () => ({ check: checkChatFrames(), isIgnorable: () => false }),
    };
  return {
    provider: "openai",
    open: async (model, fetch) =>
      (await vendor).createOpenAI({ apiKey, baseURL: baseUrl, fetch }).responses(model),
    rules: () => ({ check: checkResponsesFrames(), isIgnorable: () => false }),
    checkBody: checkResponseBody,
  };
}

// The vendor's code does not read the status, and takes an answer that was cancelled or is still queued for a whole one.
function checkResponseBody(body: unknown): string | null {
  const status = isPlainObject(body) ? body["status"] : undefined;
  return status === "completed" || status === "incomplete" ? null : "its status is not that of an answer";
}
