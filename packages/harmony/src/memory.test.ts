// The memory in use, over the file store: what a question goes through from first asked to answered for good.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openFsStore } from "./fs-store.ts";
import { fakeId } from "./ids.ts";
import * as memory from "./memory.ts";
import type { HarmonyStore } from "./store.ts";
import { quickOperations } from "./testing/faulty-operations.ts";
import { newRoot } from "./testing/root.ts";
import { ann, bob, moment, pattern, resolution, robot } from "./testing/samples.ts";
import type { Policy } from "./types.ts";
import { AuditEventType, EscalationStatus, PolicyAction, PolicyScope, ReasonCode } from "./vocabulary.ts";

const open = (): HarmonyStore => openFsStore(newRoot(), { ...quickOperations });
const asked = pattern("asked");
const text = { strategy: "text", result: "the answer\n", rationale: "because" };
const events = async (store: HarmonyStore): Promise<string[]> =>
  (await store.listAudit()).toReversed().map(({ eventType }) => eventType);

test("asked, escalated, answered by a person, then answered from memory with that provenance", async () => {
  const store = open();
  const first = await memory.ask(store, asked, { actor: robot, at: moment(1) });
  expect(first).toMatchObject({ status: "escalated", reason: ReasonCode.NO_PRECEDENT });
  const [waiting] = await store.listEscalations({ status: EscalationStatus.OPEN });
  expect(waiting).toMatchObject({ patternId: asked.patternId, escalatedBy: robot });

  await memory.resolve(store, waiting?.escalationId ?? "", text, { actor: ann, at: moment(2) });
  expect(await store.listEscalations({ status: EscalationStatus.OPEN })).toEqual([]);

  const second = await memory.ask(store, asked, { actor: robot, at: moment(3) });
  expect(second).toMatchObject({ status: "applied", provenance: ann, result: "the answer\n" });
  expect(await events(store)).toEqual([
    AuditEventType.PATTERN_RECORDED,
    AuditEventType.ESCALATION_RECORDED,
    AuditEventType.ESCALATION_RESOLVED,
    AuditEventType.RESOLUTION_SAVED,
    AuditEventType.RESOLUTION_APPLIED,
  ]);
  const [applied] = await store.listAudit({ eventType: AuditEventType.RESOLUTION_APPLIED });
  expect(applied).toMatchObject({
    actor: robot,
    patternId: asked.patternId,
    metadata: { reason: "exact_verified", provenance: { type: "human", principal_id: "ann" } },
  });
  expect((await memory.best(store, asked.patternId))?.resolution).toMatchObject({ appliedCount: 1 });
});

test("an answer that is taken back while it is being applied is not applied, and not counted", async () => {
  const store = open();
  const given = await memory.answer(store, asked.patternId, text, { actor: ann, at: moment(1) });
  const late: HarmonyStore = {
    ...store,
    // Between its being read and its being applied.
    listResolutions: async (id) => {
      const read = await store.listResolutions(id);
      await memory.revoke(store, id, given.resolutionId, { actor: bob, at: moment(2) }, "wrong");
      return read;
    },
  };
  const decision = await memory.ask(late, asked, { actor: robot, at: moment(3) });
  expect(decision).toMatchObject({ status: "escalated" });
  expect(await store.listAudit({ eventType: AuditEventType.RESOLUTION_APPLIED })).toEqual([]);
  expect(await store.loadResolution(asked.patternId, given.resolutionId)).toMatchObject({ appliedCount: 0 });
});

test("an exact answer does not look through the memory; only a question without one does", async () => {
  const store = open();
  let searches = 0;
  const counting: HarmonyStore = {
    ...store,
    findSimilar: async (of, limit) => {
      searches += 1;
      return await store.findSimilar(of, limit);
    },
  };
  await memory.ask(counting, asked, { actor: robot, at: moment(1) });
  expect(searches).toBe(1);
  await memory.answer(counting, asked.patternId, text, { actor: ann, at: moment(2) });
  expect((await memory.ask(counting, asked, { actor: robot, at: moment(3) })).status).toBe("applied");
  expect(searches).toBe(1);
});

test("a later sighting of what waits is counted and audited, not escalated anew", async () => {
  const store = open();
  for (const seconds of [1, 2, 3]) await memory.ask(store, asked, { actor: robot, at: moment(seconds) });
  expect(await store.listEscalations()).toMatchObject([{ seenCount: 3, occurrence: 1 }]);
  const recorded = await store.listAudit({ eventType: AuditEventType.ESCALATION_RECORDED });
  expect(recorded.map(({ metadata }) => metadata["opened"])).toEqual([false, false, true]);
});

test("a person's other answer overrides the first: they disagree, and neither applies until one is revoked", async () => {
  const store = open();
  const { patternId } = asked;
  const old = await memory.answer(store, patternId, text, { actor: ann, at: moment(1) });
  const young = await memory.answer(
    store,
    patternId,
    { ...text, result: "new" },
    { actor: bob, at: moment(2) },
  );
  expect(await store.loadResolution(patternId, old.resolutionId)).toMatchObject({ overriddenCount: 1 });
  expect(await memory.ask(store, asked, { actor: robot, at: moment(3) })).toMatchObject({
    status: "proposed",
    reason: ReasonCode.EXACT_DISAGREEMENT,
  });
  await memory.revoke(store, patternId, old.resolutionId, { actor: bob, at: moment(4) }, "superseded");
  expect(await memory.ask(store, asked, { actor: robot, at: moment(5) })).toMatchObject({
    status: "applied",
    resolutionId: young.resolutionId,
  });
});

test("an agent's other answer is an alternative: it overrides nothing, and confirms only as an agent", async () => {
  const store = open();
  const { patternId } = asked;
  const old = await memory.answer(store, patternId, text, { actor: ann, at: moment(1) });
  await memory.answer(store, patternId, { ...text, result: "new" }, { actor: robot, at: moment(2) });
  expect(await store.loadResolution(patternId, old.resolutionId)).toMatchObject({ overriddenCount: 0 });
  const agents = await memory.answer(store, fakeId("other"), text, { actor: robot, at: moment(1) });
  expect(agents.humanVerified).toBe(false);
  const confirmed = await memory.answer(store, fakeId("other"), text, { actor: ann, at: moment(2) });
  expect(confirmed).toMatchObject({ humanVerified: true, confirmedCount: 2, resolvedBy: robot });
});

async function decided(store: HarmonyStore): Promise<string> {
  await memory.ask(store, asked, { actor: robot, at: moment(1) });
  const [waiting] = await store.listEscalations();
  const given = await memory.resolve(store, waiting?.escalationId ?? "", text, {
    actor: ann,
    at: moment(2),
  });
  for (const seconds of [3, 4]) await memory.ask(store, asked, { actor: robot, at: moment(seconds) });
  return given?.resolutionId ?? "";
}

describe("revoking", () => {
  test("marks every decision and escalation that rested on the answer, and the question is asked again", async () => {
    const store = open();
    const resolutionId = await decided(store);
    const act = { actor: bob, at: moment(5) };
    const revocation = await memory.revoke(store, asked.patternId, resolutionId, act, "it broke the build");
    expect(revocation?.decisions).toHaveLength(2);
    expect(revocation?.escalations).toMatchObject([{ resolutionRevokedAt: moment(5) }]);
    const marks = await store.listAudit({ eventType: AuditEventType.DECISION_MARKED });
    const applied = await store.listAudit({ eventType: AuditEventType.RESOLUTION_APPLIED });
    expect(new Set(marks.map(({ metadata }) => metadata["decision"]))).toEqual(
      new Set(applied.map(({ auditId }) => auditId)),
    );
    expect(await memory.ask(store, asked, { actor: robot, at: moment(6) })).toMatchObject({
      status: "escalated",
    });
    expect(await store.listEscalations({ status: EscalationStatus.OPEN })).toMatchObject([{ occurrence: 2 }]);
  });

  test("done twice, it changes and adds nothing; cut short, it is completed by doing it again", async () => {
    const store = open();
    const resolutionId = await decided(store);
    // Cut short right after the answer went out of force.
    await store.revokeResolution(asked.patternId, resolutionId, bob, moment(5), "wrong");
    for (const seconds of [6, 7]) {
      await memory.revoke(store, asked.patternId, resolutionId, { actor: ann, at: moment(seconds) }, "again");
    }
    expect(await store.listAudit({ eventType: AuditEventType.DECISION_MARKED })).toHaveLength(2);
    expect(await store.listAudit({ eventType: AuditEventType.RESOLUTION_REVOKED })).toMatchObject([
      { actor: bob, at: moment(5), metadata: { reason: "wrong" } },
    ]);
  });

  test("a revoked answer is not given again, by anybody", async () => {
    const store = open();
    const resolutionId = await decided(store);
    await memory.revoke(store, asked.patternId, resolutionId, { actor: bob, at: moment(5) }, "wrong");
    await expect(
      memory.answer(store, asked.patternId, text, { actor: ann, at: moment(6) }),
    ).rejects.toMatchObject({ code: "revoked" });
  });
});

test("an answer that was revoked leaves the question open for another", async () => {
  const store = open();
  await memory.ask(store, asked, { actor: robot, at: moment(1) });
  const given = await memory.answer(store, asked.patternId, text, { actor: ann, at: moment(2) });
  await memory.revoke(
    store,
    asked.patternId,
    given.resolutionId,
    { actor: bob, at: moment(3) },
    "it broke the build",
  );
  const [waiting] = await store.listEscalations();
  const id = waiting?.escalationId ?? "";
  const resolve = async (result: string, at: number): Promise<unknown> =>
    await memory.resolve(store, id, { ...text, result }, { actor: ann, at: moment(at) });
  await expect(resolve(text.result, 4)).rejects.toMatchObject({ code: "revoked" });
  expect(await store.loadEscalation(id)).toMatchObject({ status: "open" });
  expect(await resolve("another\n", 5)).toMatchObject({ result: "another\n", humanVerified: true });
});

test("what a program says again makes no answer worth more", async () => {
  const store = open();
  const { patternId } = asked;
  const given = await memory.answer(store, patternId, text, { actor: ann, at: moment(1) });
  for (const at of [2, 3, 4]) await memory.answer(store, patternId, text, { actor: robot, at: moment(at) });
  expect(await store.loadResolution(patternId, given.resolutionId)).toMatchObject({ confirmedCount: 1 });
  expect((await events(store)).filter((event) => event === "resolution_confirmed")).toHaveLength(3);
});

test("a program writes no rule but one that asks for a person, and takes no person's rule away", async () => {
  const store = open();
  const add = async (action: PolicyAction, createdBy: typeof ann): Promise<Policy> =>
    await memory.addPolicy(store, { scope: PolicyScope.REPO, action, createdAt: moment(1), createdBy });
  const refused = { code: "not_a_person" };
  await expect(add(PolicyAction.OURS, robot)).rejects.toMatchObject(refused);
  expect(await store.listPolicies()).toEqual([]);
  const anns = await add(PolicyAction.MANUAL, ann);
  const act = { actor: robot, at: moment(2) };
  await expect(memory.removePolicy(store, anns.policyId, act)).rejects.toMatchObject(refused);
  expect(await store.listPolicies()).toEqual([anns]);
  expect(await memory.removePolicy(store, anns.policyId, { ...act, actor: bob })).toBe(true);
  const own = await add(PolicyAction.MANUAL, robot);
  expect(await memory.removePolicy(store, own.policyId, act)).toBe(true);
});

test("of two people who answer at the same time only one teaches the memory", async () => {
  const store = open();
  await memory.ask(store, asked, { actor: robot, at: moment(1) });
  const [waiting] = await store.listEscalations();
  const answers = await Promise.allSettled(
    [ann, bob].map(
      async (actor) =>
        await memory.resolve(
          store,
          waiting?.escalationId ?? "",
          { ...text, result: `${actor.principalId}` },
          { actor, at: moment(2) },
        ),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(await store.listResolutions(asked.patternId)).toHaveLength(1);
});

test("an answer that a crash cut off from its escalation is made up for by giving it again", async () => {
  const store = open();
  await memory.ask(store, asked, { actor: robot, at: moment(1) });
  const [waiting] = await store.listEscalations();
  const { resolutionId } = resolution(asked, { result: text.result });
  await store.resolveEscalation(waiting?.escalationId ?? "", resolutionId, ann, moment(2));
  await memory.resolve(store, waiting?.escalationId ?? "", text, { actor: ann, at: moment(3) });
  expect(await store.listResolutions(asked.patternId)).toMatchObject([{ resolutionId }]);
  await expect(
    memory.resolve(store, waiting?.escalationId ?? "", text, { actor: ann, at: moment(4) }),
  ).rejects.toMatchObject({ code: "already_resolved" });
});

test("a policy answers at once and says who wrote it; removed, the memory is asked again", async () => {
  const store = open();
  const policy = await memory.addPolicy(store, {
    scope: PolicyScope.REPO,
    action: PolicyAction.SORTED_UNION,
    condition: { pathGlob: "src/**" },
    createdAt: moment(1),
    createdBy: bob,
  });
  expect(await memory.ask(store, asked, { actor: robot, at: moment(2) })).toMatchObject({
    status: "applied",
    strategy: "sorted_union",
    provenance: bob,
    policyId: policy.policyId,
  });
  expect(await memory.removePolicy(store, policy.policyId, { actor: ann, at: moment(3) })).toBe(true);
  expect((await memory.ask(store, asked, { actor: robot, at: moment(4) })).status).toBe("escalated");
  expect(await events(store)).toEqual([
    AuditEventType.PATTERN_RECORDED,
    AuditEventType.POLICY_SET,
    AuditEventType.POLICY_APPLIED,
    AuditEventType.POLICY_REMOVED,
    AuditEventType.ESCALATION_RECORDED,
  ]);
});

test("collecting forgets only what is old, unanswered and waits for nobody", async () => {
  const store = open();
  const act = { actor: ann, at: moment(100) };
  const [old, answered, waiting, young] = [
    pattern("old"),
    pattern("answered"),
    pattern("waiting"),
    pattern("young", { recordedAt: moment(60) }),
  ];
  for (const each of [old, answered, waiting, young]) await memory.recordPattern(store, each);
  await memory.answer(store, answered.patternId, text, act);
  await memory.escalate(store, waiting.patternId, "why", act);
  expect(await memory.collect(store, moment(50), act)).toEqual([old.patternId]);
  expect(await store.listPatterns()).toHaveLength(3);
});

test("model: the store's escalations do what the table of their states says", async () => {
  // The model: for one question, the list of its occurrences, each open or resolved with times.
  type Model = { at: number; seen: number; resolvedAt: number | null }[];
  const step = fc.record({ kind: fc.constantFrom("record", "resolve"), at: fc.nat({ max: 12 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const store = open();
      const model: Model = [];
      const act = { actor: robot };
      for (const { kind, at } of steps) {
        const last = model.at(-1);
        const lastSeen = last === undefined ? -1 : last.at;
        const stored = (await store.listEscalations()).find(({ occurrence }) => occurrence === model.length);
        if (kind === "resolve") {
          if (stored === undefined) continue;
          const outcome = await store
            .resolveEscalation(stored.escalationId, fakeId("r"), ann, moment(at))
            .catch(() => "refused");
          expect(outcome).toBe(last?.resolvedAt === null ? true : "refused");
          if (last?.resolvedAt === null) last.resolvedAt = at;
          continue;
        }
        const { opened } = await memory.escalate(store, asked.patternId, "why", { ...act, at: moment(at) });
        const opens = last === undefined || (last.resolvedAt !== null && at > last.resolvedAt);
        expect(opened).toBe(opens);
        if (opens) model.push({ at, seen: 1, resolvedAt: null });
        else if (last.resolvedAt === null && at > lastSeen) {
          last.seen += 1;
          last.at = at;
        }
      }
      const found = (await store.listEscalations()).toSorted((a, b) => a.occurrence - b.occurrence);
      expect(found.map((e) => [e.occurrence, e.seenCount, e.lastSeenAt, e.resolvedAt])).toEqual(
        model.map((m, i) => [
          i + 1,
          m.seen,
          moment(m.at),
          m.resolvedAt === null ? null : moment(m.resolvedAt),
        ]),
      );
    }),
    { seed: 42, numRuns: 60 },
  );
});
