// Every wire that the models can be reached over, against a fake that speaks it.

import { type ModelsConfig, openModels } from "../../../packages/harness/src/adapters/models/models.ts";
import type { Message } from "../../../packages/harness/src/core/prompt/message.ts";
import type { Manifest } from "../../../packages/harness/src/core/tool.ts";
import type { ModelCall, Models } from "../../../packages/harness/src/ports.ts";
import { startAnthropicServer } from "../../../packages/suite/src/faults/anthropic-server.ts";
import { startOpenAiServer } from "../../../packages/suite/src/faults/openai-server.ts";
import type { FakeProvider } from "../../../packages/suite/src/faults/provider-server.ts";
import type { Script } from "../../../packages/suite/src/faults/script.ts";

export const API_KEY = "sk-test-7f3a9c-do-not-leak";
/** Stands in every prompt, so that it can be looked for where no prompt may be. */
export const PROMPT_CANARY = "canary-of-the-prompt-41c2";

export type WireName = "anthropic" | "responses" | "chat" | "compatible";
export type Mode = { readonly wire: WireName; readonly streaming: boolean };

const WIRES: readonly WireName[] = ["anthropic", "responses", "chat", "compatible"];
export const MODES: readonly Mode[] = WIRES.flatMap((wire) => [
  { wire, streaming: true },
  { wire, streaming: false },
]);

export const modelOf = (wire: WireName): string =>
  ({ anthropic: "anthropic", responses: "openai", chat: "openai", compatible: "openai-compatible" })[wire] +
  "/fake-1";

export async function startFake(wire: WireName, script: Script): Promise<FakeProvider> {
  const start = wire === "anthropic" ? startAnthropicServer : startOpenAiServer;
  return await start({ script, apiKey: API_KEY });
}

export function modelsAt(url: string, { wire, streaming }: Mode, more: Partial<ModelsConfig> = {}): Models {
  const provider = { apiKey: API_KEY, baseUrl: url };
  const configs: Record<WireName, Partial<ModelsConfig>> = {
    anthropic: { anthropic: provider },
    responses: { openai: provider },
    chat: { openai: { ...provider, wire: "chat" } },
    compatible: { openaiCompatible: provider },
  };
  return openModels({ streaming, ...configs[wire], ...more });
}

export const READ_FILE: Manifest = {
  name: "read_file",
  version: "1",
  description: "Reads a file.",
  inputSchema: {
    type: "object",
    properties: { path: { type: "string" }, limit: { type: "integer" } },
    required: ["path"],
    additionalProperties: false,
  },
  effect: "none",
  harm: [],
  controlArguments: ["path"],
  returns: "untrusted",
};

export const TASK: Message = { role: "user", text: `Read the file. ${PROMPT_CANARY}`, label: "trusted" };

export function callOf(wire: WireName, messages: readonly Message[] = [TASK]): ModelCall {
  return {
    model: modelOf(wire),
    system: "You are a careful maintainer.",
    messages,
    tools: [READ_FILE],
    outputTokensMax: 1_000,
    temperature: 0,
    seed: null,
  };
}

export const never = (): AbortSignal => new AbortController().signal;
