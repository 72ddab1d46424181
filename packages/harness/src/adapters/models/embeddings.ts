// Embeddings over the same wire as every call of a model: nothing followed, everything bounded, failures named by us.

import type { OpenAIProvider } from "@ai-sdk/openai";
import { err, ok, type Result } from "../../base/result.ts";
import type { Embedder, ModelFailure } from "../../ports.ts";
import type { CompatibleConfig } from "./compatible.ts";
import { failure } from "./failure.ts";
import type { OpenAiConfig } from "./openai.ts";
import { type Fetch, openWire } from "./wire.ts";

export type EmbeddingsConfig = {
  /** `openai/<model>` or `openai-compatible/<model>`. */
  readonly model: string;
  readonly openai?: OpenAiConfig | undefined;
  readonly openaiCompatible?: CompatibleConfig | undefined;
};

/** Texts of one request; every server that speaks this wire takes so many. */
const BATCH_MAX = 64;
/** 64 vectors of 4,096 numbers as JSON. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const CALL_MS_MAX = 30_000;
const DIMENSIONS_MAX = 8_192;

/** @returns what is missing, where the model cannot be called here */
export function openEmbedder(config: EmbeddingsConfig): Result<Embedder, string> {
  const slash = config.model.indexOf("/");
  const provider = config.model.slice(0, slash);
  const name = config.model.slice(slash + 1);
  const open = openerOf(provider, name, config);
  if (open === null) return err(`The provider ${provider} is not configured here, or has no embeddings.`);
  return ok({
    model: config.model,
    embed: async (texts, signal) => {
      const vectors: (readonly number[])[] = [];
      for (let at = 0; at < texts.length; at += BATCH_MAX) {
        const batch = await embedBatch(open, texts.slice(at, at + BATCH_MAX), signal);
        if (!batch.ok) return batch;
        vectors.push(...batch.value);
      }
      return isUniform(vectors)
        ? ok(vectors)
        : err(failure("answer_invalid", "The vectors are not of one length."));
    },
  });
}

/** Both vendors' packages give the same type. */
type Open = (fetch: Fetch) => Promise<ReturnType<OpenAIProvider["embeddingModel"]>>;

function openerOf(provider: string, name: string, config: EmbeddingsConfig): Open | null {
  const { openai, openaiCompatible } = config;
  if (provider === "openai" && openai !== undefined) {
    const { apiKey, baseUrl = "https://api.openai.com/v1" } = openai;
    const vendor = import("@ai-sdk/openai");
    return async (fetch) =>
      (await vendor).createOpenAI({ apiKey, baseURL: baseUrl, fetch }).embeddingModel(name);
  }
  if (provider === "openai-compatible" && openaiCompatible !== undefined) {
    const { apiKey, baseUrl } = openaiCompatible;
    const options = { name: provider, baseURL: baseUrl, ...(apiKey === undefined ? {} : { apiKey }) };
    const vendor = import("@ai-sdk/openai-compatible");
    return async (fetch) => (await vendor).createOpenAICompatible({ ...options, fetch }).embeddingModel(name);
  }
  return null;
}

async function embedBatch(
  open: Open,
  texts: readonly string[],
  outer: AbortSignal,
): Promise<Result<readonly (readonly number[])[], ModelFailure>> {
  const late = new AbortController();
  const clock = setTimeout(() => {
    late.abort();
  }, CALL_MS_MAX);
  const signal = AbortSignal.any([outer, late.signal]);
  const wire = openWire(globalThis.fetch, "application/json", ANSWER_BYTES_MAX, signal);
  try {
    const model = await open(wire.fetch);
    const { embeddings } = await model.doEmbed({ values: [...texts], abortSignal: signal });
    if (embeddings.length !== texts.length || !embeddings.every(isVector))
      return err(failure("answer_invalid", "The answer is not one vector a text."));
    return ok(embeddings);
  } catch {
    const failed = wire.failed();
    if (failed !== null) return err(failed);
    return err(
      signal.aborted
        ? failure("provider_timeout", "The provider did not answer in time.")
        : failure("answer_invalid", "The answer is not what this wire promises."),
    );
  } finally {
    clearTimeout(clock);
  }
}

const isVector = (vector: readonly number[]): boolean =>
  vector.length > 0 &&
  vector.length <= DIMENSIONS_MAX &&
  vector.every((part) => Number.isFinite(part)) &&
  vector.some((part) => part !== 0);

const isUniform = (vectors: readonly (readonly number[])[]): boolean =>
  vectors.every((vector) => vector.length === vectors[0]?.length);
