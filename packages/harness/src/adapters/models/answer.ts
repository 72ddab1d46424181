// From the parts of an answer to an outcome, or to the reason why there is none. Nothing of a broken answer is used:
// an error before or after a tool call, a missing end or a wrong reason for it discard the whole.

import { modelNameSchema } from "@assent/contract";
import { unreachable } from "../../base/assert.ts";
import { TOOL_CALLS_PER_TURN_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { ModelOutcome, ToolCall, Usage } from "../../core/run/journal.ts";
import type { ModelFailure } from "../../ports.ts";
import { failure, streamFailure } from "./failure.ts";
import type { FrameChecker } from "./frames.ts";
import type { GenerateResult, StreamPart } from "./prompt.ts";
import { boundWarnings, cleanText, parseArguments } from "./text.ts";

type FinishReason = GenerateResult["finishReason"];
type Warning = GenerateResult["warnings"][number];
export type RawCall = { readonly id: string; readonly tool: string; readonly input: string };

/** An answer with nothing missing, before it is judged. */
export type Parts = {
  text: string;
  calls: RawCall[];
  warnings: string[];
  reportedModel: string | null;
  finish: { readonly reason: FinishReason; readonly usage: GenerateResult["usage"] } | null;
};

export const noParts = (): Parts => ({
  text: "",
  calls: [],
  warnings: [],
  reportedModel: null,
  finish: null,
});

const garbled = (what: string): ModelFailure =>
  failure("answer_invalid", `The provider's answer breaks its own protocol: ${what}.`);

const cutShort = (): ModelFailure =>
  failure("answer_incomplete", "The provider's answer ended without saying so.");

// For compatible servers the vendor's code reports a missing end as an error of this name, and no other as a part.
const isMissingEnd = (error: unknown): boolean =>
  error instanceof Error && error.name === "AI_InvalidResponseDataError";

export type StreamRules = {
  readonly check: FrameChecker;
  /** Whether an event may be ignored although the vendor's code takes it for an error. */
  readonly isIgnorable: (event: unknown) => boolean;
};

/** Takes a stream to its very end: errors can come after what looks like the last part. */
export async function collectStream(
  stream: ReadableStream<StreamPart>,
  rules: StreamRules,
): Promise<Result<Parts, ModelFailure>> {
  const parts = noParts();
  let isIgnored = false;
  for await (const part of stream) {
    if (part.type === "raw") {
      const wrong = rules.check(part.rawValue);
      if (wrong !== null) return err(garbled(wrong));
      isIgnored = rules.isIgnorable(part.rawValue);
      if (isIgnored) parts.warnings.push("The provider sent an event of an unknown type; it was ignored.");
      continue;
    }
    if (part.type === "error" && isIgnored) {
      isIgnored = false;
      continue;
    }
    if (part.type === "error") return err(isMissingEnd(part.error) ? cutShort() : streamFailure(part.error));
    addPart(parts, part);
  }
  return ok(parts);
}

// Reasoning, sources and the fragments of a call are left: the journal holds what was said and what was asked for.
function addPart(parts: Parts, part: StreamPart): void {
  if (part.type === "stream-start") parts.warnings.push(...part.warnings.map(warningText));
  else if (part.type === "response-metadata") parts.reportedModel = part.modelId ?? parts.reportedModel;
  else if (part.type === "text-delta") parts.text += part.delta;
  else if (part.type === "tool-call")
    parts.calls.push({ id: part.toolCallId, tool: part.toolName, input: part.input });
  else if (part.type === "finish") parts.finish = { reason: part.finishReason, usage: part.usage };
}

/** The parts of an answer that came in one piece. */
export function collectGenerated(result: GenerateResult): Parts {
  const parts = noParts();
  parts.warnings.push(...result.warnings.map(warningText));
  parts.reportedModel = result.response?.modelId ?? null;
  parts.finish = { reason: result.finishReason, usage: result.usage };
  for (const item of result.content) {
    if (item.type === "text") parts.text += item.text;
    if (item.type === "tool-call")
      parts.calls.push({ id: item.toolCallId, tool: item.toolName, input: item.input });
  }
  return parts;
}

function warningText(warning: Warning): string {
  switch (warning.type) {
    case "unsupported":
    case "compatibility":
      return `${warning.type}: ${warning.feature}${warning.details === undefined ? "" : `: ${warning.details}`}`;
    case "deprecated":
      return `deprecated: ${warning.setting}: ${warning.message}`;
    case "other":
      return warning.message;
  }
  return unreachable(warning);
}

/** Judges a whole answer of `provider`, asked for as `model` (both together `<provider>/<model>`). */
export function toOutcome(parts: Parts, provider: string, model: string): Result<ModelOutcome, ModelFailure> {
  const { finish } = parts;
  if (finish === null) return err(cutShort());
  const finishReason = judgeFinish(finish.reason);
  if (!finishReason.ok) return finishReason;
  const warnings = [...parts.warnings];
  const calls = judgeCalls(parts.calls, finishReason.value);
  if (!calls.ok) return calls;
  if (calls.value.length < parts.calls.length)
    warnings.push("The answer reached its length limit; its tool calls were discarded.");
  return ok({
    kind: "model",
    model: answeringModel(provider, parts.reportedModel) ?? `${provider}/${model}`,
    text: cleanText(parts.text),
    toolCalls: calls.value,
    usage: toUsage(finish.usage, warnings),
    finishReason: finishReason.value,
    warnings: boundWarnings(warnings),
  });
}

// The vendor's code calls an incomplete Responses answer "tool-calls" when its reason is one it does not know, so the
// provider's own word decides as well: none (Responses, complete), or the word of its wire.
const TOOL_CALL_WORDS: ReadonlySet<string | undefined> = new Set([undefined, "tool_calls", "tool_use"]);

function judgeFinish(reason: FinishReason): Result<ModelOutcome["finishReason"], ModelFailure> {
  switch (reason.unified) {
    case "stop":
      // Anthropic: "continue me". There is no server-side tool here that could pause, so the answer is a part.
      return reason.raw === "pause_turn"
        ? err(failure("answer_incomplete", "The model paused in its turn."))
        : ok("stop");
    case "tool-calls":
      return TOOL_CALL_WORDS.has(reason.raw)
        ? ok("tool_calls")
        : err(garbled("tool calls ended for an unknown reason"));
    case "length":
      return ok("length");
    case "content-filter":
      return err(failure("answer_declined", "The model, or its provider's filter, declined to answer."));
    case "interrupted":
      return err(cutShort());
    case "error":
    case "other":
      return err(
        reason.raw === undefined
          ? failure("answer_incomplete", "The provider's answer ended without a reason.")
          : garbled("it ended for an unknown reason"),
      );
  }
  return unreachable(reason.unified);
}

function judgeCalls(
  calls: readonly RawCall[],
  finishReason: ModelOutcome["finishReason"],
): Result<readonly ToolCall[], ModelFailure> {
  if (finishReason === "length") return ok([]);
  if (finishReason === "stop")
    return calls.length === 0 ? ok([]) : err(garbled("it stopped, yet holds tool calls"));
  if (calls.length === 0) return err(garbled("it announces tool calls and holds none"));
  if (calls.length > TOOL_CALLS_PER_TURN_MAX)
    return err(
      failure("answer_invalid", `The model asks for more than ${TOOL_CALLS_PER_TURN_MAX} tool calls.`),
    );
  if (new Set(calls.map((call) => call.id)).size < calls.length)
    return err(garbled("two tool calls share an id"));
  // Names and ids become journal entries and log lines. Every provider's own rules are narrower than these.
  if (
    !calls.every(({ id, tool }) => /^[\x21-\x7e]{1,256}$/.test(id) && /^[A-Za-z0-9_.:-]{1,128}$/.test(tool))
  )
    return err(garbled("a tool call's id or name is not one"));
  return ok(calls.map(({ id, tool, input }) => ({ id, tool, arguments: parseArguments(input) })));
}

function answeringModel(provider: string, reported: string | null): string | null {
  const name = modelNameSchema.safeParse(`${provider}/${reported ?? ""}`);
  return name.success ? name.data : null;
}

function toUsage(usage: GenerateResult["usage"], warnings: string[]): Usage {
  const count = (name: string, value: number | undefined): number => {
    if (value !== undefined && Number.isSafeInteger(value) && value >= 0) return value;
    warnings.push(`The provider gave no usable count of ${name} tokens; it is taken as 0.`);
    return 0;
  };
  return {
    inputTokens: count("input", usage.inputTokens.total),
    outputTokens: count("output", usage.outputTokens.total),
  };
}
