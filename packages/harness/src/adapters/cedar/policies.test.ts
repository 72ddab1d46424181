import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HARMS } from "@assent/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ActionRequest } from "../../core/decide/action-request.ts";
import type { Policies, PolicyRefusal } from "../../core/decide/policy-point.ts";
import { openCedarPolicies } from "./policies.ts";
import { askingText } from "./rule-text.ts";

const BASE: ActionRequest = {
  tenant: `ten_${"0".repeat(32)}`,
  run: `run_${"0".repeat(32)}`,
  requester: { id: `prn_${"1".repeat(32)}`, kind: "human", name: "anna" },
  agent: { name: "agent", version: "1" },
  action: {
    tool: "pay",
    tool_version: "1",
    manifest_digest: `sha256:${"a".repeat(64)}`,
    effect: "once",
    harm: ["money"],
    arguments: { to: "bob@shop.example.com", amount: 12.5, path: "docs/a.md" },
  },
  controlArguments: ["to", "amount", "path"],
  labels: {},
  tainted: false,
  askable: true,
  planned: false,
};

function open(texts: Readonly<Record<string, string>>): Policies {
  const policies = openCedarPolicies({ texts });
  if (!policies.ok) throw new Error(`refused: ${JSON.stringify(policies.error)}`);
  return policies.value;
}

const refusal = (texts: Readonly<Record<string, string>>): PolicyRefusal | null => {
  const policies = openCedarPolicies({ texts });
  return policies.ok ? null : policies.error;
};

/** Opening a set takes some 40 ms; on a busy machine the default limit of five seconds is near. It judges nothing. */
const SLOW_MS = 120_000;

const PERMIT = `@id("all") permit (principal, action, resource);`;

// --- sets of rules against what they should mean ---------------------------------------------------------------

type Condition = "tainted" | "planned" | "money" | "always" | "error";
type Written = {
  effect: "permit" | "forbid";
  liftable: boolean;
  condition: Condition;
  quorum: number;
  approvers: string[];
};

const CONDITIONS: Readonly<Record<Condition, string>> = {
  tainted: "context.tainted",
  planned: "context.planned",
  money: `context.harm.contains("money")`,
  always: "context.tainted || !context.tainted",
  // Passes the validator, and overflows when it is evaluated.
  error: "context.tainted && 9223372036854775807 + 1 > 0",
};

const written: fc.Arbitrary<Written> = fc.record({
  effect: fc.constantFrom("permit", "forbid"),
  liftable: fc.boolean(),
  condition: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom<Condition>("tainted", "planned", "money", "always") },
    { weight: 1, arbitrary: fc.constant<Condition>("error") },
  ),
  quorum: fc.integer({ min: 1, max: 2 }),
  approvers: fc.subarray(["anna", "ben", "cleo"], { minLength: 2 }),
});

const isLiftable = (rule: Written): boolean => rule.effect === "forbid" && rule.liftable;

function textOf(rule: Written, id: string): string {
  const wants = `@needs_approval @quorum("${rule.quorum}") @approvers("${rule.approvers.join(", ")}")`;
  return `@id("${id}") ${isLiftable(rule) ? wants : ""}
${rule.effect} (principal, action, resource) when { ${CONDITIONS[rule.condition]} };`;
}

function meaning(rules: readonly Written[], request: ActionRequest): { verdict: string; ids: string[] } {
  const holds = (rule: Written): boolean =>
    ({
      tainted: request.tainted,
      planned: request.planned,
      money: request.action.harm.includes("money"),
      always: true,
      error: request.tainted,
    })[rule.condition];
  const ids = (wanted: (rule: Written) => boolean): string[] =>
    rules.flatMap((rule, at) => (holds(rule) && wanted(rule) ? [`r${at}`] : []));
  const errors = ids(({ condition }) => condition === "error");
  if (errors.length > 0) return { verdict: "deny policy_error", ids: errors };
  const forbids = ids((rule) => rule.effect === "forbid" && !rule.liftable);
  if (forbids.length > 0) return { verdict: "deny forbidden", ids: forbids };
  const permits = ids(({ effect }) => effect === "permit");
  if (permits.length === 0) return { verdict: "deny no_permit", ids: [] };
  const asks = ids(isLiftable);
  if (asks.length === 0) return { verdict: "permit permit", ids: permits };
  if (!request.askable) return { verdict: "deny nobody_to_ask", ids: asks };
  const asking = rules.filter((rule) => holds(rule) && isLiftable(rule));
  const common = ["anna", "ben", "cleo"].filter((name) =>
    asking.every(({ approvers }) => approvers.includes(name)),
  );
  return common.length < Math.max(...asking.map(({ quorum }) => quorum))
    ? { verdict: "deny nobody_may_approve", ids: asks }
    : { verdict: "needs_approval needs_approval", ids: asks };
}

const requests = fc
  .record({
    tainted: fc.boolean(),
    planned: fc.boolean(),
    askable: fc.boolean(),
    harm: fc.subarray([...HARMS]),
  })
  .map(({ harm, ...rest }): ActionRequest => ({ ...BASE, ...rest, action: { ...BASE.action, harm } }));

test(
  "deny wins, no permit is a deny, an error is a deny, and neither files nor order change anything",
  () => {
    fc.assert(
      fc.property(
        fc.array(written, { minLength: 1, maxLength: 6 }),
        fc.array(requests, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        (rules, asked, files) => {
          const texts = rules.map((rule, at) => textOf(rule, `r${at}`));
          const policies = open(
            Object.fromEntries(
              Array.from({ length: files }, (_, file): [string, string] => [
                `${file}.cedar`,
                texts.filter((_text, at) => at % files === file).join("\n"),
              ]),
            ),
          );
          const turned = open({ "all.cedar": texts.toReversed().join("\n// another order\n") });
          expect(turned.version).toBe(policies.version);
          for (const request of asked) {
            const found = policies.decide(request);
            const wanted = meaning(rules, request);
            expect(`${found.verdict} ${found.reasons[0]?.code}`).toBe(wanted.verdict);
            expect(found.reasons.flatMap(({ policy }) => policy ?? []).toSorted()).toEqual(
              wanted.ids.toSorted(),
            );
            expect(turned.decide(request)).toEqual(found);
          }
        },
      ),
      { seed: 42, numRuns: 80 },
    );
  },
  SLOW_MS,
);

// --- what cannot be evaluated ----------------------------------------------------------------------------------

test("a request that lacks what the schema promises is a deny, even under a rule that permits everything", () => {
  const policies = open({ "a.cedar": PERMIT });
  expect(policies.decide(BASE).verdict).toBe("permit");
  const broken = structuredClone(BASE);
  Reflect.deleteProperty(broken.action, "effect");
  expect(policies.decide(broken)).toMatchObject({ verdict: "deny", reasons: [{ code: "policy_failure" }] });
});

test.each([
  ["a flag that is text", { tainted: "no" }],
  ["a request without labels", { labels: null }],
  ["a request without an action", { action: null }],
])("%s is a deny, not an exception", (_name, change) => {
  const broken = structuredClone(BASE);
  Object.assign(broken, change);
  expect(open({ "a.cedar": PERMIT }).decide(broken)).toMatchObject({
    verdict: "deny",
    reasons: [{ code: "policy_failure" }],
  });
});

test("a budget that is no number is a deny", () => {
  expect(open({ "a.cedar": PERMIT }).decide(BASE, { tokensLeft: Number.NaN }).verdict).toBe("deny");
});

// --- what a rule can say ---------------------------------------------------------------------------------------

test.each([
  [`principal.name == "anna" && principal.kind == "human"`, true],
  [`principal in Tenant::"ten_${"0".repeat(32)}"`, true],
  [`principal in Tenant::"ten_${"1".repeat(32)}"`, false],
  [`context.agent == Agent::"agent" && context.agent in context.tenant`, true],
  [`resource == Tool::"pay" && resource.version == "1"`, true],
  [`context.resources.contains(Resource::"path:docs/a.md")`, true],
  [`context.resources_complete && !(context has target)`, true],
  [`context.texts.hasTag("/to") && context.texts.getTag("/to") like "*@shop.example.com"`, true],
  // Written in a way that a search for the name does not find.
  [`context["t\\u{65}xts"].hasTag("/to")`, true],
  [`context.amounts.hasTag("/amount") && context.amounts.getTag("/amount") <= 12`, false],
  [`context.amounts.hasTag("/amount") && context.amounts.getTag("/amount") <= 13`, true],
  [`context.budget has tokens_left && context.budget.tokens_left > 5`, true],
  [`context.control_origin == "untrusted" && context.content_origin == "none"`, true],
])("when { %s } is %s of the call", (condition, holds) => {
  const text = `@id("a") permit (principal, action, resource) when { ${condition} };`;
  expect(open({ "a.cedar": text }).decide(BASE, { tokensLeft: 6 }).verdict).toBe(holds ? "permit" : "deny");
});

test.each([
  [{ to: "bob@shop.example.com" }, `Resource::"host:example.com"`, true],
  [{ to: "bob@shop.example.com" }, `Resource::"host:evil.example.com"`, false],
  [{ to: "bob@evilexample.com" }, `Resource::"host:example.com"`, false],
  [{ path: "docs/deep/a.md" }, `Resource::"path:docs"`, true],
  [{ path: "docs/../secret.md" }, `Resource::"path:docs"`, false],
  [{ to: "bob@shop.example.com", path: "docs/a.md" }, `Resource::"path:docs"`, false],
])("the target of %j in %s: %s", (args, place, holds) => {
  const text = `@id("a") permit (principal, action, resource) when { context has target && context.target in ${place} };`;
  const request: ActionRequest = { ...BASE, action: { ...BASE.action, arguments: args } };
  expect(open({ "a.cedar": text }).decide(request).verdict).toBe(holds ? "permit" : "deny");
});

// --- what is not loaded ----------------------------------------------------------------------------------------

const FORBID = "forbid (principal, action, resource)";

test.each([
  ["no rule", "// nothing\n", "policy_missing", null, null],
  [
    "a syntax error behind other characters than ASCII",
    `${PERMIT} // é€😀\n  permit (nobody`,
    "policy_syntax",
    2,
    17,
  ],
  ["a template", `@id("t") permit (principal == ?principal, action, resource);`, "policy_syntax", 1, 1],
  ["no id", `${PERMIT}\n\n  ${FORBID};`, "policy_annotation", 3, 3],
  ["an unknown annotation", `${PERMIT}\n@id("b") @needs_aproval ${FORBID};`, "policy_annotation", 2, 1],
  ["a malformed quorum", `@id("b") @needs_approval @quorum("0") ${FORBID};`, "policy_annotation", 1, 1],
  [
    "approval of a permit",
    `@id("b") @needs_approval permit (principal, action, resource);`,
    "policy_annotation",
    1,
    1,
  ],
  ["one id twice", `${PERMIT}\n@id("all") ${FORBID};`, "policy_duplicate", 2, 1],
  ["the same rule twice", `${PERMIT}\n${PERMIT}`, "policy_duplicate", 1, 1],
  ["an unknown attribute", `@id("b") ${FORBID} when { context.taint };`, "policy_schema", 1, 1],
  [
    "an attribute that may be missing",
    `@id("b") ${FORBID} when { context.budget.tokens_left < 1 };`,
    "policy_schema",
    1,
    1,
  ],
  ["an unknown entity type", `@id("b") forbid (principal is User, action, resource);`, "policy_schema", 1, 1],
  [
    "an unknown action",
    `@id("b") forbid (principal, action == Action::"calll", resource);`,
    "policy_schema",
    1,
    1,
  ],
  [
    "a comparison of unlike things",
    `@id("b") ${FORBID} when { context.harm == "money" };`,
    "policy_schema",
    1,
    1,
  ],
  ["a forbid that can never apply", `@id("b") ${FORBID} when { false };`, "policy_schema", 1, 1],
  [
    "letters that look like others",
    `@id("b") ${FORBID} when { context.effect == "оnce" };`,
    "policy_schema",
    1,
    1,
  ],
])("%s refuses the whole set and says where", (_name, text, code, line, column) => {
  expect(refusal({ "rules.cedar": text })).toMatchObject({ code, file: "rules.cedar", line, column });
});

test("one bad file refuses the good ones with it", () => {
  expect(refusal({ "a.cedar": PERMIT, "b.cedar": "permit" })?.file).toBe("b.cedar");
});

const codeOf = (path: string): string | null => {
  const policies = openCedarPolicies({ folder: path });
  return policies.ok ? null : policies.error.code;
};

test("a folder is refused when it is missing, empty, or holds what is no text", () => {
  const folder = mkdtempSync(join(tmpdir(), "assent-policies-"));
  expect(codeOf(join(folder, "missing"))).toBe("policy_unreadable");
  expect(codeOf(folder)).toBe("policy_missing");
  writeFileSync(join(folder, "a.cedar"), PERMIT);
  expect(codeOf(folder)).toBeNull();
  writeFileSync(join(folder, "B.CEDAR"), Buffer.from([0x2f, 0x2f, 0xff, 0xfe]));
  expect(codeOf(folder)).toBe("policy_unreadable");
});

// --- version ---------------------------------------------------------------------------------------------------

const versionOf = (text: string): string => open({ "a.cedar": text }).version;
const limitRule = (limit: string, name = "a  b"): string =>
  `@id("a") permit (principal, action, resource) when { context.effect == "${name}" || context.amounts.getTag("x // y") > ${limit} };`;
const guardedRule = (limit: string, name?: string): string =>
  limitRule(limit, name).replace(
    "context.amounts.getTag",
    `context.amounts.hasTag("x // y") && context.amounts.getTag`,
  );

test("the version follows what the rules mean to say, not how they are laid out", () => {
  const base = versionOf(guardedRule("9223372036854775806"));
  expect(
    versionOf(
      `// a comment\n${guardedRule("9223372036854775806").replaceAll(" when", "\n  // why\r\n\twhen")}`,
    ),
  ).toBe(base);
  expect(versionOf(guardedRule("9223372036854775807"))).not.toBe(base);
  expect(versionOf(guardedRule("9223372036854775806", "a b"))).not.toBe(base);
  expect(
    versionOf(guardedRule("9223372036854775806").replace("// y", "// z").replace("// y", "// z")),
  ).not.toBe(base);
});

test("two sets are open at once and do not answer for each other", () => {
  const yes = open({ "a.cedar": PERMIT });
  const no = open({ "a.cedar": `@id("all") ${FORBID};` });
  expect([yes.decide(BASE).verdict, no.decide(BASE).verdict, yes.decide(BASE).verdict]).toEqual([
    "permit",
    "deny",
    "permit",
  ]);
});

// --- one evaluation says both what asks and what permits -------------------------------------------------------

test("a rule that asks is turned into the permit of the same condition, wherever else the word stands", () => {
  const rule = `// forbid it
@id("forbid") @description("forbid (everything) \\" forbid")
@needs_approval // forbid
forbid (principal, action, resource) when { principal.name == "forbid" } unless { context.texts.hasTag("forbid") };`;
  const asking = askingText(rule);
  expect(asking).toEqual({ ok: true, value: rule.replace(/^forbid \(/m, "permit (") });
});

test("what forbids nothing is not turned around", () => {
  for (const text of [PERMIT, `@id("a") @forbid`, "", `forbid`]) expect(askingText(text).ok).toBe(false);
});

// --- the same question is asked once ---------------------------------------------------------------------------

test("an answer that is kept is the answer of its question and of its set, and a failure is not kept", () => {
  const money = `@id("money") @needs_approval forbid (principal, action, resource) when { context.tainted };`;
  const [asks, permits] = [open({ "a.cedar": `${PERMIT} ${money}` }), open({ "a.cedar": PERMIT })];
  for (let time = 0; time < 3; time += 1) {
    expect(asks.decide(BASE).verdict).toBe("permit");
    expect(asks.decide({ ...BASE, tainted: true }).verdict).toBe("needs_approval");
    expect(asks.decide({ ...BASE, tainted: true, askable: false }).verdict).toBe("deny");
    expect(
      asks.decide({ ...BASE, tainted: true, requester: { ...BASE.requester, name: "\ud800" } }).verdict,
    ).toBe("needs_approval");
    expect(permits.decide({ ...BASE, tainted: true }).verdict).toBe("permit");
    expect(asks.decide(BASE, { tokensLeft: Number.NaN }).verdict).toBe("deny");
  }
});

test("more questions than are kept are all answered rightly", () => {
  const policies = open({
    "a.cedar": `@id("ben") permit (principal, action, resource) when { principal.name == "7" };`,
  });
  for (let time = 0; time < 2; time += 1)
    for (let at = 0; at < 2_300; at += 1) {
      const request = { ...BASE, requester: { ...BASE.requester, name: String(at) } };
      if (at % 100 !== 7 && at < 200) continue;
      expect([at, policies.decide(request).verdict]).toEqual([at, at === 7 ? "permit" : "deny"]);
    }
});
