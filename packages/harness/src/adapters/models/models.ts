// The models of this installation, by the provider's name before the slash.

import { modelNameSchema } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import type { ModelOutcome } from "../../core/run/journal.ts";
import type { ModelCall, ModelFailure, Models } from "../../ports.ts";
import { type CallMode, callVendor, type VendorWire } from "./ai-sdk.ts";
import { type AnthropicConfig, openAnthropic } from "./anthropic.ts";
import { type CompatibleConfig, openCompatible } from "./compatible.ts";
import { failure } from "./failure.ts";
import { type OpenAiConfig, openOpenAi } from "./openai.ts";
import { openScripted, type ScriptedConfig } from "./scripted.ts";

/** A provider that is left out cannot be called. Keys come in here and leave only in request headers. */
export type ModelsConfig = CallMode & {
  readonly anthropic?: AnthropicConfig | undefined;
  readonly openai?: OpenAiConfig | undefined;
  readonly openaiCompatible?: CompatibleConfig | undefined;
  readonly scripted?: ScriptedConfig | undefined;
};

type Provider = {
  check(model: string): Result<null, string>;
  call(model: string, call: ModelCall, signal: AbortSignal): Promise<Result<ModelOutcome, ModelFailure>>;
};

/**
 * Opens the models that the configuration names; nothing is contacted before the first call.
 * Throws for a base URL that is none, or that carries credentials: those would end up in logs.
 */
export function openModels(config: ModelsConfig): Models {
  const providers = openProviders(config);
  const find = (name: string): Result<{ readonly provider: Provider; readonly model: string }, string> => {
    if (!modelNameSchema.safeParse(name).success)
      return err(`"${name.slice(0, 100)}" is not a model's name: write <provider>/<model>.`);
    const slash = name.indexOf("/");
    const provider = providers.get(name.slice(0, slash));
    if (provider !== undefined) return ok({ provider, model: name.slice(slash + 1) });
    return err(missing(name.slice(0, slash), [...providers.keys()]));
  };
  return {
    check(name) {
      const found = find(name);
      return found.ok ? found.value.provider.check(found.value.model) : found;
    },
    async call(call, signal) {
      const found = find(call.model);
      if (!found.ok) return err(failure("model_unknown", found.error));
      if (signal.aborted) return err(failure("call_cancelled", "The call was given up before it was made."));
      return await found.value.provider.call(found.value.model, call, signal);
    },
  };
}

function openProviders(config: ModelsConfig): ReadonlyMap<string, Provider> {
  const { anthropic, openai, openaiCompatible, scripted, ...mode } = config;
  for (const url of [anthropic?.baseUrl, openai?.baseUrl, openaiCompatible?.baseUrl]) requireBaseUrl(url);
  const wires: VendorWire[] = [];
  if (anthropic !== undefined) wires.push(openAnthropic(anthropic));
  if (openai !== undefined) wires.push(openOpenAi(openai));
  if (openaiCompatible !== undefined) wires.push(openCompatible(openaiCompatible));
  const providers = new Map<string, Provider>();
  for (const wire of wires) {
    providers.set(wire.provider, {
      check: () => ok(null),
      call: async (model, call, signal) => await callVendor(wire, model, call, signal, mode),
    });
  }
  if (scripted !== undefined) providers.set("scripted", openScripted(scripted));
  return providers;
}

function requireBaseUrl(text: string | undefined): void {
  if (text === undefined) return;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new Error("a provider's base URL is an http or https URL");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw new Error("a provider's base URL has no credentials, query or fragment");
}

const KNOWN: ReadonlyMap<string, string> = new Map([
  ["anthropic", "It needs ANTHROPIC_API_KEY."],
  ["openai", "It needs OPENAI_API_KEY."],
  ["openai-compatible", "It needs ASSENT_OPENAI_COMPATIBLE_BASE_URL."],
  ["scripted", "It needs a folder of transcripts: `transcripts` of the configuration."],
]);

function missing(provider: string, configured: readonly string[]): string {
  const need = KNOWN.get(provider);
  if (need !== undefined) return `The provider ${provider} is not configured here. ${need}`;
  return `There is no provider ${provider}. Configured: ${configured.join(", ") || "none"}.`;
}
