// A provider without a network: it replays a transcript, and works on what the tools of this very run returned. It
// keeps no state: a call that is repeated, or made by another worker after a crash, gets the same turn.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { nameSchema } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import type { ModelOutcome, ToolCall, Usage } from "../../core/run/journal.ts";
import type { ModelCall, ModelFailure } from "../../ports.ts";
import { failure } from "./failure.ts";
import { TRANSCRIPT_BYTES_MAX } from "./limits.ts";
import { fillTemplate, parseTemplate } from "./template.ts";
import { textBetweenMarks } from "../../core/prompt/spotlight.ts";
import { cleanText, isPlainObject } from "./text.ts";
import { parseTranscript, type Transcript, type Turn, wrongInsertion } from "./transcript.ts";

export type ScriptedConfig = {
  /** Where `<name>.transcript.json` files are; `scripted/<name>` reads one of them and nothing else. */
  readonly folder: string;
};

type Scripted = {
  check(model: string): Result<null, string>;
  call(model: string, call: ModelCall, signal: AbortSignal): Promise<Result<ModelOutcome, ModelFailure>>;
};

export function openScripted({ folder }: ScriptedConfig): Scripted {
  const loadTranscript = transcriptsIn(folder);
  return {
    check(model) {
      const transcript = loadTranscript(model);
      if (!transcript.ok) return transcript;
      const wrong = wrongInsertion(transcript.value);
      return wrong === null ? ok(null) : err(`The transcript ${model} is invalid: ${wrong}.`);
    },
    call(model, call) {
      const transcript = loadTranscript(model);
      return Promise.resolve(
        transcript.ok
          ? replay(transcript.value, model, call)
          : err(failure("transcript_invalid", transcript.error)),
      );
    },
  };
}

type LoadTranscript = (model: string) => Result<Transcript, string>;

/** Reads the file each time; the text as it was last is not parsed again. */
function transcriptsIn(folder: string): LoadTranscript {
  const last = new Map<string, { readonly text: string; readonly parsed: Result<Transcript, string> }>();
  return (model) => {
    const text = readTranscript(folder, model);
    if (!text.ok) return text;
    const known = last.get(model);
    const parsed = known?.text === text.value ? known.parsed : parseTranscript(text.value);
    last.set(model, { text: text.value, parsed });
    return parsed.ok ? parsed : err(`The transcript ${model} is invalid: ${parsed.error}.`);
  };
}

// A model's name comes from a request, so it must be one plain word before it may be part of a file's name.
function readTranscript(folder: string, model: string): Result<string, string> {
  if (!nameSchema.safeParse(model).success) return err("A transcript's name is one word in lower case.");
  const file = join(folder, `${model}.transcript.json`);
  try {
    if (statSync(file).size > TRANSCRIPT_BYTES_MAX)
      return err(`The transcript ${model} is larger than ${TRANSCRIPT_BYTES_MAX} bytes.`);
    return ok(readFileSync(file, "utf8"));
  } catch {
    return err(`There is no readable transcript ${model}.`);
  }
}

function replay(transcript: Transcript, model: string, call: ModelCall): Result<ModelOutcome, ModelFailure> {
  const at = call.messages.filter((message) => message.role === "assistant").length;
  const turn = transcript.turns[at];
  const mismatch = (what: string): Result<never, ModelFailure> =>
    err(failure("transcript_mismatch", `Transcript ${model}, turn ${at + 1}: ${what}.`));
  if (turn === undefined) return mismatch(`the transcript has only ${transcript.turns.length} turns`);
  const differs = differenceFrom(turn, call);
  if (differs !== null) return mismatch(differs);
  const speech = speak(turn, call);
  if (!speech.ok) return mismatch(speech.error);
  const { text, toolCalls } = speech.value;
  return ok({
    kind: "model",
    model: `scripted/${model}`,
    text,
    toolCalls,
    usage: countUsage(call, text, toolCalls),
    finishReason: toolCalls.length > 0 ? "tool_calls" : "stop",
    warnings: [],
  });
}

// Names what differed without quoting the run: the detail goes into logs.
function differenceFrom({ expect }: Turn, call: ModelCall): string | null {
  const last = call.messages.at(-1);
  const wanted = expect?.last_tool;
  const found = last?.role === "tool" ? last.tool : "none";
  if (wanted !== undefined && found !== wanted) return `the last result is of ${found}, not of ${wanted}`;
  const absent = expect?.text_includes?.find((text) => last?.text.includes(text) !== true);
  return absent === undefined ? null : `the last message does not include "${absent}"`;
}

type Speech = { readonly text: string; readonly toolCalls: readonly ToolCall[] };

function speak(turn: Turn, call: ModelCall): Result<Speech, string> {
  const last = call.messages.at(-1);
  if (turn.on_error !== undefined && last?.role === "tool" && last.isError)
    return ok({ text: turn.on_error.text, toolCalls: [] });
  // Of failed calls there is no result to work on: a transcript that wants one has been overtaken by events.
  const results = new Map<string, string>();
  for (const message of call.messages) {
    if (message.role === "tool" && !message.isError)
      results.set(message.callId, textBetweenMarks(message.text));
  }
  const text = fillText(turn.text, results);
  if (!text.ok) return text;
  const toolCalls: ToolCall[] = [];
  for (const { id, tool, arguments: template } of turn.tool_calls) {
    const args = fillObject(template, results);
    if (!args.ok) return args;
    toolCalls.push({ id, tool, arguments: args.value });
  }
  return ok({ text: text.value, toolCalls });
}

function fillText(text: string, results: ReadonlyMap<string, string>): Result<string, string> {
  const template = parseTemplate(text);
  if (!template.ok) return template;
  const filled = fillTemplate(template.value, results);
  return filled.ok ? ok(cleanText(filled.value)) : filled;
}

function fillObject(
  value: Readonly<Record<string, unknown>>,
  results: ReadonlyMap<string, string>,
): Result<Readonly<Record<string, unknown>>, string> {
  const filled: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const result = fillValue(item, results);
    if (!result.ok) return result;
    filled[key] = result.value;
  }
  return ok(filled);
}

function fillValue(value: unknown, results: ReadonlyMap<string, string>): Result<unknown, string> {
  if (typeof value === "string") return fillText(value, results);
  if (isPlainObject(value)) return fillObject(value, results);
  if (!Array.isArray(value)) return ok(value);
  const items: unknown[] = [];
  for (const item of value) {
    const result = fillValue(item, results);
    if (!result.ok) return result;
    items.push(result.value);
  }
  return ok(items);
}

const tokensOf = (texts: readonly string[]): number =>
  Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / 4);

// No model, no tokens: a quarter of the characters, rounded up, so that budgets have something to count and the same
// run always costs the same.
function countUsage(call: ModelCall, text: string, toolCalls: readonly ToolCall[]): Usage {
  const spoken = call.messages.flatMap((message) =>
    message.role === "assistant" ? [message.text, JSON.stringify(message.toolCalls)] : [message.text],
  );
  return {
    inputTokens: tokensOf([call.system, ...spoken]),
    outputTokens: tokensOf([text, JSON.stringify(toolCalls)]),
  };
}
