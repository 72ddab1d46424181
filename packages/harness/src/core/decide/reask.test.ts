import { expect, test } from "vitest";
import type { PolicyVerdict } from "./policy-verdict.ts";
import { type AskedUnder, type Present, reask } from "./reask.ts";

const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;
const one = { quorum: 1, separateDuties: false, timeoutMs: 1_000, onTimeout: "deny" } as const;
const two = { ...one, quorum: 2 };

const asked: AskedUnder = {
  policyVersion: digest("a"),
  manifestDigest: digest("b"),
  destination: "destination:a",
  agentVersion: digest("c"),
  requirement: one,
};
const wants: PolicyVerdict = { verdict: "needs_approval", reasons: [], assent: one };
const denies: PolicyVerdict = {
  verdict: "deny",
  reasons: [{ code: "forbidden", detail: "No." }],
  assent: null,
};
const permits: PolicyVerdict = { verdict: "permit", reasons: [], assent: null };
const present: Present = { ...asked, verdict: wants };
const nothing = { tool: [], agent: [] };
const codes = (now: Present): unknown => {
  const result = reask(asked, now, nothing);
  return result.outcome === "asked_again" ? result.reasons.map(({ code }) => code) : result.outcome;
};

test.each<readonly [string, Partial<Present>, unknown]>([
  ["nothing changed", {}, "unchanged"],
  ["the rules changed elsewhere", { policyVersion: digest("d") }, "unchanged"],
  ["the rules want nothing any more", { policyVersion: digest("d"), verdict: permits }, "unchanged"],
  [
    "the rules want two people",
    { policyVersion: digest("d"), verdict: { ...wants, assent: two } },
    ["rules_changed"],
  ],
  ["the rules forbid", { policyVersion: digest("d"), verdict: denies }, "denied"],
  ["the tool is another", { manifestDigest: digest("d") }, ["tool_changed"]],
  [
    "the tool is another, and the rules would let it pass",
    { manifestDigest: digest("d"), verdict: permits },
    ["tool_changed"],
  ],
  [
    "the tool is another, and the rules forbid that one",
    { manifestDigest: digest("d"), verdict: denies },
    "denied",
  ],
  ["its calls go elsewhere", { destination: "destination:b" }, ["tool_moved"]],
  [
    "its calls go elsewhere, and the rules would let it pass",
    { destination: null, verdict: permits },
    ["tool_moved"],
  ],
  [
    "its calls go elsewhere, and the rules forbid it",
    { destination: "destination:b", verdict: denies },
    "denied",
  ],
  ["the tool is gone", { manifestDigest: null, verdict: permits }, "denied"],
  ["the agent is another", { agentVersion: digest("d") }, ["agent_changed"]],
  ["the agent is gone", { agentVersion: null }, ["agent_changed"]],
  [
    "all of it",
    {
      policyVersion: digest("d"),
      manifestDigest: digest("e"),
      agentVersion: null,
      verdict: { ...wants, assent: two },
    },
    ["rules_changed", "tool_changed", "agent_changed"],
  ],
])("%s", (_what, change, expected) => {
  expect(codes({ ...present, ...change })).toEqual(expected);
});

test("a question that is put again wants what the rules want now, or what they wanted", () => {
  const tool = { manifestDigest: digest("d") };
  expect(reask(asked, { ...present, ...tool, verdict: { ...wants, assent: two } }, nothing)).toMatchObject({
    requirement: two,
  });
  expect(reask(asked, { ...present, ...tool, verdict: permits }, nothing)).toMatchObject({
    requirement: one,
  });
});

test("a difference that nobody could read to its end is cut", () => {
  const result = reask(
    asked,
    { ...present, manifestDigest: digest("d") },
    { tool: ["x".repeat(50_000)], agent: [] },
  );
  expect(JSON.stringify(result).length).toBeLessThan(13_000);
});

const sentences = (now: Partial<Present>, was: Partial<AskedUnder> = {}): readonly string[] => {
  const result = reask(
    { ...asked, ...was },
    { ...present, ...now },
    { tool: ["- a", "+ b"], agent: ["- c"] },
  );
  return result.outcome === "unchanged" ? [] : result.reasons.map(({ code, detail }) => `${code}: ${detail}`);
};

test.each<readonly [string, Partial<Present>, Partial<AskedUnder>, string]>([
  ["the tool is gone", { manifestDigest: null }, {}, "tool_changed: There is no such tool any more."],
  [
    "the rules want another assent",
    { policyVersion: digest("d"), verdict: { ...wants, assent: two } },
    {},
    "rules_changed: The rules have changed since it was asked, and want another assent now.",
  ],
  [
    "the tool is another",
    { manifestDigest: digest("d") },
    {},
    "tool_changed: The tool has changed since it was asked.\n- a\n+ b",
  ],
  [
    "its calls go elsewhere",
    { destination: "destination:b" },
    {},
    "tool_moved: The tool's calls go elsewhere since it was asked.",
  ],
  [
    "its calls go nowhere outside any more",
    { destination: null },
    {},
    "tool_moved: The tool's calls go elsewhere since it was asked.",
  ],
  [
    "where they went was not noted",
    {},
    { destination: null },
    "tool_moved: Where the tool's calls go was not noted when it was asked.",
  ],
  [
    "the agent is another",
    { agentVersion: digest("d") },
    {},
    "agent_changed: The agent has changed since it was asked; the run goes on as it was defined.\n- c",
  ],
  [
    "the agent is gone",
    { agentVersion: null },
    {},
    "agent_changed: The agent is not defined any more; the run goes on as it was defined.\n- c",
  ],
])("an approver is told what changed: %s", (_, now, was, sentence) => {
  expect(sentences(now, was)).toEqual([sentence]);
});

test("rules that want other things, under the version that was asked about, ask nobody again", () => {
  // Another requirement without another version was there when it was asked.
  expect(sentences({ verdict: { ...wants, assent: two } })).toEqual([]);
  expect(
    sentences({ manifestDigest: digest("d"), verdict: { ...wants, assent: two } }).map((said) =>
      said.slice(0, 12),
    ),
  ).toEqual(["tool_changed"]);
  // What is denied now, while nothing of what the yes rests on is another: it was asked about all the same.
  expect(reask(asked, { ...present, verdict: denies }, nothing)).toEqual({ outcome: "unchanged" });
});

test("a refusal by the rules of now says what they say", () => {
  expect(reask(asked, { ...present, policyVersion: digest("d"), verdict: denies }, nothing)).toEqual({
    outcome: "denied",
    reasons: denies.reasons,
  });
});

test("a reason is whole up to its limit, and says that it was cut beyond", () => {
  const detail = (length: number): string => {
    const [first = ""] = sentencesOf(length);
    return first;
  };
  const sentencesOf = (length: number): readonly string[] => {
    const sentence = "The tool has changed since it was asked.\n";
    const result = reask(
      asked,
      { ...present, manifestDigest: digest("d") },
      { tool: ["x".repeat(length - sentence.length)], agent: [] },
    );
    return result.outcome === "asked_again" ? result.reasons.map((reason) => reason.detail) : [];
  };
  expect(detail(12_000)).toHaveLength(12_000);
  expect(detail(12_000).endsWith("x")).toBe(true);
  expect(detail(12_001)).toHaveLength(12_001);
  expect(detail(12_001).endsWith("x…")).toBe(true);
});
