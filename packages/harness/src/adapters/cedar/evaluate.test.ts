import fc from "fast-check";
import { expect, test } from "vitest";
import { type CedarRequest, evaluateCedar, parseCedarRequest, validateCedar } from "./evaluate.ts";
import { parseExactJson, withRawIntegers } from "./exact-json.ts";

const SCHEMA = `
entity User in [Group] { level?: Long };
entity Group;
entity File;
action read appliesTo { principal: [User], resource: [File], context: { big: Long } };`;

const user = (id: string): { type: string; id: string } => ({ type: "User", id });

const BASE: CedarRequest = {
  principal: user("anna"),
  action: { type: "Action", id: "read" },
  resource: { __entity: { type: "File", id: "a" } },
  context: { big: 1 },
  entities: [
    { uid: user("anna"), attrs: {}, parents: [{ type: "Group", id: "staff" }] },
    { uid: { type: "Group", id: "staff" }, attrs: {}, parents: [] },
    { uid: { type: "File", id: "a" }, attrs: {}, parents: [] },
  ],
  policies: {},
};

test("policies of one text are named by their order, those of a record by their keys, never by @id", () => {
  const rule = `@id("x") permit (principal in Group::"staff", action, resource);`;
  expect(evaluateCedar({ ...BASE, policies: `${rule} ${rule}` })).toEqual({
    decision: "allow",
    reasons: ["policy0", "policy1"],
    errors: [],
    failures: [],
  });
  expect(evaluateCedar({ ...BASE, policies: { mine: rule } }).reasons).toEqual(["mine"]);
});

test("a forbid beats every permit, and is the reason", () => {
  const policies = { a: "permit (principal, action, resource);", b: "forbid (principal, action, resource);" };
  expect(evaluateCedar({ ...BASE, policies })).toEqual({
    decision: "deny",
    reasons: ["b"],
    errors: [],
    failures: [],
  });
});

test("an error is named, and the decision is Cedar's own: the other policies decide", () => {
  const policies = {
    a: "permit (principal, action, resource);",
    b: "forbid (principal, action, resource) when { principal.level > 1 };",
    c: "forbid (principal, action, resource) when { principal.level > 2 };",
  };
  expect(evaluateCedar({ ...BASE, policies })).toEqual({
    decision: "allow",
    reasons: ["a"],
    errors: ["b", "c"],
    failures: [],
  });
});

test("a linked template decides under its link's id", () => {
  const templates = { t: "permit (principal in ?principal, action, resource == ?resource);" };
  const values = { "?principal": { type: "Group", id: "staff" }, "?resource": { type: "File", id: "a" } };
  const links = [{ templateId: "t", newId: "staff-reads-a", values }];
  expect(evaluateCedar({ ...BASE, templates, links })).toMatchObject({
    decision: "allow",
    reasons: ["staff-reads-a"],
  });
  expect(evaluateCedar({ ...BASE, templates })).toMatchObject({ decision: "deny", reasons: [] });
});

test.each([
  ["a policy that is none", { policies: "permit" }],
  [
    "a template among the static policies",
    { policies: "permit (principal == ?principal, action, resource);" },
  ],
  ["a link to nothing", { links: [{ templateId: "t", newId: "l", values: {} }] }],
  ["entities that are no list", { entities: {} }],
  ["entities that are no JSON", { entities: "[" }],
  [
    "an entity twice, unlike itself",
    {
      entities: [
        { uid: user("anna"), attrs: {}, parents: [] },
        { uid: user("anna"), attrs: { a: 1 }, parents: [] },
      ],
    },
  ],
  ["a context that is none", { context: [] }],
  ["a number that is no integer", { context: { big: 1.5 } }],
  ["an integer beyond 64 bits", { context: { big: 2n ** 63n } }],
  ["a schema that is none", { schema: "entity" }],
  ["a request that does not fit the schema", { schema: SCHEMA, context: {} }],
  [
    "entities that do not fit the schema",
    { schema: SCHEMA, entities: [{ uid: user("anna"), attrs: { age: 1 }, parents: [] }] },
  ],
])("%s is a deny that says why", (_name, change) => {
  const outcome = evaluateCedar({ ...BASE, policies: "permit (principal, action, resource);", ...change });
  expect(outcome).toMatchObject({ decision: "deny", reasons: [], errors: [] });
  expect(outcome.failures.join("")).not.toBe("");
});

test("a request is held to the schema unless that is asked not to be", () => {
  const change = {
    policies: "permit (principal, action, resource);",
    schema: SCHEMA,
    principal: { type: "Stranger", id: "x" },
    context: { big: 1 },
    entities: [],
  };
  expect(evaluateCedar({ ...BASE, ...change }).decision).toBe("deny");
  expect(evaluateCedar({ ...BASE, ...change, validateRequest: false }).decision).toBe("allow");
});

const when = (value: bigint): string =>
  `permit (principal, action, resource) when { context.big == ${value} };`;

test("an integer of 64 bits arrives as it is, from text and from a bigint", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), (value) => {
      const policies = when(value);
      expect(evaluateCedar({ ...BASE, policies, context: { big: value } }).decision).toBe("allow");
      expect(evaluateCedar({ ...BASE, policies, context: `{"big":${value}}` }).decision).toBe("allow");
      expect(evaluateCedar({ ...BASE, policies, context: { big: value - 1n } }).decision).toBe("deny");
    }),
    { seed: 42, numRuns: 50 },
  );
});

test("the least integer is not pushed out of range by the way a double prints", () => {
  expect(JSON.stringify(withRawIntegers({ a: [-(2 ** 63)] }))).toBe('{"a":[-9223372036854775808]}');
});

test("exact JSON is JSON: what it reads, it writes", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.parse(JSON.stringify(withRawIntegers(parseExactJson(text))))).toEqual(JSON.parse(text));
    }),
    { seed: 42 },
  );
});

test("a request from text: unknown members are refused, exact integers kept", () => {
  expect(parseCedarRequest("{").ok).toBe(false);
  expect(parseCedarRequest(JSON.stringify({ ...BASE, shema: "" })).ok).toBe(false);
  const { schema: _, ...rest } = BASE;
  const text = JSON.stringify(rest).replace('"big":1', '"big":9223372036854775807');
  expect(parseCedarRequest(text)).toMatchObject({
    ok: true,
    value: { context: { big: 9223372036854775807n } },
  });
});

test("validation names the policy and tells errors from warnings", () => {
  const policies = {
    bad: "permit (principal, action, resource) when { principal.age > 1 };",
    never: "forbid (principal, action, resource) when { false };",
    good: "permit (principal, action, resource);",
  };
  const { errors, warnings, failures } = validateCedar({ policies, schema: SCHEMA });
  expect([errors.map(({ policy }) => policy), warnings.map(({ policy }) => policy), failures]).toEqual([
    ["bad"],
    ["never"],
    [],
  ]);
  expect(validateCedar({ policies, schema: 1 }).failures).not.toEqual([]);
  expect(validateCedar({ policies: "permit", schema: SCHEMA }).failures).not.toEqual([]);
});
