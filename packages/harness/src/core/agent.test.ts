import { expect, test } from "vitest";
import { type AgentDefinition, agentDefinitionSchema, agentVersion, isModelAllowed } from "./agent.ts";

const definition: AgentDefinition = {
  name: "a",
  description: "d",
  system: "s",
  models: ["scripted/x", "anthropic/*"],
  tools: [],
  workspace: "none",
  output_tokens_max: 10,
  temperature: 0,
  seed: 0,
};

test.each([
  ["scripted/x", true],
  ["anthropic/claude", true],
  ["scripted/y", false],
  ["Scripted/x", false],
  ["scripted/x ", false],
  ["scripted/xy", false],
  ["anthropic/", false],
  ["anthropicx/claude", false],
  ["openai/gpt", false],
  ["anthropic", false],
  ["", false],
])("model %j: allowed is %s", (model, allowed) => {
  expect(isModelAllowed(definition, model)).toBe(allowed);
});

test("unknown fields, a wildcard as the first model and a tool named twice are refused", () => {
  expect(agentDefinitionSchema.safeParse(definition).success).toBe(true);
  for (const change of [
    { output_token_max: 5 },
    { models: ["anthropic/*"] },
    { models: ["*"] },
    { tools: ["t", "t"] },
    { system: "" },
  ])
    expect(agentDefinitionSchema.safeParse({ ...definition, ...change }).success).toBe(false);
});

test("a changed definition is another version", () => {
  expect(agentVersion({ ...definition, system: "s " })).not.toBe(agentVersion(definition));
  expect(agentVersion({ ...definition })).toBe(agentVersion(definition));
});
