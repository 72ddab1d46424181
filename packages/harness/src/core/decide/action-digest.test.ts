import { createHash } from "node:crypto";
import type { Action } from "@assent/contract";
import { expect, test } from "vitest";
import type { ArgumentLabels } from "./action-request.ts";
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

const labels: ArgumentLabels = {
  "/to": { origin: "trusted", sources: [{ source: "task", start: 0, end: 1 }] },
  "/amount": { origin: "model", sources: [] },
};

test("assent is exact: changing anything it binds to gives another digest", () => {
  const variants = [
    actionDigest(action, labels, null, scope),
    actionDigest({ ...action, tool: "send_mail" }, labels, null, scope),
    actionDigest({ ...action, tool_version: "2" }, labels, null, scope),
    actionDigest({ ...action, manifest_digest: `sha256:${"b".repeat(64)}` }, labels, null, scope),
    actionDigest({ ...action, effect: "none" }, labels, null, scope),
    actionDigest({ ...action, harm: [] }, labels, null, scope),
    actionDigest({ ...action, arguments: { ...action.arguments, amount: 10.5 } }, labels, null, scope),
    actionDigest({ ...action, arguments: { ...action.arguments, amount: "10" } }, labels, null, scope),
    actionDigest({ ...action, arguments: { ...action.arguments, extra: null } }, labels, null, scope),
    actionDigest(
      { ...action, arguments: { ...action.arguments, note: { text: "x", tags: ["b", "a"] } } },
      labels,
      null,
      scope,
    ),
    actionDigest(action, labels, "sha256:before", scope),
    actionDigest(action, { ...labels, "/to": { origin: "untrusted", sources: [] } }, null, scope),
    actionDigest(action, {}, null, scope),
    actionDigest(action, labels, null, { ...scope, seq: 4 }),
    actionDigest(action, labels, null, { ...scope, run: `run_${"1".repeat(32)}` }),
    actionDigest(action, labels, null, { ...scope, tenant: `ten_${"1".repeat(32)}` }),
  ];
  expect(new Set(variants).size).toBe(variants.length);
});

test("the order in which arguments are written changes nothing", () => {
  const reordered: Action = {
    ...action,
    arguments: { note: { tags: ["a", "b"], text: "x" }, amount: 10, to: "A" },
  };
  expect(actionDigest(reordered, labels, null, scope)).toBe(actionDigest(action, labels, null, scope));
});

test("an effect has one id in every attempt, and no two steps share one", () => {
  expect(effectId(action, scope)).toBe(effectId({ ...action }, { ...scope }));
  expect(effectId(action, { ...scope, seq: 4 })).not.toBe(effectId(action, scope));
});

test("digest and effect id are of their own written form, which what is stored rests on", () => {
  const written = (domain: string, canonical: string): string =>
    `sha256:${createHash("sha256").update(`assent/${domain}/v1\n${canonical}`).digest("hex")}`;
  const where = `"scope":{"run":"${scope.run}","seq":3,"tenant":"${scope.tenant}"}`;
  const args = '"arguments":{"amount":10,"note":{"tags":["a","b"],"text":"x"},"to":"A"}';
  const whole = `"action":{${args},"effect":"once","harm":["money"],"manifest_digest":"${action.manifest_digest}","tool":"send_money","tool_version":"1"}`;
  const origins = '"origins":{"/amount":"model","/to":"trusted"}';
  expect(actionDigest(action, labels, null, scope)).toBe(
    written("action", `{${whole},${origins},"precondition":null,${where}}`),
  );
  expect(effectId(action, scope)).toBe(written("effect", `{${args},${where},"tool":"send_money"}`));
});
