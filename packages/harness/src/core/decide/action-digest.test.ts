import type { Action } from "@assent/contract";
import { expect, test } from "vitest";
import { actionDigest, type ActionScope, effectId } from "./action-digest.ts";

const scope: ActionScope = { tenant: `ten_${"0".repeat(32)}`, run: `run_${"0".repeat(32)}`, seq: 3 };
const action: Action = {
  tool: "send_money",
  tool_version: "1",
  manifest_digest: `sha256:${"a".repeat(64)}`,
  effect: "once",
  harm: ["money"],
  arguments: { to: "A", amount: 10, note: { text: "x", tags: ["a", "b"] } },
};

test("assent is exact: changing anything it binds to gives another digest", () => {
  const variants = [
    actionDigest(action, null, scope),
    actionDigest({ ...action, tool: "send_mail" }, null, scope),
    actionDigest({ ...action, tool_version: "2" }, null, scope),
    actionDigest({ ...action, manifest_digest: `sha256:${"b".repeat(64)}` }, null, scope),
    actionDigest({ ...action, effect: "none" }, null, scope),
    actionDigest({ ...action, harm: [] }, null, scope),
    actionDigest({ ...action, arguments: { ...action.arguments, amount: 10.5 } }, null, scope),
    actionDigest({ ...action, arguments: { ...action.arguments, amount: "10" } }, null, scope),
    actionDigest({ ...action, arguments: { ...action.arguments, extra: null } }, null, scope),
    actionDigest(
      { ...action, arguments: { ...action.arguments, note: { text: "x", tags: ["b", "a"] } } },
      null,
      scope,
    ),
    actionDigest(action, "sha256:before", scope),
    actionDigest(action, null, { ...scope, seq: 4 }),
    actionDigest(action, null, { ...scope, run: `run_${"1".repeat(32)}` }),
    actionDigest(action, null, { ...scope, tenant: `ten_${"1".repeat(32)}` }),
  ];
  expect(new Set(variants).size).toBe(variants.length);
});

test("the order in which arguments are written changes nothing", () => {
  const reordered: Action = {
    ...action,
    arguments: { note: { tags: ["a", "b"], text: "x" }, amount: 10, to: "A" },
  };
  expect(actionDigest(reordered, null, scope)).toBe(actionDigest(action, null, scope));
});

test("an effect has one id in every attempt, and no two steps share one", () => {
  expect(effectId(action, scope)).toBe(effectId({ ...action }, { ...scope }));
  expect(effectId(action, { ...scope, seq: 4 })).not.toBe(effectId(action, scope));
});
