import { expect, test } from "vitest";
import { RUN_INPUT_TOKENS_MAX } from "../../base/limits.ts";
import type { AgentDefinition } from "../agent.ts";
import { agentLimits, settleUsage } from "./budget.ts";
import { COUNTED_BYTES_MAX, estimateTokens, type Input, sizeOf, tokensMax } from "./estimate.ts";

const inputOf = (text: string): Input => ({
  system: "Be brief.",
  messages: [{ role: "user", text, label: "untrusted" }],
  tools: [],
});

test("what is counted is bounded however long the text is", () => {
  let countedBytes = 0;
  const size = sizeOf(inputOf("a".repeat(1_000_000)));
  const estimate = estimateTokens(size, "openai/x", (piece) => {
    countedBytes += Buffer.byteLength(piece);
    return 0;
  });
  expect(countedBytes).toBeLessThanOrEqual(COUNTED_BYTES_MAX);
  expect(estimate).toBe(size.bytes - countedBytes + size.allowance);
});

test("arguments of calls and schemas of tools are counted", () => {
  const call = { id: "c", tool: "t", arguments: { text: "x".repeat(500) } };
  const size = sizeOf({
    system: "",
    messages: [{ role: "assistant", text: "", toolCalls: [call] }],
    tools: [
      {
        name: "t",
        version: "1",
        description: "d".repeat(300),
        inputSchema: { description: "é".repeat(200) },
        effect: "none",
        harm: [],
        controlArguments: [],
        returns: "trusted",
      },
    ],
  });
  expect(size.spokenBytes).toBeGreaterThan(500);
  expect(size.bytes).toBeGreaterThan(500 + 300 + 400);
});

test("an agent that says nothing has a budget all the same", () => {
  const definition: AgentDefinition = {
    name: "a",
    description: "d",
    system: "s",
    models: ["scripted/x"],
    tools: [],
    workspace: "none",
    output_tokens_max: 1,
    temperature: 0,
    seed: 0,
  };
  expect(agentLimits(definition)).toMatchObject({ inputTokens: RUN_INPUT_TOKENS_MAX, microdollars: null });
  const budget = { input_tokens_max: 7, output_tokens_max: 8, cost_usd_max: 0.25 };
  expect(agentLimits({ ...definition, budget })).toEqual({
    inputTokens: 7,
    outputTokens: 8,
    microdollars: 250_000,
  });
});

const SIZE = sizeOf(inputOf("x".repeat(800)));
const RESERVED = { inputTokens: 900, outputTokens: 50 };
const settle = (
  inputTokens: number,
  outputTokens: number,
  model = "openai/x",
): ReturnType<typeof settleUsage> => settleUsage(model, { inputTokens, outputTokens }, RESERVED, SIZE, 40);

test("what is reported and can be true is charged as it is", () => {
  expect(settle(300, 20)).toEqual({
    ok: true,
    value: { usage: { inputTokens: 300, outputTokens: 20 }, warnings: [] },
  });
  expect(settle(tokensMax(SIZE), 50).ok).toBe(true);
});

test.each([
  ["more input than was sent", tokensMax(SIZE) + 1, 1],
  ["more output than it was allowed", 300, 51],
  ["a negative count", -1, 1],
  ["a negative output", 300, -1],
  ["a part of a token", 1.5, 1],
  ["no number", Number.NaN, 1],
  ["nothing at all, where the wire always says", 0, 0],
])("%s is a lie", (_, inputTokens, outputTokens) => {
  expect(settle(inputTokens, outputTokens)).toMatchObject({
    ok: false,
    error: { code: "usage_implausible" },
  });
});

test("an answer far longer than what is reported for it is a lie", () => {
  const settleAnswer = (outputTokens: number, bytes: number): boolean =>
    settleUsage("openai/x", { inputTokens: 300, outputTokens }, RESERVED, SIZE, bytes).ok;
  expect([settleAnswer(1, 66 * 8), settleAnswer(1, 67 * 8), settleAnswer(50, 67 * 8)]).toEqual([
    true,
    false,
    true,
  ]);
});

test("an answer far longer than what it was allowed is a lie, also of a server that counts nothing", () => {
  const settleSilent = (bytes: number): boolean =>
    settleUsage("openai-compatible/x", { inputTokens: 0, outputTokens: 0 }, RESERVED, SIZE, bytes).ok;
  expect([settleSilent(164 * 8), settleSilent(164 * 8 + 1), settleSilent(9_000_000)]).toEqual([
    true,
    false,
    false,
  ]);
});

test("too little is raised, and silence costs what was set aside", () => {
  const little = settle(1, 0);
  expect(little).toMatchObject({ ok: true, value: { usage: { inputTokens: 102, outputTokens: 5 } } });
  expect(little.ok && little.value.warnings).toHaveLength(1);
  expect(settle(0, 0, "openai-compatible/x")).toMatchObject({
    ok: true,
    value: { usage: { inputTokens: 900, outputTokens: 40 }, warnings: [expect.any(String)] },
  });
});
