import fc from "fast-check";
import { expect, test } from "vitest";
import type { AgentDefinition } from "../agent.ts";
import { modelsFor, routeCall, type Route } from "./route.ts";
import { forbidding, type ModelRule } from "./rules.ts";
import { modelSettingsSchema } from "./settings.ts";

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

test("a transcript answers for no other model, and another transcript for one", () => {
  const definition = agent("scripted/a", "openai/a", "scripted/b");
  expect(modelsFor(definition, "openai/a")).toEqual(["openai/a"]);
  expect(modelsFor(definition, "scripted/b")).toEqual(["scripted/b", "scripted/a", "openai/a"]);
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

type Asked = {
  readonly settings: unknown;
  readonly models?: readonly string[];
  readonly runModel?: string;
  readonly data?: readonly string[];
  readonly tenant?: string;
  readonly tools?: number;
  readonly inputTokens?: number;
};

const MODELS = ["openai/a", "anthropic/b", "openai/c"];

const route = ({ settings, models = MODELS, ...asked }: Asked): Route =>
  routeCall(modelSettingsSchema.parse(settings), {
    definition: agent(...models),
    runModel: asked.runModel ?? models[0] ?? "",
    question: { tenant: asked.tenant ?? "default", agent: "a", data: new Set(asked.data) },
    tools: asked.tools ?? 0,
    estimate: () => ({ inputTokens: asked.inputTokens ?? 100, outputTokens: 10 }),
  });

const namesOf = ({ candidates }: Route): readonly string[] => candidates.map(({ model }) => model);

test("without rules the agent's list decides; with rules what none permits is denied", () => {
  expect(namesOf(route({ settings: {} }))).toEqual(MODELS);
  const ours = { id: "ours", effect: "permit", models: ["openai/*"] };
  const found = route({ settings: { rules: [ours] } });
  expect(namesOf(found)).toEqual(["openai/a", "openai/c"]);
  expect(found.decision.verdict).toBe("permit");
  expect(found.decision.reasons.map(({ code, policy }) => [code, policy])).toEqual([
    ["model_permitted", "ours"],
    ["model_not_permitted", undefined],
    ["model_permitted", "ours"],
  ]);
  const none = route({ settings: { rules: [{ ...ours, tenants: ["acme"] }] } });
  expect([none.candidates, none.decision.verdict]).toEqual([[], "deny"]);
  // The agent that asks is named "a".
  expect(namesOf(route({ settings: { rules: [{ ...ours, agents: ["b"] }] } }))).toEqual([]);
  expect(namesOf(route({ settings: { rules: [{ ...ours, agents: ["b", "a"] }] } }))).toHaveLength(2);
});

test("a forbid wins wherever it stands, and speaks once the run holds such data", () => {
  const all = { id: "all", effect: "permit", models: ["*"] };
  const keep = { id: "keep", effect: "forbid", models: ["anthropic/*"], data: ["untrusted", "confidential"] };
  for (const rules of [
    [all, keep],
    [keep, all],
  ]) {
    expect(namesOf(route({ settings: { rules } }))).toEqual(MODELS);
    expect(namesOf(route({ settings: { rules }, data: ["untrusted"] }))).toEqual(["openai/a", "openai/c"]);
  }
  const within = { id: "clean", effect: "permit", models: ["*"], data_within: ["public"] };
  expect(namesOf(route({ settings: { rules: [within] }, data: ["public"] }))).toEqual(MODELS);
  expect(namesOf(route({ settings: { rules: [within] }, data: ["public", "untrusted"] }))).toEqual([]);
});

test.each([
  [{ id: "x", effect: "permit", models: ["*"], data: ["public"] }],
  [{ id: "x", effect: "forbid", models: ["*"], data_within: ["public"] }],
  [{ id: "x", effect: "permit", models: ["anthropic"] }],
  [{ id: "x", effect: "permit", models: [] }],
  [{ id: "x", effect: "allow", models: ["*"] }],
  [{ id: "x", effect: "permit", models: ["*"], tenant: ["acme"] }],
])("%j is no rule", (rule) => {
  expect(modelSettingsSchema.safeParse({ rules: [rule] }).success).toBe(false);
});

const FORBID: ModelRule = { id: "no", effect: "forbid", models: ["openai/a"] };
const ASKED = { tenant: "t", agent: "a", data: new Set<string>() };

test.each(["openai/a", "openai/A", "openai/a-latest", "openai/a:latest", "openai/a@2", "openai/a/x"])(
  "a forbid of openai/a covers %s",
  (model) => {
    expect(forbidding([FORBID], model, ASKED)).toBe(FORBID);
  },
);
test.each(["openai/ab", "openai/a.1", "anthropic/a", "openai/b"])("and not %s", (model) => {
  expect(forbidding([FORBID], model, ASKED)).toBeUndefined();
});

// Invariant 15 over all sets of rules: whatever else stands there and in whatever order, no forbidden model is a
// candidate, and reading more never adds one.
test("no set of rules lets a forbidden model through, and data only takes away", () => {
  const patterns = fc.constantFrom(...MODELS, "openai/*", "anthropic/*", "*");
  const classes = fc.subarray(["untrusted", "confidential", "public"]);
  const rule = fc.record({
    permit: fc.boolean(),
    models: fc.array(patterns, { minLength: 1, maxLength: 3 }),
    data: fc.option(classes),
  });
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 6 }), classes, classes, (given, data, more) => {
      const rules = given.map(({ permit, models, data: of }, at) => ({
        id: `r${at}`,
        effect: permit ? "permit" : "forbid",
        models,
        ...(permit && of !== null ? { data_within: of } : {}),
        ...(!permit && of !== null && of.length > 0 ? { data: of } : {}),
      }));
      const before = route({ settings: { rules }, data });
      const after = route({ settings: { rules }, data: [...data, ...more] });
      const parsed = modelSettingsSchema.parse({ rules }).rules ?? [];
      for (const model of namesOf(before))
        expect(forbidding(parsed, model, { ...ASKED, agent: "a", data: new Set(data) })).toBeUndefined();
      expect(namesOf(before)).toEqual(expect.arrayContaining([...namesOf(after)]));
    }),
    { seed: 42 },
  );
});

test("what a model cannot do rules it out, with the reason", () => {
  const catalogue = {
    "openai/a": { tools: false },
    "anthropic/b": { context_tokens: 109 },
    "openai/c": { context_tokens: 110, output_tokens_max: 10 },
  };
  const found = route({ settings: { catalogue }, tools: 1 });
  expect(namesOf(found)).toEqual(["openai/c"]);
  expect(found.decision.reasons.map(({ code }) => code)).toEqual([
    "model_incapable",
    "model_incapable",
    "model_permitted",
  ]);
  expect(route({ settings: { catalogue }, inputTokens: 1_000, tools: 1 }).decision.verdict).toBe("deny");
});

const price = (input: number, output: number): unknown => ({
  price: { input_usd_per_million: input, output_usd_per_million: output },
});

test("the cheapest first where that is asked for; a chosen model stays first, an unknown price comes last", () => {
  const settings = {
    order: "cheapest",
    catalogue: { "openai/a": price(3, 15), "anthropic/b": price(0.15, 0.6) },
  };
  const cheapest = route({ settings });
  expect(cheapest.candidates).toEqual([
    { model: "anthropic/b", cost: 21 },
    { model: "openai/a", cost: 450 },
    { model: "openai/c", cost: null },
  ]);
  expect(namesOf(route({ settings, runModel: "openai/c" }))).toEqual(["openai/c", "anthropic/b", "openai/a"]);
});
