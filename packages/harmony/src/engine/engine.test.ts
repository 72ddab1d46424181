import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { approvalPattern, type AgentAction } from "../domains/approval.ts";
import { fakeId } from "../ids.ts";
import { newPolicy } from "../policies.ts";
import { confidenceOf } from "../resolutions.ts";
import { ann, bob, moment, pattern, resolution, robot } from "../testing/samples.ts";
import type { Policy, PolicyInput, Question, Resolution } from "../types.ts";
import { PolicyAction, PolicyScope, ReasonCode } from "../vocabulary.ts";
import { ranked } from "./match.ts";
import { AUTO_CONFIDENCE_MIN, decide, PROPOSALS_MAX } from "./resolve.ts";

const asked = pattern("asked");
const question = (changes: Partial<Question> = {}): Question => ({
  pattern: asked,
  policies: [],
  exact: [],
  similar: [],
  ...changes,
});
const policy = (changes: Partial<PolicyInput> = {}): Policy =>
  newPolicy({
    scope: PolicyScope.REPO,
    action: PolicyAction.UNION,
    createdAt: moment(0),
    createdBy: bob,
    ...changes,
  });
const like = pattern("like");
const similar = { pattern: like, resolution: resolution(like), similarity: 0.9 };

describe("order: policy, exact, similar, escalate", () => {
  const exact = [resolution(asked)];
  test("a policy decides before any precedent", () => {
    const decision = decide(question({ policies: [policy()], exact, similar: [similar] }));
    expect(decision).toMatchObject({
      status: "applied",
      reason: ReasonCode.POLICY_STRATEGY,
      strategy: "union",
      provenance: bob,
      policyId: policy().policyId,
      resolutionId: null,
    });
  });

  test("a person's exact answer is replayed with its provenance", () => {
    expect(decide(question({ exact, similar: [similar] }))).toMatchObject({
      status: "applied",
      reason: ReasonCode.EXACT_VERIFIED,
      strategy: "text",
      result: "the answer\n",
      provenance: ann,
      resolutionId: exact[0]?.resolutionId,
    });
  });

  test("a similar answer is only proposed, however good", () => {
    const often = similar.resolution.with({ confirmedCount: 1_000 });
    const decision = decide(question({ similar: [{ ...similar, resolution: often, similarity: 1 }] }));
    expect(decision).toMatchObject({
      status: "proposed",
      reason: ReasonCode.SIMILAR,
      proposals: [{ provenance: ann, result: "the answer\n" }],
    });
  });

  test("nothing known is escalated", () => {
    expect(decide(question())).toMatchObject({
      status: "escalated",
      reason: ReasonCode.NO_PRECEDENT,
      proposals: [],
    });
  });
});

describe("what does not apply by itself", () => {
  test.each([
    ["an agent's answer", [resolution(asked, { resolvedBy: robot })], ReasonCode.EXACT_UNVERIFIED],
    [
      "answers that disagree",
      [resolution(asked, { confirmedCount: 50 }), resolution(asked, { result: "other", resolvedBy: robot })],
      ReasonCode.EXACT_DISAGREEMENT,
    ],
    [
      "an answer too often overridden",
      [resolution(asked, { overriddenCount: 3 })],
      ReasonCode.EXACT_LOW_CONFIDENCE,
    ],
  ])("%s is proposed", (_, exact, reason) => {
    const decision = decide(question({ exact }));
    expect(decision).toMatchObject({ status: "proposed", reason });
    expect(decision.status === "proposed" && decision.proposals).toHaveLength(exact.length);
  });

  test("a revoked answer is no answer", () => {
    const revoked = resolution(asked, { revokedAt: moment(20), revokedBy: ann });
    expect(decide(question({ exact: [revoked] })).status).toBe("escalated");
    const both = decide(question({ exact: [revoked, resolution(asked, { result: "new" })] }));
    expect(both).toMatchObject({ status: "applied", result: "new" });
    const elsewhere = { ...similar, resolution: similar.resolution.with({ revokedAt: moment(20) }) };
    expect(decide(question({ similar: [elsewhere] })).status).toBe("escalated");
  });

  test("an answer to another question or scope has no voice, whatever the caller passes", () => {
    expect(decide(question({ exact: [resolution(like)] })).status).toBe("escalated");
    const foreign = pattern("like", { scope: "tenant-2" });
    const passed = { pattern: foreign, resolution: resolution(foreign), similarity: 1 };
    expect(decide(question({ similar: [passed] })).status).toBe("escalated");
  });
});

describe("policies", () => {
  test("scopes are tried workspace, repo, domain, file; the first match wins", () => {
    const policies = [
      policy({ scope: PolicyScope.FILE, action: PolicyAction.OURS }),
      policy({ scope: PolicyScope.DOMAIN, action: PolicyAction.THEIRS }),
      policy({ scope: PolicyScope.REPO, action: PolicyAction.BASE }),
      policy({ scope: PolicyScope.WORKSPACE, action: PolicyAction.UNION }),
    ];
    const strategies: string[] = [];
    for (let left = policies; left.length > 0;) {
      const decision = decide(question({ policies: left }));
      if (decision.status !== "applied") break;
      strategies.push(decision.strategy);
      left = left.filter(({ policyId }) => policyId !== decision.policyId);
    }
    expect(strategies).toEqual(["union", "base", "theirs", "ours"]);
  });

  test("the order in which policies are passed does not matter", () => {
    const policies = Object.values(PolicyScope).flatMap((scope, i) => [
      policy({ scope, priority: 5 - i, action: PolicyAction.OURS }),
      policy({ scope, priority: i, action: PolicyAction.THEIRS }),
    ]);
    fc.assert(
      fc.property(fc.shuffledSubarray(policies, { minLength: policies.length }), (shuffled) => {
        expect(decide(question({ policies: shuffled }))).toEqual(decide(question({ policies })));
      }),
      { seed: 42 },
    );
  });

  test.each([
    [{ pathGlob: "src/*.ts" }, true],
    [{ pathGlob: "docs/**" }, false],
    [{ domain: "merge" }, true],
    [{ domain: "approval" }, false],
    [{ conflictType: "both_modified" }, true],
    [{ conflictType: "rename" }, false],
    [{ confidenceMin: 0.8 }, true],
    [{ confidenceMin: 0.9 }, false],
    [{ domain: "merge", pathGlob: "docs/**" }, false],
  ])("a policy on %j matches: %s", (condition, matches) => {
    const decision = decide(question({ policies: [policy({ condition })], exact: [resolution(asked)] }));
    expect(decision.reason === ReasonCode.POLICY_STRATEGY).toBe(matches);
  });

  test("a confidence condition never matches without a precedent", () => {
    expect(decide(question({ policies: [policy({ condition: { confidenceMin: 0 } })] })).status).toBe(
      "escalated",
    );
  });

  test("manual asks a person whatever is known, and still shows it", () => {
    const manual = policy({ action: PolicyAction.MANUAL });
    const decision = decide(question({ policies: [manual], exact: [resolution(asked)], similar: [similar] }));
    expect(decision).toMatchObject({ status: "escalated", reason: ReasonCode.POLICY_MANUAL });
    expect(decision.status === "escalated" && decision.proposals).toHaveLength(2);
  });

  test("auto lets the memory answer; it never makes an agent's answer apply", () => {
    const auto = policy({ action: PolicyAction.AUTO, condition: { confidenceMin: 0.1 } });
    const weak = resolution(asked, { overriddenCount: 3 });
    expect(decide(question({ policies: [auto], exact: [weak] })).status).toBe("applied");
    const unverified = resolution(asked, { resolvedBy: robot, confirmedCount: 99 });
    expect(decide(question({ policies: [auto], exact: [unverified] })).status).toBe("proposed");
  });
});

describe("a policy that wants more of a precedent", () => {
  const auto = (confidenceMin: number | null, changes: Partial<PolicyInput> = {}): Policy =>
    policy({ action: PolicyAction.AUTO, condition: { confidenceMin }, ...changes });
  const once = question({ exact: [resolution(asked)] });
  const statusUnder = (...policies: Policy[]): string => decide({ ...once, policies }).status;

  test("than the house does gets it: below it the answer is only proposed", () => {
    expect(statusUnder(auto(0.9))).toBe("proposed");
    const often = [resolution(asked, { confirmedCount: 5 })];
    expect(decide({ ...once, exact: often, policies: [auto(0.9)] }).status).toBe("applied");
  });

  test("elsewhere changes nothing, and a policy that says of itself what is enough is not overruled", () => {
    expect(statusUnder(auto(0.9, { condition: { confidenceMin: 0.9, pathGlob: "docs/**" } }))).toBe(
      "applied",
    );
    expect(statusUnder(auto(0.9), auto(0.5, { scope: PolicyScope.FILE }))).toBe("applied");
    expect(statusUnder(auto(0.9), auto(null, { scope: PolicyScope.FILE }))).toBe("proposed");
  });

  test("leaves what other policies answer to them", () => {
    expect(statusUnder(auto(0.9), policy({ scope: PolicyScope.FILE }))).toBe("applied");
  });
});

describe("what a program may not decide", () => {
  test("a rule of a program's own answers nothing; it can only ask for a person", () => {
    const own = (action: PolicyAction): Policy => policy({ action, createdBy: robot });
    for (const action of Object.values(PolicyAction).filter((each) => each !== PolicyAction.MANUAL))
      expect(decide(question({ policies: [own(action)] })).status).toBe("escalated");
    const weak = [resolution(asked, { overriddenCount: 3 })];
    const low = policy({
      action: PolicyAction.AUTO,
      condition: { confidenceMin: 0.1 },
      createdBy: robot,
    });
    expect(decide(question({ policies: [low], exact: weak })).status).toBe("proposed");
    const manual = own(PolicyAction.MANUAL);
    expect(decide(question({ policies: [manual], exact: [resolution(asked)] })).reason).toBe(
      ReasonCode.POLICY_MANUAL,
    );
  });

  test("which of two people is right: one that a program revoked still contradicts", () => {
    const kept = resolution(asked);
    const gone = (by: typeof ann, of = ann): Resolution =>
      resolution(asked, { result: "other\n", resolvedBy: of, revokedAt: moment(20), revokedBy: by });
    expect(decide(question({ exact: [kept, gone(robot)] }))).toMatchObject({
      status: "proposed",
      reason: ReasonCode.EXACT_DISAGREEMENT,
    });
    expect(decide(question({ exact: [kept, gone(bob)] })).status).toBe("applied");
    // What a program said itself it may take back.
    expect(decide(question({ exact: [kept, gone(robot, robot)] })).status).toBe("applied");
    expect(decide(question({ exact: [gone(robot)] })).status).toBe("escalated");
  });
});

describe("ranking and confidence", () => {
  test("human verification, then confidence, then use, then the newer", () => {
    const best = resolution(asked, { result: "1", confirmedCount: 3, appliedCount: 2 });
    const used = resolution(asked, { result: "2", confirmedCount: 3, appliedCount: 1 });
    const newer = resolution(asked, { result: "3", confirmedCount: 2, resolvedAt: moment(30) });
    const older = resolution(asked, { result: "4", confirmedCount: 2 });
    const agents = resolution(asked, { result: "5", confirmedCount: 99, resolvedBy: robot });
    const order = [best, used, newer, older, agents];
    fc.assert(
      fc.property(fc.shuffledSubarray(order, { minLength: order.length }), (shuffled) => {
        expect(ranked(shuffled)).toEqual(order);
      }),
      { seed: 42 },
    );
  });

  test("confidence is counted: it rises with every confirmation, falls with every override, and is never certain", () => {
    const count = fc.nat({ max: 500 });
    fc.assert(
      fc.property(count, count, (confirmedCount, overriddenCount) => {
        const evidence = { appliedCount: 0, confirmedCount, overriddenCount };
        const confidence = confidenceOf(evidence);
        expect(confidence).toBeGreaterThan(0);
        expect(confidence).toBeLessThan(1);
        expect(confidenceOf({ ...evidence, confirmedCount: confirmedCount + 1 })).toBeGreaterThan(confidence);
        expect(confidenceOf({ ...evidence, overriddenCount: overriddenCount + 1 })).toBeLessThan(confidence);
      }),
      { seed: 42 },
    );
  });

  test("one person's answer starts at the measured 0.83 and may be replayed; one override stops that", () => {
    expect(confidenceOf(resolution(asked))).toBeCloseTo(5 / 6);
    const status = (overriddenCount: number): string =>
      decide(question({ exact: [resolution(asked, { overriddenCount })] })).status;
    expect([0, 1].map(status)).toEqual(["applied", "proposed"]);
  });
});

test("whatever is remembered: only a policy, or a verified, uncontradicted, trusted exact answer in force applies", () => {
  const answer = fc.record({
    result: fc.constantFrom("a", "b"),
    human: fc.boolean(),
    confirmedCount: fc.nat({ max: 5 }),
    overriddenCount: fc.nat({ max: 5 }),
    revoked: fc.boolean(),
  });
  const build = (each: typeof answer extends fc.Arbitrary<infer T> ? T : never): Resolution =>
    resolution(asked, {
      result: each.result,
      resolvedBy: each.human ? ann : robot,
      confirmedCount: each.confirmedCount,
      overriddenCount: each.overriddenCount,
      ...(each.revoked ? { revokedAt: moment(50), revokedBy: ann } : {}),
    });
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 3 }), fc.boolean(), (answers, hasSimilar) => {
      const exact = [...new Map(answers.map((each) => [each.result, build(each)])).values()];
      const decision = decide(question({ exact, similar: hasSimilar ? [similar] : [] }));
      const inForce = exact.filter(({ revokedAt }) => revokedAt === null);
      const [only] = inForce;
      const mayApply =
        inForce.length === 1 &&
        only !== undefined &&
        only.humanVerified &&
        confidenceOf(only) >= AUTO_CONFIDENCE_MIN;
      expect(decision.status === "applied").toBe(mayApply);
      expect(decision.status === "escalated").toBe(inForce.length === 0 && !hasSimilar);
      if (decision.status === "proposed")
        expect(decision.proposals.length).toBeLessThanOrEqual(PROPOSALS_MAX);
    }),
    { seed: 42, numRuns: 1_000 },
  );
});

describe("the approval domain", () => {
  const action: AgentAction = {
    scope: "tenant-1",
    tool: "send_mail",
    toolVersion: "1",
    manifestDigest: fakeId("manifest"),
    argumentsDigest: fakeId("to a"),
    argumentDigests: { to: fakeId("a"), body: fakeId("hi") },
    labels: ["trusted:user", "untrusted:web"],
  };
  const of = (changes: Partial<AgentAction> = {}): ReturnType<typeof approvalPattern> =>
    approvalPattern({ ...action, ...changes }, robot, moment(0));

  test("assent is exact: changing anything it binds to is another question", () => {
    const changed: Partial<AgentAction>[] = [
      { scope: "tenant-2" },
      { tool: "send_fax" },
      { toolVersion: "2" },
      { manifestDigest: fakeId("other") },
      { argumentsDigest: fakeId("to b") },
      { labels: ["trusted:user"] },
      { labels: ["trusted:user,untrusted:web"] },
    ];
    const ids = [{}, ...changed].map((changes) => of(changes).patternId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(of({ labels: ["untrusted:web", "trusted:user", "trusted:user"] }).patternId).toBe(of().patternId);
  });

  test("the same tool with the same argument names is of the same shape, whatever the values", () => {
    const other = {
      argumentsDigest: fakeId("to b"),
      argumentDigests: { body: fakeId("x"), to: fakeId("b") },
    };
    expect(of(other).semanticFingerprint).toBe(of().semanticFingerprint);
    expect(of({ argumentDigests: { to: fakeId("a") } }).semanticFingerprint).not.toBe(
      of().semanticFingerprint,
    );
    expect(of({ tool: "send_fax" }).semanticFingerprint).not.toBe(of().semanticFingerprint);
  });

  test("an action of no scope is refused: nobody's decision would be everybody's", () => {
    expect(() => of({ scope: "" })).toThrow(expect.objectContaining({ code: "invalid_record" }));
  });
});
