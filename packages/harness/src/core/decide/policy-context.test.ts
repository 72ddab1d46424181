import fc from "fast-check";
import { expect, test } from "vitest";
import type { ActionRequest, ArgumentLabel, Origin } from "./action-request.ts";
import { policyNeeds, policyQuestion } from "./policy-context.ts";

const label = (origin: Origin): ArgumentLabel => ({ origin, sources: [] });

function request(
  change: Partial<ActionRequest>,
  args: Readonly<Record<string, unknown>> = {},
): ActionRequest {
  return {
    tenant: `ten_${"0".repeat(32)}`,
    run: `run_${"0".repeat(32)}`,
    requester: { id: `prn_${"1".repeat(32)}`, kind: "human", name: "anna" },
    agent: { name: "agent", version: "1" },
    action: {
      tool: "send",
      tool_version: "2",
      manifest_digest: `sha256:${"a".repeat(64)}`,
      effect: "once",
      harm: ["egress"],
      arguments: args,
    },
    controlArguments: ["to"],
    labels: {},
    tainted: true,
    askable: true,
    planned: false,
    ...change,
  };
}

test("a value that nobody labelled is untrusted, and so is one that is named like a member of every object", () => {
  const { context } = policyQuestion(
    request({ controlArguments: ["to", "constructor"] }, { to: "a", constructor: "b", text: "c" }),
  );
  expect(context["control_origins"]).toEqual(["untrusted"]);
  expect(context["content_origin"]).toBe("untrusted");
});

test("no value inside an argument hides behind its neighbours", () => {
  const origin = fc.constantFrom<Origin>("trusted", "untrusted", "model");
  fc.assert(
    fc.property(fc.array(origin, { minLength: 1, maxLength: 8 }), fc.boolean(), (origins, isControl) => {
      const name = isControl ? "to" : "text";
      const items = origins.map((_, at) => (at % 2 === 0 ? at : { "a/~b": [at] }));
      const labels = Object.fromEntries(
        origins.map((found, at) => [
          at % 2 === 0 ? `/${name}/${at}` : `/${name}/${at}/a~1~0b/0`,
          label(found),
        ]),
      );
      const { context } = policyQuestion(request({ labels }, { [name]: items }));
      const [seen, other] = isControl ? ["control", "content"] : ["content", "control"];
      expect(context[`${seen}_origins`]).toEqual([...new Set(origins)]);
      expect(context[`${other}_origins`]).toEqual([]);
      expect(context[`${other}_origin`]).toBe("none");
      const worst = (["untrusted", "model", "trusted"] as const).find((one) => origins.includes(one));
      expect(context[`${seen}_origin`]).toBe(worst);
    }),
    { seed: 42 },
  );
});

test.each([[[]], [{}], [null], [false], [0], [""]])("an argument that is %j is a choice too", (value) => {
  const { context } = policyQuestion(request({ labels: { "/to": label("model") } }, { to: value }));
  expect(context["control_origins"]).toEqual(["model"]);
});

test.each([
  [[], 0],
  [{}, 0],
  [null, 0],
  ["", 0],
  [false, 1],
  [0, 1],
  [" ", 1],
  [[""], 0],
  [[null, 1], 1],
])("content that is %j counts %i times", (value, count) => {
  const { context } = policyQuestion(request({ controlArguments: ["to"], labels: {} }, { body: value }));
  expect(context["content_origins"]).toEqual(count === 0 ? [] : ["untrusted"]);
});

test("a label on a filled list does not speak for what is in it", () => {
  const { context } = policyQuestion(request({ labels: { "/to": label("trusted") } }, { to: ["a"] }));
  expect(context["control_origins"]).toEqual(["untrusted"]);
});

test("rules see control values by pointer, numbers rounded away from zero, and no content", () => {
  const { entities } = policyQuestion(
    request({ controlArguments: ["to", "amount"] }, { to: ["a@b.example"], amount: 100.01, text: "secret" }),
  );
  const tags = (type: string): unknown => entities.find(({ uid }) => uid.type === type)?.tags;
  expect(tags("Texts")).toEqual({ "/to/0": "a@b.example" });
  expect(tags("Amounts")).toEqual({ "/amount": 101 });
});

test.each([
  [100, 100],
  [-0.5, -1],
  [-0, 0],
  [1e300, Number.MAX_SAFE_INTEGER],
  [-1e300, Number.MIN_SAFE_INTEGER],
])("the amount %d is told as %d", (amount, told) => {
  const { entities } = policyQuestion(request({ controlArguments: ["amount"] }, { amount }));
  expect(entities.find(({ uid }) => uid.type === "Amounts")?.tags).toEqual({ "/amount": told });
});

const target = (to: unknown): unknown => policyQuestion(request({}, { to })).context["target"];

test("there is a target only where one resource and nothing else is touched", () => {
  expect(target("bob@example.com")).toEqual({
    __entity: { type: "Resource", id: "address:bob@example.com" },
  });
  expect(target(["bob@example.com", "eve@example.net"])).toBeUndefined();
  expect(target(["bob@example.com", "https://"])).toBeUndefined();
});

test("every entity is sent once, parents before none are missing", () => {
  const { entities } = policyQuestion(
    request({}, { to: ["a@x.example", "b@x.example", "https://y.x.example/"] }),
  );
  const names = entities.map(({ uid }) => `${uid.type}::${uid.id}`);
  expect(new Set(names).size).toBe(names.length);
  for (const { parents } of entities)
    for (const parent of parents) expect(names).toContain(`${parent.type}::${parent.id}`);
});

test("a lone surrogate stays a value and breaks nothing", () => {
  const { resource, entities } = policyQuestion(
    request({ action: { ...request({}).action, tool: "a\ud800", arguments: { to: "\udc00" } } }, {}),
  );
  expect(resource.id).toBe("a\ufffd");
  expect(entities.find(({ uid }) => uid.type === "Texts")?.tags).toEqual({ "/to": "\ufffd" });
});

const budget = (given: Parameters<typeof policyQuestion>[1]): unknown =>
  policyQuestion(request({}), given).context["budget"];

test("what is left of the budget is told in whole numbers", () => {
  expect(budget({})).toEqual({});
  expect(budget({ tokensLeft: 10, microdollarsLeft: 2.5 })).toEqual({
    tokens_left: 10,
    microdollars_left: 3,
  });
});

test.each([
  ["context.tainted", false, false, false],
  ["context.target in x", true, false, false],
  ["context.resources_complete", true, false, false],
  ['context["texts"]', false, true, false],
  ["context.amounts", false, true, false],
  ["context.budget has x", false, false, true],
  ['context["t\\u{61}rget"]', true, true, true],
])("rules that say %s are told of resources: %s, values: %s, budget: %s", (text, resources, values, left) => {
  expect(policyNeeds(["permit", text])).toEqual({ resources, values, budget: left });
});

test("what no rule reads is not sent, and nothing of it could pass for an answer", () => {
  const asked = request({}, { to: "bob@example.com" });
  const { context, entities } = policyQuestion(asked, {}, { resources: false, values: false, budget: false });
  expect(context).toMatchObject({ resources: [], resources_complete: false });
  expect(Object.keys(context)).not.toContain("target");
  expect(entities.map(({ uid }) => uid.type)).toEqual(["Tenant", "Principal", "Agent", "Tool"]);
});
