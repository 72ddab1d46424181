import { describe, expect, test } from "vitest";
import type { ToolStep } from "../run/journal.ts";
import { afterAlarm } from "./alarm.ts";
import { circumstancesOf } from "./circumstances.ts";
import type { ActionRequest } from "./action-request.ts";
import type { PolicyVerdict } from "./policy-verdict.ts";

const ARGS = { to: "anna@corp.example", list: [1, { b: 2, a: 1 }] };

function step(
  given: Partial<Pick<ToolStep, "state">> & {
    readonly name?: string;
    readonly args?: unknown;
    readonly tainted?: boolean;
  },
): ToolStep {
  const name = given.name ?? "send";
  return {
    seq: 1,
    kind: "tool",
    name,
    state: given.state ?? "succeeded",
    effect: "once",
    request: {
      kind: "tool",
      callId: "c",
      action: {
        tool: name,
        tool_version: "1",
        manifest_digest: `sha256:${"0".repeat(64)}`,
        effect: "once",
        harm: ["egress"],
        arguments: { ...(given.args ?? ARGS) },
      },
      judgement: {
        labels: {},
        controlArguments: [],
        tainted: given.tainted ?? true,
        askable: true,
        planned: false,
        policyVersion: `sha256:${"0".repeat(64)}`,
      },
      actionDigest: `sha256:${"0".repeat(64)}`,
      effectId: `sha256:${"0".repeat(64)}`,
      precondition: null,
    },
    decision: null,
    approvalId: null,
    outcome: null,
    error: null,
    retriedBySeq: null,
    startedAt: new Date(0),
    finishedAt: null,
  };
}

const CALL = { tool: "send", arguments: ARGS };
const of = (...journal: ToolStep[]): ReturnType<typeof circumstancesOf> =>
  circumstancesOf(CALL, { named: new Set(), pieced: false, alarm: 0 }, journal);

describe("repeated", () => {
  test.each(["intended", "succeeded", "in_doubt"] as const)(
    "a call that is %s is not made unseen again",
    (state) => {
      expect(of(step({ state })).repeated).toBe(true);
    },
  );

  test("in whatever order the members stand", () => {
    expect(of(step({ args: { list: [1, { a: 1, b: 2 }], to: ARGS.to } })).repeated).toBe(true);
  });

  test.each(["failed", "refused"] as const)("what was %s may be tried again", (state) => {
    expect(of(step({ state })).repeated).toBe(false);
  });

  test("another tool, or one other value, is another call", () => {
    expect(of(step({ name: "post" })).repeated).toBe(false);
    expect(of(step({ args: { ...ARGS, to: "ben@corp.example" } })).repeated).toBe(false);
    expect(of(step({ args: { ...ARGS, more: null } })).repeated).toBe(false);
    expect(of().repeated).toBe(false);
  });
});

describe("named", () => {
  test("by the requester's words", () => {
    expect(circumstancesOf(CALL, { named: new Set(["send"]), pieced: false, alarm: 0 }, []).named).toBe(true);
    expect(circumstancesOf(CALL, { named: new Set(["post"]), pieced: false, alarm: 0 }, []).named).toBe(
      false,
    );
  });

  test("by its use before anything untrusted was read, and by no other use", () => {
    expect(of(step({ tainted: false, args: { to: "x" } })).named).toBe(true);
    expect(of(step({ tainted: true, args: { to: "x" } })).named).toBe(false);
    expect(of(step({ tainted: false, state: "refused" })).named).toBe(false);
    expect(of(step({ tainted: false, name: "post" })).named).toBe(false);
  });
});

describe("an alarm", () => {
  const request = (over: Partial<ActionRequest>, alarm: number): ActionRequest => ({
    tenant: `ten_${"0".repeat(32)}`,
    run: `run_${"0".repeat(32)}`,
    requester: { id: `prn_${"0".repeat(32)}`, kind: "human", name: "anna" },
    agent: { name: "a", version: "1" },
    action: step({}).request.action,
    controlArguments: [],
    labels: {},
    tainted: true,
    askable: true,
    planned: false,
    circumstances: { named: true, repeated: false, pieced: false, alarm },
    ...over,
  });
  const PERMIT: PolicyVerdict = { verdict: "permit", reasons: [], assent: null };
  const DENY: PolicyVerdict = { verdict: "deny", reasons: [], assent: null };

  test("makes a permit a question, and leaves every other verdict as it is", () => {
    expect(afterAlarm(request({}, 0.9), PERMIT)).toMatchObject({
      verdict: "needs_approval",
      reasons: [{ code: "text_guard" }],
      assent: { quorum: 1 },
    });
    expect(afterAlarm(request({}, 0.9), DENY)).toBe(DENY);
    const asked = afterAlarm(request({}, 0.9), PERMIT);
    expect(afterAlarm(request({}, 0.9), asked)).toBe(asked);
    expect(afterAlarm(request({}, Number.NaN), PERMIT).verdict).toBe("needs_approval");
  });

  test("never relaxes, never denies, and keeps out of reads and of what a person agreed to", () => {
    for (const alarm of [0, 0.49]) expect(afterAlarm(request({}, alarm), PERMIT)).toBe(PERMIT);
    expect(afterAlarm(request({ askable: false }, 0.9), PERMIT)).toBe(PERMIT);
    expect(afterAlarm(request({ planned: true }, 0.9), PERMIT)).toBe(PERMIT);
    const read = { ...step({}).request.action, effect: "none" as const, harm: [] };
    expect(afterAlarm(request({ action: read }, 0.9), PERMIT)).toBe(PERMIT);
    const marking = { ...read, harm: ["write" as const] };
    expect(afterAlarm(request({ action: marking }, 0.9), PERMIT).verdict).toBe("needs_approval");
  });
});
