// One call through the vendor's models. Only their lowest layer is used (LanguageModelV4: doStream, doGenerate): it
// sends one request and maps the wire. The layer above it would retry, execute tools, report telemetry and look for
// keys in the environment; what is not called cannot do so.

import { MODEL_CALL_SECONDS_MAX } from "../../base/limits.ts";
import { err, type Result } from "../../base/result.ts";
import type { ModelOutcome } from "../../core/run/journal.ts";
import type { ModelCall, ModelFailure } from "../../ports.ts";
import { collectGenerated, collectStream, type StreamRules, toOutcome } from "./answer.ts";
import { failure, streamFailure, WireFailure } from "./failure.ts";
import { ANSWER_BYTES_MIN, ANSWER_BYTES_PER_TOKEN } from "./limits.ts";
import { type GenerateResult, type LanguageModel, toCallOptions } from "./prompt.ts";
import { isPlainObject } from "./text.ts";
import { type Fetch, openWire, type Wire } from "./wire.ts";

/** How calls are made, the same for every provider. */
export type CallMode = {
  readonly streaming: boolean;
  /** One call, from request to the last byte of its answer. */
  readonly callMsMax?: number | undefined;
  /** So long without a byte is a failure: of a connection that stands still nothing else ever comes. */
  readonly silenceMsMax?: number | undefined;
  /** Models, as `<provider>/<model>`, that are asked for an answer in one piece whatever `streaming` says. */
  readonly unstreamed?: ReadonlySet<string> | undefined;
  readonly fetch?: Fetch | undefined;
};

/** One wire: how to open a model on it, and its rules. */
export type VendorWire = {
  /** The name before the slash. */
  readonly provider: string;
  readonly open: (model: string, fetch: Fetch) => Promise<LanguageModel>;
  /** Rules for one stream; they remember what they saw. */
  readonly rules: () => StreamRules;
  /** What is wrong with an answer that came in one piece, or null; for what the vendor's code leaves unread. */
  readonly checkBody?: (body: unknown) => string | null;
};

/** Calls `model` (without the provider's name). Never rejects for anything a provider does. */
export async function callVendor(
  wire: VendorWire,
  model: string,
  call: ModelCall,
  signal: AbortSignal,
  mode: CallMode,
): Promise<Result<ModelOutcome, ModelFailure>> {
  const streaming = mode.streaming && mode.unstreamed?.has(`${wire.provider}/${model}`) !== true;
  const callMsMax = mode.callMsMax ?? MODEL_CALL_SECONDS_MAX * 1000;
  const clock = startLimit(callMsMax);
  const silence = startLimit(Math.min(mode.silenceMsMax ?? callMsMax, callMsMax));
  // Aborted when the call is over, however it ended: no socket outlives its call.
  const end = new AbortController();
  const ended = AbortSignal.any([signal, clock.signal, silence.signal, end.signal]);
  const line = openWire(
    mode.fetch ?? globalThis.fetch,
    streaming ? "text/event-stream" : "application/json",
    ANSWER_BYTES_MIN + call.outputTokensMax * ANSWER_BYTES_PER_TOKEN,
    ended,
    silence.again,
  );
  const late = AbortSignal.any([clock.signal, silence.signal]);
  try {
    const languageModel = await wire.open(model, line.fetch);
    const answer = streaming
      ? await stream(wire, model, languageModel, call, ended)
      : await generate(wire, model, languageModel, call, ended);
    return interruption(signal, late, line) ?? answer;
  } catch (error) {
    return interruption(signal, late, line) ?? err(nameError(error));
  } finally {
    clock.end();
    silence.end();
    end.abort();
  }
}

type Limit = {
  readonly signal: AbortSignal;
  /** Its time begins anew. */
  readonly again: () => void;
  /** Nothing is kept of it. */
  readonly end: () => void;
};

function startLimit(msMax: number): Limit {
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort();
  }, msMax);
  return {
    signal: abort.signal,
    again: () => {
      timer.refresh();
    },
    end: () => {
      clearTimeout(timer);
    },
  };
}

async function stream(
  wire: VendorWire,
  model: string,
  languageModel: LanguageModel,
  call: ModelCall,
  signal: AbortSignal,
): Promise<Result<ModelOutcome, ModelFailure>> {
  const options = { ...toCallOptions(call, signal), includeRawChunks: true };
  const { stream: parts } = await languageModel.doStream(options);
  const collected = await collectStream(parts, wire.rules());
  return collected.ok ? toOutcome(collected.value, wire.provider, model) : collected;
}

async function generate(
  wire: VendorWire,
  model: string,
  languageModel: LanguageModel,
  call: ModelCall,
  signal: AbortSignal,
): Promise<Result<ModelOutcome, ModelFailure>> {
  const result: GenerateResult = await languageModel.doGenerate(toCallOptions(call, signal));
  const wrong = wire.checkBody?.(result.response?.body) ?? null;
  if (wrong !== null) return err(failure("answer_invalid", `The provider's answer is unusable: ${wrong}.`));
  return toOutcome(collectGenerated(result), wire.provider, model);
}

// What ended the call from outside, or broke below the vendor's code, explains whatever came out of it.
function interruption(
  signal: AbortSignal,
  late: AbortSignal,
  line: Wire,
): Result<never, ModelFailure> | null {
  const failed = line.failed();
  if (failed !== null) return err(failed);
  if (signal.aborted) return err(failure("call_cancelled", "The call was given up before it was answered."));
  if (late.aborted) return err(failure("provider_timeout", "The provider took too long to answer."));
  return null;
}

function nameError(error: unknown): ModelFailure {
  if (error instanceof WireFailure) return error.failure;
  // The vendor's code throws for what it cannot read, and for errors in the first event of a stream. Neither its
  // message nor its fields leave this function, for they hold the request.
  return streamFailure(readableError(error));
}

// An error of the vendor's keeps the provider's frame in `data`, or the frame or whole body as text in `responseBody`.
function readableError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const fields = new Map<string, unknown>(Object.entries(error));
  if (fields.get("data") !== undefined) return fields.get("data");
  const body = parseObject(fields.get("responseBody"));
  // A body may just as well be an answer that could not be read; its `type` is no word for an error.
  const isError = isPlainObject(body?.["error"]) || String(body?.["type"]).endsWith("_error");
  return isError ? body : null;
}

function parseObject(text: unknown): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = typeof text === "string" ? JSON.parse(text) : null;
    return isPlainObject(value) ? value : null;
  } catch {
    return null;
  }
}
