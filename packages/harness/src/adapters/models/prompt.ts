// Our messages and tools in the form that the vendor's models take (LanguageModelV4 of @ai-sdk/provider).

import type { AnthropicProvider } from "@ai-sdk/anthropic";
import { unreachable } from "../../base/assert.ts";
import { sha256Hex } from "../../base/digest.ts";
import type { Message } from "../../core/prompt/message.ts";
import type { Manifest } from "../../core/tool.ts";
import type { ModelCall } from "../../ports.ts";
import { cleanText } from "./text.ts";

// All three vendors return the same interface; it is named through one of them because @ai-sdk/provider itself is not
// among our dependencies.
export type LanguageModel = ReturnType<AnthropicProvider["languageModel"]>;
export type CallOptions = Parameters<LanguageModel["doStream"]>[0];
export type GenerateResult = Awaited<ReturnType<LanguageModel["doGenerate"]>>;
export type StreamPart =
  Awaited<ReturnType<LanguageModel["doStream"]>>["stream"] extends ReadableStream<infer Part> ? Part : never;
type PromptMessage = CallOptions["prompt"][number];
type AssistantContent = Extract<PromptMessage, { role: "assistant" }>["content"];
type ToolContent = Extract<PromptMessage, { role: "tool" }>["content"];
type FunctionTool = Extract<NonNullable<CallOptions["tools"]>[number], { type: "function" }>;

/** What one call asks of the vendor's code. Tools have a schema and nothing to execute. */
export function toCallOptions(call: ModelCall, signal: AbortSignal): CallOptions {
  return {
    prompt: toPrompt(call),
    tools: call.tools.map(toTool),
    // Always said: left out, the vendor's code asks an unknown Anthropic model for 128,000 tokens.
    maxOutputTokens: call.outputTokensMax,
    ...(call.temperature === null ? {} : { temperature: call.temperature }),
    ...(call.seed === null ? {} : { seed: call.seed }),
    providerOptions: {
      // OpenAI keeps what it is sent for 30 days unless told not to; the journal is the only memory a run needs.
      openai: { store: false },
      // Streams arguments before Anthropic has seen that they are JSON; a call is taken whole or not at all here.
      anthropic: { toolStreaming: false },
    },
    abortSignal: signal,
  };
}

function toPrompt(call: ModelCall): PromptMessage[] {
  return [{ role: "system", content: cleanText(call.system) }, ...call.messages.flatMap(toPromptMessage)];
}

function toPromptMessage(message: Message): PromptMessage[] {
  switch (message.role) {
    case "user":
      return [{ role: "user", content: [{ type: "text", text: cleanText(message.text) }] }];
    case "assistant": {
      const content = toAssistantContent(message);
      return content.length === 0 ? [] : [{ role: "assistant", content }];
    }
    case "tool":
      // The vendor's code joins the results of one turn where the wire wants them joined.
      return [{ role: "tool", content: toToolContent(message) }];
  }
  return unreachable(message);
}

function toAssistantContent(message: Extract<Message, { role: "assistant" }>): AssistantContent {
  const content: AssistantContent = [];
  // Anthropic refuses an empty text block.
  if (message.text !== "") content.push({ type: "text", text: cleanText(message.text) });
  for (const { id, tool, arguments: args } of message.toolCalls) {
    content.push({ type: "tool-call", toolCallId: wireId(id), toolName: tool, input: args ?? {} });
  }
  return content;
}

function toToolContent(message: Extract<Message, { role: "tool" }>): ToolContent {
  const value = cleanText(message.text);
  return [
    {
      type: "tool-result",
      toolCallId: wireId(message.callId),
      toolName: message.tool,
      output: message.isError ? { type: "error-text", value } : { type: "text", value },
    },
  ];
}

/**
 * A call's id as every provider takes it: OpenAI refuses more than 40 characters in Chat Completions, Anthropic refuses
 * all but letters, digits, `_` and `-`. After a failover one provider sees the ids of another.
 */
function wireId(id: string): string {
  return /^[A-Za-z0-9_-]{1,40}$/.test(id) ? id : `call_${sha256Hex(id).slice(0, 32)}`;
}

function toTool(manifest: Manifest): FunctionTool {
  return {
    type: "function",
    name: manifest.name,
    description: manifest.description,
    inputSchema: manifest.inputSchema,
    // Said, because the Responses API is strict unless told otherwise, and then rewrites the schema we digest.
    strict: false,
  };
}
