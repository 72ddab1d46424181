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

test("the whole question about one call", () => {
  const asked = request(
    {
      labels: { "/to": label("model"), "/text": label("trusted") },
      circumstances: { named: true, repeated: false, pieced: true, alarm: 0 },
    },
    { to: "bob@example.com", text: "hello" },
  );
  const tenant = { type: "Tenant", id: asked.tenant };
  const agent = { type: "Agent", id: "agent" };
  const address = { __entity: { type: "Resource", id: "address:bob@example.com" } };
  const { entities, context, ...others } = policyQuestion(
    { ...asked, action: { ...asked.action, harm: ["egress", "write", "egress"] } },
    { tokensLeft: 5 },
  );
  expect(others).toEqual({
    principal: { type: "Principal", id: asked.requester.id },
    action: { type: "Action", id: "call" },
    resource: { type: "Tool", id: "send" },
  });
  expect(context).toMatchObject({
    tenant: { __entity: tenant },
    agent: { __entity: agent },
    effect: "once",
    harm: ["egress", "write"],
    tainted: true,
    askable: true,
    planned: false,
    named: true,
    repeated: false,
    pieced: true,
    resources_complete: true,
    texts: { __entity: { type: "Texts", id: "call" } },
    amounts: { __entity: { type: "Amounts", id: "call" } },
    budget: { tokens_left: 5 },
    control_origin: "model",
    content_origin: "trusted",
  });
  expect(context["resources"]).toEqual([address]);
  expect(context["target"]).toEqual(address);
  expect(entities.slice(0, 4)).toEqual([
    { uid: tenant, attrs: {}, parents: [] },
    {
      uid: { type: "Principal", id: asked.requester.id },
      attrs: { kind: "human", name: "anna" },
      parents: [tenant],
    },
    { uid: agent, attrs: { version: "1" }, parents: [tenant] },
    {
      uid: { type: "Tool", id: "send" },
      attrs: { version: "2", manifest: asked.action.manifest_digest },
      parents: [],
    },
  ]);
  // The address, and each domain that it lies in.
  const resources = entities.filter(({ uid }) => uid.type === "Resource");
  expect(resources.map(({ uid, attrs }) => [uid.id, attrs])).toEqual([
    ["address:bob@example.com", { kind: "address" }],
    ["host:example.com", { kind: "host" }],
    ["host:com", { kind: "host" }],
  ]);
  expect(resources.map(({ parents }) => parents.map(({ id }) => id))).toEqual([
    ["host:example.com"],
    ["host:com"],
    [],
  ]);
  expect(entities.slice(-2).map(({ uid }) => uid)).toEqual([
    { type: "Texts", id: "call" },
    { type: "Amounts", id: "call" },
  ]);
});

test("what nobody told of the circumstances of a call is taken at its worst", () => {
  const { circumstances: _, ...bare } = request({});
  expect(policyQuestion(bare).context).toMatchObject({ named: false, pieced: false });
  // A journal of before told of no pieces.
  const before = request({ circumstances: { named: true, repeated: true, alarm: 0 } });
  expect(policyQuestion(before).context).toMatchObject({ named: true, repeated: true, pieced: false });
});

const at = (source: string): ArgumentLabel["sources"][number] => ({ source, start: 0, end: 1 });

test.each<[string, ArgumentLabel, string]>([
  ["of the task", { origin: "trusted", sources: [at("task")] }, "trusted"],
  ["of the agent's own words", { origin: "trusted", sources: [at("system")] }, "trusted"],
  ["of both", { origin: "trusted", sources: [at("task"), at("system")] }, "trusted"],
  ["of a tool that is trusted", { origin: "trusted", sources: [at("step:3")] }, "stored"],
  ["of the task and of a tool", { origin: "trusted", sources: [at("task"), at("step:3")] }, "stored"],
  ["of nothing that was noted", { origin: "trusted", sources: [] }, "trusted"],
  ["of untrusted text", { origin: "untrusted", sources: [at("step:3")] }, "untrusted"],
  ["of the model alone", { origin: "model", sources: [at("step:3")] }, "model"],
])("a value %s was chosen by who wrote it, not by who stored it", (_, found, chooser) => {
  const { context } = policyQuestion(request({ labels: { "/to": found } }, { to: "a" }));
  expect([context["control_origins"], context["control_origin"]]).toEqual([[chooser], chooser]);
});

test("of several who chose, the one that is trusted least speaks", () => {
  const labels = {
    "/to/0": { origin: "trusted", sources: [at("step:1")] },
    "/to/1": label("trusted"),
    "/to/2": label("model"),
    "/to/3": label("untrusted"),
  } as const;
  const worst = (count: number): unknown =>
    policyQuestion(request({ labels }, { to: Array.from({ length: count }, (_, item) => item) })).context[
      "control_origin"
    ];
  expect([1, 2, 3, 4].map(worst)).toEqual(["stored", "stored", "model", "untrusted"]);
});

const tagsOf = (type: string, args: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  policyQuestion(request({ controlArguments: Object.keys(args) }, args)).entities.find(
    ({ uid }) => uid.type === type,
  )?.tags ?? {};

test("texts and amounts are told up to their limits, and the rest is left out", () => {
  expect(Object.keys(tagsOf("Texts", { a: "x".repeat(1_024), b: "x".repeat(1_025), c: "y" }))).toEqual([
    "/a",
    "/c",
  ]);
  const many = (value: unknown): unknown[] => Array.from({ length: 65 }, () => value);
  for (const [type, value] of [
    ["Texts", "x"],
    ["Amounts", 1],
  ] as const) {
    const names = Object.keys(tagsOf(type, { a: many(value) }));
    expect(names).toHaveLength(64);
    expect(names.at(-1)).toBe("/a/63");
  }
  expect(tagsOf("Amounts", { a: "1", b: true, c: 2 })).toEqual({ "/c": 2 });
});

test("what lies deeper than is looked into is one value, and nobody's", () => {
  const nested = (levels: number): unknown => {
    let value: unknown = "x";
    for (let level = 0; level < levels; level += 1) value = [value];
    return value;
  };
  const pointer = (levels: number): string => `/to${"/0".repeat(levels)}`;
  const seen = (levels: number): unknown =>
    policyQuestion(request({ labels: { [pointer(levels)]: label("trusted") } }, { to: nested(levels) }))
      .context["control_origins"];
  expect(seen(63)).toEqual(["trusted"]);
  expect(seen(64)).toEqual(["untrusted"]);
});

test.each([
  { tokensLeft: Number.NaN },
  { microdollarsLeft: Number.NaN },
  { tokensLeft: 1, microdollarsLeft: Number.NaN },
])("a budget that went wrong is judged by nobody: %j", (left) => {
  expect(() => policyQuestion(request({}), left)).toThrow("what is left of the budget is no number");
  expect(() => policyQuestion(request({}), left, { resources: false, values: false, budget: false })).toThrow(
    "what is left of the budget is no number",
  );
});

test("several places are no target, and each is told once", () => {
  const { context, entities } = policyQuestion(
    request({}, { to: ["a@example.com", "b@example.com", "a@example.com"] }),
  );
  expect(Object.hasOwn(context, "target")).toBe(false);
  const ids = entities.filter(({ uid }) => uid.type === "Resource").map(({ uid }) => uid.id);
  expect(ids).toEqual([...new Set(ids)]);
  expect(ids).toContain("address:a@example.com");
  expect(ids).toContain("address:b@example.com");
});
