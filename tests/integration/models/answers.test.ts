// The same task over every wire, streamed and whole: what is sent is what the real API takes, what comes back is one
// outcome whose shape does not show which wire it came over.

import { describe, expect, test } from "vitest";
import type { Message } from "../../../packages/harness/src/core/prompt/message.ts";
import { callOf, type Mode, MODES, modelOf, modelsAt, never, startFake, TASK } from "./wires.ts";

const name = ({ wire, streaming }: Mode): string => `${wire}, ${streaming ? "streamed" : "whole"}`;
const cases = MODES.map((mode) => [name(mode), mode] as const);

describe.each(cases)("%s", (_name, mode) => {
  test("an answer in words", async () => {
    await using fake = await startFake(mode.wire, [{ text: "Grüße, 世界 👋. Done." }]);
    const answer = await modelsAt(fake.url, mode).call(callOf(mode.wire), never());
    expect(answer).toEqual({
      ok: true,
      value: {
        kind: "model",
        model: modelOf(mode.wire),
        text: "Grüße, 世界 👋. Done.",
        toolCalls: [],
        usage: { inputTokens: 11, outputTokens: 7 },
        finishReason: "stop",
        warnings: [],
      },
    });
    expect(fake.violations).toEqual([]);
    expect(fake.requests).toHaveLength(1);
  });

  test("a tool call keeps its id, its name and its arguments", async () => {
    const args = { path: "docs/a.md", limit: 3, nested: { list: [1, "zwei", null, true] } };
    await using fake = await startFake(mode.wire, [
      { text: "I look.", calls: [{ id: "call_a1", tool: "read_file", arguments: args }] },
    ]);
    const answer = await modelsAt(fake.url, mode).call(callOf(mode.wire), never());
    expect(answer).toMatchObject({
      ok: true,
      value: {
        text: "I look.",
        toolCalls: [{ id: "call_a1", tool: "read_file", arguments: args }],
        finishReason: "tool_calls",
      },
    });
    expect(fake.violations).toEqual([]);
  });

  test("a whole conversation is sent as the API wants it, and nothing else", async () => {
    await using fake = await startFake(mode.wire, [{ text: "ok" }]);
    const answer = await modelsAt(fake.url, mode).call(callOf(mode.wire, CONVERSATION), never());
    expect(answer.ok).toBe(true);
    expect(fake.violations).toEqual([]);
    const body = fake.requests[0]?.body;
    expect(body).toEqual(EXPECTED[mode.wire](mode.streaming));
  });

  test.each([
    ["too long", "a".repeat(65)],
    ["not of letters", "toolu.9"],
  ])("an id that is %s is replaced, in the call and in its result alike", async (_what, id) => {
    await using fake = await startFake(mode.wire, [{ text: "ok" }]);
    const answer = await modelsAt(fake.url, mode).call(
      callOf(mode.wire, [
        TASK,
        { role: "assistant", text: "", toolCalls: [{ id, tool: "read_file", arguments: null }] },
        { role: "tool", callId: id, tool: "read_file", text: "", isError: false, label: "untrusted" },
      ]),
      never(),
    );
    expect(answer.ok).toBe(true);
    expect(fake.violations).toEqual([]);
    expect(fake.requests[0]?.rawBody).not.toContain(id);
  });

  test("text that is no text never reaches the provider or the journal", async () => {
    await using fake = await startFake(mode.wire, [{ text: "a\u0000b\uD800c" }]);
    const call = callOf(mode.wire, [{ role: "user", text: "x\u0000y\uDC00z", label: "trusted" }]);
    const answer = await modelsAt(fake.url, mode).call(call, never());
    expect(answer).toMatchObject({ ok: true, value: { text: "a\uFFFDb\uFFFDc" } });
    expect(fake.requests[0]?.rawBody).toContain("x\uFFFDy\uFFFDz");
  });

  test("what the provider cannot be asked for is asked for nowhere and said in the outcome", async () => {
    await using fake = await startFake(mode.wire, [{ text: "ok" }]);
    const answer = await modelsAt(fake.url, mode).call({ ...callOf(mode.wire), seed: 7 }, never());
    const isTaken = mode.wire === "chat" || mode.wire === "compatible";
    expect(answer).toMatchObject({ ok: true, value: { warnings: isTaken ? [] : ["unsupported: seed"] } });
    expect(fake.requests[0]?.rawBody.includes('"seed":7')).toBe(isTaken);
    expect(fake.violations).toEqual([]);
  });

  test("a wrong key is refused, once, and is not told to anyone", async () => {
    await using fake = await startFake(mode.wire, [{ text: "never" }]);
    const wrong = { apiKey: "sk-wrong", baseUrl: fake.url };
    const models = modelsAt(fake.url, mode, {
      ...(mode.wire === "anthropic" ? { anthropic: wrong } : {}),
      ...(mode.wire === "compatible" ? { openaiCompatible: wrong } : {}),
      ...(mode.wire === "responses" ? { openai: wrong } : {}),
      ...(mode.wire === "chat" ? { openai: { ...wrong, wire: "chat" } } : {}),
    });
    const answer = await models.call(callOf(mode.wire), never());
    expect(answer).toMatchObject({
      ok: false,
      error: { code: "provider_refused_credentials", transient: false },
    });
    expect(JSON.stringify(answer)).not.toContain("sk-wrong");
    expect(fake.requests).toHaveLength(1);
  });
});

test.each(["completed", "cancelled", "in_progress", "failed", undefined])(
  "a whole Responses answer with the status %s",
  async (status) => {
    const item = { type: "function_call", id: "fc_1", call_id: "c1", name: "read_file", arguments: "{}" };
    const body = {
      id: "resp_1",
      created_at: 1,
      model: "fake-1",
      status,
      output: [item],
      incomplete_details: null,
    };
    const fetch: typeof globalThis.fetch = () => Promise.resolve(Response.json(body));
    const mode = { wire: "responses", streaming: false } as const;
    const answer = await modelsAt("http://127.0.0.1:9/v1", mode, { fetch }).call(
      callOf("responses"),
      never(),
    );
    expect(answer.ok).toBe(status === "completed");
    if (!answer.ok) expect(answer.error.code).toBe("answer_invalid");
  },
);

test.each([
  ["end_turn", true],
  ["pause_turn", false],
])("a Messages answer that ends with %s is whole: %s", async (reason, isWhole) => {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const content = [{ type: "text", text: "half" }];
  const body = {
    type: "message",
    id: "m",
    model: "fake-1",
    role: "assistant",
    content,
    stop_reason: reason,
    usage,
  };
  const fetch: typeof globalThis.fetch = () => Promise.resolve(Response.json(body));
  const mode = { wire: "anthropic", streaming: false } as const;
  const answer = await modelsAt("http://127.0.0.1:9/v1", mode, { fetch }).call(callOf("anthropic"), never());
  expect(answer.ok).toBe(isWhole);
  if (!answer.ok) expect(answer.error).toMatchObject({ code: "answer_incomplete", transient: true });
});

const CONVERSATION: readonly Message[] = [
  { role: "user", text: "Compare a and b.", label: "trusted" },
  {
    role: "assistant",
    text: "I read both.",
    toolCalls: [
      { id: "call_1", tool: "read_file", arguments: { path: "a" } },
      { id: "call_2", tool: "read_file", arguments: { path: "b" } },
    ],
  },
  { role: "tool", callId: "call_1", tool: "read_file", text: "A!", isError: false, label: "untrusted" },
  {
    role: "tool",
    callId: "call_2",
    tool: "read_file",
    text: "no such file",
    isError: true,
    label: "trusted",
  },
  { role: "assistant", text: "b is missing.", toolCalls: [] },
  { role: "user", text: "Then only a.", label: "trusted" },
];

const SYSTEM = "You are a careful maintainer.";
const SCHEMA = {
  type: "object",
  properties: { path: { type: "string" }, limit: { type: "integer" } },
  required: ["path"],
  additionalProperties: false,
};

// OpenAI's wires have no mark for a failed call, so that the vendor's code puts it into the text.
const FAILED = JSON.stringify({ error: "no such file" });

const chatCall = (id: string, path: string): unknown => ({
  id,
  type: "function",
  function: { name: "read_file", arguments: JSON.stringify({ path }) },
});

function chatBody(failed: string): Record<string, unknown> {
  return {
    model: "fake-1",
    max_tokens: 1_000,
    temperature: 0,
    messages: [
      { role: "system", content: SYSTEM },
      { role: "user", content: "Compare a and b." },
      {
        role: "assistant",
        content: "I read both.",
        tool_calls: [chatCall("call_1", "a"), chatCall("call_2", "b")],
      },
      { role: "tool", tool_call_id: "call_1", content: "A!" },
      { role: "tool", tool_call_id: "call_2", content: failed },
      { role: "assistant", content: "b is missing." },
      { role: "user", content: "Then only a." },
    ],
    tools: [
      {
        type: "function",
        function: { name: "read_file", description: "Reads a file.", parameters: SCHEMA, strict: false },
      },
    ],
  };
}

const STREAMED = { stream: true, stream_options: { include_usage: true } };

const EXPECTED: Record<Mode["wire"], (streaming: boolean) => unknown> = {
  chat: (streaming) => ({ ...chatBody(FAILED), store: false, ...(streaming ? STREAMED : {}) }),
  compatible: (streaming) => ({ ...chatBody("no such file"), ...(streaming ? STREAMED : {}) }),
  responses: (streaming) => ({
    model: "fake-1",
    max_output_tokens: 1_000,
    temperature: 0,
    store: false,
    input: [
      { role: "system", content: SYSTEM },
      { role: "user", content: [{ type: "input_text", text: "Compare a and b." }] },
      { role: "assistant", content: "I read both." },
      { type: "function_call", call_id: "call_1", name: "read_file", arguments: '{"path":"a"}' },
      { type: "function_call", call_id: "call_2", name: "read_file", arguments: '{"path":"b"}' },
      { type: "function_call_output", call_id: "call_1", output: "A!" },
      { type: "function_call_output", call_id: "call_2", output: FAILED },
      { role: "assistant", content: "b is missing." },
      { role: "user", content: [{ type: "input_text", text: "Then only a." }] },
    ],
    tools: [
      {
        type: "function",
        name: "read_file",
        description: "Reads a file.",
        parameters: SCHEMA,
        strict: false,
      },
    ],
    ...(streaming ? { stream: true } : {}),
  }),
  anthropic: (streaming) => ({
    model: "fake-1",
    max_tokens: 1_000,
    temperature: 0,
    system: [{ type: "text", text: SYSTEM }],
    messages: [
      { role: "user", content: [{ type: "text", text: "Compare a and b." }] },
      {
        role: "assistant",
        content: [
          { type: "text", text: "I read both." },
          { type: "tool_use", id: "call_1", name: "read_file", input: { path: "a" } },
          { type: "tool_use", id: "call_2", name: "read_file", input: { path: "b" } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "call_1", content: "A!" },
          { type: "tool_result", tool_use_id: "call_2", content: "no such file", is_error: true },
        ],
      },
      { role: "assistant", content: [{ type: "text", text: "b is missing." }] },
      { role: "user", content: [{ type: "text", text: "Then only a." }] },
    ],
    tools: [{ name: "read_file", description: "Reads a file.", input_schema: SCHEMA }],
    ...(streaming ? { stream: true } : {}),
  }),
};
