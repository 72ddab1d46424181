import { expect, test } from "vitest";
import { digestOf } from "../../base/digest.ts";
import type { ArgumentLabels } from "./action-request.ts";
import { type Compared, type ComparedQuestion, compareQuestions } from "./compare-questions.ts";

const VERSION = digestOf("policies", "one");

const question = (
  args: Readonly<Record<string, unknown>>,
  change: Partial<ComparedQuestion> = {},
): ComparedQuestion => ({
  action: { tool_version: "1", manifest_digest: digestOf("manifest", 1), arguments: args },
  labels: {},
  reasons: [{ code: "needs_approval", policy: "ask", detail: "It asks." }],
  policyVersion: VERSION,
  agentVersion: digestOf("agent", 1),
  workspace: null,
  precondition: null,
  requester: "ann",
  ...change,
});

const compare = (before: ComparedQuestion, now: ComparedQuestion): Compared =>
  compareQuestions(before, now, before.action.arguments);

const origins = (by: Readonly<Record<string, "trusted" | "untrusted" | "model">>): ArgumentLabels =>
  Object.fromEntries(Object.entries(by).map(([pointer, origin]) => [pointer, { origin, sources: [] }]));

test("the same question differs in nothing", () => {
  const same = question({ to: "ann", rows: [{ a: 1 }, []], "a/b~c": { x: null } });
  expect(compare(same, same)).toEqual({
    differs: "nothing that is kept of it",
    arguments: [],
    arguments_more: 0,
    circumstances: [],
  });
});

test("each value that differs is told by its place, with what was there and who chose it", () => {
  const before = question(
    { to: "ann", rows: [{ a: 1 }, { a: 2 }], gone: true, "a/b": "x", kind: { deep: 1 } },
    { labels: origins({ "/to": "trusted", "/rows/0/a": "trusted", "/gone": "model" }) },
  );
  const now = question(
    { to: "ben", rows: [{ a: 1 }], "a/b": "y", kind: "flat", more: [1] },
    { labels: origins({ "/to": "untrusted", "/rows/0/a": "model" }) },
  );
  const { arguments: told, differs } = compare(before, now);
  expect(told.map(({ pointer, difference, value, origin }) => [pointer, difference, value, origin])).toEqual([
    ["/to", "value", "ann", "trusted"],
    ["/rows/0/a", "origin", null, "trusted"],
    ["/rows/1", "left_out", '{"a":2}', null],
    ["/a~1b", "value", "x", null],
    ["/kind", "value", '{"deep":1}', null],
    ["/more", "added", null, null],
    ["/gone", "left_out", "true", "model"],
  ]);
  expect(told.map(({ is_text: isText }) => isText)).toEqual([true, false, false, true, false, false, false]);
  expect(differs).toBe(
    "other values: /to, /a~1b, /kind; the same value, chosen by somebody else: /rows/0/a; new: /more; left out: /rows/1, /gone",
  );
});

test("what the earlier call held is told as it may be shown, also where all of it was taken out", () => {
  const before = question({ password: "hunter2", token: { a: "b" } });
  const { arguments: told } = compareQuestions(before, question({ password: "other", token: 1 }), {
    password: "[redacted]",
  });
  expect(told.map(({ value }) => value)).toEqual(["[redacted]", "(taken out)"]);
  expect(JSON.stringify(told)).not.toContain("hunter2");
});

test("long values are cut between characters, with their length; of many so many are told, and how many more", () => {
  const long = compare(question({ text: "😀".repeat(2_000) }), question({ text: "" })).arguments[0];
  expect(long?.value).toBe(`${"😀".repeat(1_000)}…`);
  expect(long?.length_chars).toBe(4_000);
  const odd = compare(question({ text: `a${"😀".repeat(2_000)}` }), question({ text: "" })).arguments[0];
  expect(odd?.value).toBe(`a${"😀".repeat(999)}…`);
  const many = (by: number): ComparedQuestion =>
    question(Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`n${at}`, at * by])));
  const told = compare(many(1), many(2));
  // The zeroth is the same.
  expect([told.arguments.length, told.arguments_more]).toEqual([100, 149]);
  expect(told.differs).toBe("other values: /n1, /n2, /n3 and 246 more");
});

test("what differs and is no argument is told: tool, agent, workspace, rules, requester", () => {
  const before = question({ a: 1 });
  const now = question(
    { a: 1 },
    {
      action: { tool_version: "2", manifest_digest: digestOf("manifest", 2), arguments: { a: 1 } },
      agentVersion: null,
      workspace: "docs",
      precondition: "sha256:of a file",
      reasons: [
        { code: "needs_approval", policy: "ask", detail: "" },
        { code: "text_guard", detail: "" },
      ],
      requester: "ben",
    },
  );
  const told = compare(before, now);
  expect(told.arguments).toEqual([]);
  expect(told.circumstances).toEqual([
    { what: "tool_version", before: "1", now: "2" },
    { what: "tool_definition", before: digestOf("manifest", 1), now: digestOf("manifest", 2) },
    { what: "agent", before: digestOf("agent", 1), now: null },
    { what: "workspace", before: null, now: "docs" },
    { what: "found", before: null, now: null },
    { what: "asking_rules", before: "ask", now: "ask, the text guard" },
    { what: "requester", before: "ann", now: "ben" },
  ]);
  expect(told.differs).toBe(
    "the tool's version; the tool's definition; the agent's definition; the workspace; what the tool found there; the rules that ask; who asked for the run",
  );
});

test("other rules were loaded, and the same of them asked", () => {
  const now = question({ a: 1 }, { policyVersion: digestOf("policies", "two") });
  expect(compare(question({ a: 1 }), now).circumstances).toEqual([
    { what: "rules", before: VERSION, now: digestOf("policies", "two") },
  ]);
});

test("values that are nested without end are compared, as a whole where they are too deep", () => {
  const nest = (leaf: unknown, depth: number): unknown => (depth === 0 ? leaf : [nest(leaf, depth - 1)]);
  const { arguments: told } = compare(question({ a: nest(1, 60) }), question({ a: nest(2, 60) }));
  expect(told.map(({ pointer }) => pointer)).toEqual([`/a${"/0".repeat(31)}`]);
});
