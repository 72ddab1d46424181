// A tool loop on an AI SDK model. The model is given the tools' descriptions and never their functions, so that no
// part of the SDK can execute one; the loop carries calls out, each through the gate.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { openGate, textForModel } from "@assent/harness/client";

/** A tool with what the harness has to know of it, and with the function that only the gate runs. */
export type LoopTool = {
  readonly name: string;
  readonly description: string;
  readonly input_schema: Readonly<Record<string, unknown>>;
  readonly effect: "none" | "idempotent" | "once";
  readonly harm: readonly ("write" | "egress" | "money" | "destructive")[];
  readonly control_arguments: readonly string[];
  readonly returns: "trusted" | "untrusted";
  readonly execute: (args: Readonly<Record<string, unknown>>) => Promise<unknown>;
};

export type LoopOptions = {
  readonly harness: { readonly url: string; readonly key: string };
  /** Any server that speaks OpenAI's Chat Completions, with the version in its path. */
  readonly model: { readonly baseURL: string; readonly apiKey: string; readonly name: string };
  readonly system: string;
  readonly task: string;
  readonly tools: readonly LoopTool[];
  readonly approver: "none" | "ask";
  /** Tools whose results the model does not see: it reads `$v3`, and may give `$v3.email` to another tool. */
  readonly handles?: readonly string[];
};

/** A loop that a model cannot leave must end somewhere. */
const TURNS_MAX = 20;

type Model = ReturnType<ReturnType<typeof createOpenAICompatible>["chatModel"]>;
type CallOptions = Parameters<Model["doGenerate"]>[0];
type Generated = Awaited<ReturnType<Model["doGenerate"]>>;
type ToolCall = Extract<Generated["content"][number], { type: "tool-call" }>;
type Prompt = CallOptions["prompt"];

/** @returns the model's final words */
export async function runLoop(options: LoopOptions): Promise<string> {
  const { baseURL, apiKey, name } = options.model;
  const model = createOpenAICompatible({ name: "loop", baseURL, apiKey }).chatModel(name);
  const { gate, finish, fail } = await openGate(options.harness, {
    task: options.task,
    system: options.system,
    approver: options.approver,
    handles: [...(options.handles ?? [])],
    tools: options.tools.map(({ execute: _execute, ...manifest }) => ({
      ...manifest,
      input_schema: { ...manifest.input_schema },
      harm: [...manifest.harm],
      control_arguments: [...manifest.control_arguments],
    })),
  });

  const carryOut = async (call: ToolCall): Promise<string> => {
    const tool = options.tools.find((known) => known.name === call.toolName);
    if (tool === undefined) return `There is no tool ${call.toolName}.`;
    const gated = await gate(tool.name, argumentsOf(call), tool.execute);
    return textForModel(gated);
  };

  const prompt: Prompt = [
    { role: "system", content: options.system },
    { role: "user", content: [{ type: "text", text: options.task }] },
  ];
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const { content } = await model.doGenerate({ prompt, tools: describeTools(options.tools) });
    const calls = content.filter((part) => part.type === "tool-call");
    const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
    if (calls.length === 0) {
      await finish(text);
      return text;
    }
    prompt.push({
      role: "assistant",
      content: calls.map(({ toolCallId, toolName, ...call }) => ({
        type: "tool-call",
        toolCallId,
        toolName,
        input: argumentsOf({ toolCallId, toolName, ...call }),
      })),
    });
    for (const call of calls) {
      const value = await carryOut(call);
      const { toolCallId, toolName } = call;
      prompt.push({
        role: "tool",
        content: [{ type: "tool-result", toolCallId, toolName, output: { type: "text", value } }],
      });
    }
  }
  await fail("The model never came to an end.");
  throw new Error("the model never came to an end");
}

const describeTools = (tools: readonly LoopTool[]): NonNullable<CallOptions["tools"]> =>
  tools.map(({ name, description, input_schema: inputSchema }) => ({
    type: "function",
    name,
    description,
    inputSchema,
  }));

/** What a model writes for arguments need not be JSON; no arguments then, and the tool's schema says what is missing. */
function argumentsOf(call: ToolCall): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(call.input);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {};
  } catch {
    return {};
  }
}
