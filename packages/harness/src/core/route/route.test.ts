import { expect, test } from "vitest";
import type { AgentDefinition } from "../agent.ts";
import { modelsFor } from "./route.ts";

const agent = (...models: string[]): AgentDefinition => ({
  name: "a",
  description: "d",
  system: "s",
  models,
  tools: [],
  workspace: "none",
  output_tokens_max: 1,
  temperature: 0,
  seed: 0,
});

test("the run's model first, then the author's other whole names in order, each once", () => {
  const definition = agent("openai/a", "anthropic/*", "anthropic/b", "openai/c", "openai/c");
  expect(modelsFor(definition, "openai/a")).toEqual(["openai/a", "anthropic/b", "openai/c"]);
  expect(modelsFor(definition, "openai/c")).toEqual(["openai/c", "openai/a", "anthropic/b"]);
  expect(modelsFor(definition, "anthropic/z")).toEqual([
    "anthropic/z",
    "openai/a",
    "anthropic/b",
    "openai/c",
  ]);
});

// Invariant 15: nothing that looks like an allowed name leads to a model, neither it nor a substitute.
test.each([
  "OPENAI/A",
  "openai/A",
  "openai/a ",
  " openai/a",
  "openai/a\n",
  "openai/a:latest",
  "openai/a/../c",
  "openai/а",
  "openai//a",
  "openai/",
  "anthropic/",
  "anthropic/*",
  "anthropic",
  "Anthropic/b",
  "",
  "*",
])("%j leads nowhere", (model) => {
  expect(modelsFor(agent("openai/a", "openai/c", "anthropic/b"), model)).toEqual([]);
});
