import { expect, test } from "vitest";
import { verbsOf } from "./verbs.ts";

const asked = (code: string) => ({
  verdict: "needs_approval" as const,
  reasons: [{ code, detail: "why" }],
});

test.each([
  ["action", "needs_approval", ["Deny", "Approve once"]],
  ["in_doubt", "crashed", ["Give it up", "It did happen", "It did not happen: try again"]],
  [
    "in_doubt",
    "workspace_not_restored",
    ["End the run", "Go on without what it did", "Make it again, on a fresh copy"],
  ],
] as const)("what can be answered to %s (%s) says what comes of it", (subject, code, names) => {
  expect(verbsOf({ subject, decision: asked(code) }).map(({ name }) => name)).toEqual(names);
});

test("a yes and a no have a key each; what is said of an outcome has none", () => {
  const keys = verbsOf({ subject: "in_doubt", decision: asked("crashed") }).map(({ verb, key }) => [
    verb,
    key,
  ]);
  expect(keys).toEqual([
    ["deny", "d"],
    ["confirm", null],
    ["approve", "a"],
  ]);
});

test("a yes to a call that was changed says so", () => {
  const names = verbsOf({ subject: "action", decision: asked("needs_approval") }, true).map(
    ({ name }) => name,
  );
  expect(names).toEqual(["Deny", "Approve as changed"]);
});

test("an answer to several says to how many", () => {
  const names = verbsOf({ subject: "action", decision: asked("needs_approval") }, false, 3).map(
    ({ name }) => name,
  );
  expect(names).toEqual(["Deny all 3", "Approve all 3 once"]);
});
