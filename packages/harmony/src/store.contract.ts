// What every store of the memory must do. An adapter's test is one call: storeContract("files", () => openFsStore(…)).

import { describe, expect, test } from "vitest";
import { AUDIT_CAUSAL_ORDER, newAuditEntry, type AuditEntry } from "./audit.ts";
import { computeOccurrenceId, fakeId } from "./ids.ts";
import { newPolicy, type Policy } from "./policies.ts";
import type { HarmonyStore } from "./store.ts";
import { ann, bob, escalation, moment, pattern, resolution, robot } from "./testing/samples.ts";
import { AuditEventType, EscalationStatus, PolicyAction, PolicyScope } from "./vocabulary.ts";

/** Opens a new, empty store for one test; whatever it needs is released when that test ends. */
export type OpenStore = () => Promise<HarmonyStore> | HarmonyStore;

const invalidId: unknown = expect.objectContaining({ code: "invalid_id" });

function patternContract(open: OpenStore): void {
  test("a pattern is kept as recorded, once; later sightings are counted, retries not", async () => {
    const store = await open();
    const first = pattern("p");
    expect(await store.recordPattern(first)).toBe(true);
    expect(await store.loadPattern(first.patternId)).toEqual(first);
    expect(await store.recordPattern(first)).toBe(false);
    expect(await store.recordPattern(pattern("p", { recordedAt: moment(9), path: "b" }))).toBe(false);
    expect(await store.loadPattern(first.patternId)).toEqual({
      ...first,
      occurrences: 2,
      lastSeenAt: moment(9),
    });
  });

  test("patterns are listed newest first and filtered by every field of the filter", async () => {
    const store = await open();
    const old = pattern("old", { semanticFingerprint: fakeId("shape") });
    const young = pattern("young", { recordedAt: moment(5), domain: "approval", scope: "t1" });
    await store.recordPattern(old);
    await store.recordPattern(young);
    expect(await store.listPatterns()).toEqual([young, old]);
    expect(await store.listPatterns({ limit: 1 })).toEqual([young]);
    expect(await store.listPatterns({ domain: "approval" })).toEqual([young]);
    expect(await store.listPatterns({ scope: "" })).toEqual([old]);
    expect(await store.listPatterns({ semanticFingerprint: fakeId("shape") })).toEqual([old]);
    expect(await store.listPatterns({ conflictType: "rename" })).toEqual([]);
  });
}

function forgettingContract(open: OpenStore): void {
  test("forgetting removes the pattern and its answers, and nothing else", async () => {
    const store = await open();
    const [gone, kept] = [pattern("gone"), pattern("kept")];
    for (const each of [gone, kept]) {
      await store.recordPattern(each);
      await store.saveResolution(resolution(each));
    }
    await store.recordEscalation(escalation("e", { patternId: gone.patternId }));
    expect(await store.forgetPattern(gone.patternId)).toBe(true);
    expect(await store.forgetPattern(gone.patternId)).toBe(false);
    expect(await store.loadPattern(gone.patternId)).toBeNull();
    expect(await store.listResolutions(gone.patternId)).toEqual([]);
    expect(await store.listPatterns()).toEqual([kept]);
    expect(await store.listResolutions(kept.patternId)).toHaveLength(1);
    expect(await store.listEscalations()).toHaveLength(1);
  });

  test("similar answers come from the same scope, domain and type, not from the pattern itself, not revoked", async () => {
    const store = await open();
    const semanticFingerprint = fakeId("shape");
    const like = pattern("like", { semanticFingerprint });
    const elsewhere = pattern("elsewhere", { semanticFingerprint, scope: "other" });
    const asked = pattern("asked", { semanticFingerprint });
    for (const each of [like, elsewhere, asked]) {
      await store.recordPattern(each);
      await store.saveResolution(resolution(each));
    }
    const found = await store.findSimilar(asked, 5);
    expect(found.map((similar) => similar.pattern.patternId)).toEqual([like.patternId]);
    const [{ resolution: given, similarity } = { resolution: null, similarity: 0 }] = found;
    expect(similarity).toBeGreaterThan(0);
    await store.revokeResolution(like.patternId, given?.resolutionId ?? "", ann, moment(20), "wrong");
    expect(await store.findSimilar(asked, 5)).toEqual([]);
  });

  test.each([
    ["shape", { tokens: [], semanticFingerprint: fakeId("shape") }],
    ["tokens", { tokens: ["send", "mail", "to", "text"], semanticFingerprint: null }],
  ] as const)(
    "an answer is found behind newer questions of the same %s that have none in force",
    async (_, like) => {
      const store = await open();
      const alike = (name: string, at: number): ReturnType<typeof pattern> =>
        pattern(name, { ...like, recordedAt: moment(at) });
      const answered = alike("answered", 0);
      await store.recordPattern(answered);
      await store.saveResolution(resolution(answered));
      for (let n = 1; n <= 30; n += 1) await store.recordPattern(alike(`asked ${n}`, n));
      const found = async (): Promise<readonly string[]> =>
        (await store.findSimilar(alike("new", 100), 3)).map((similar) => similar.pattern.patternId);
      expect(await found()).toEqual([answered.patternId]);
      for (let n = 31; n <= 60; n += 1) {
        const revoked = alike(`revoked ${n}`, n);
        await store.recordPattern(revoked);
        await store.saveResolution(resolution(revoked));
        const { resolutionId } = resolution(revoked);
        await store.revokeResolution(revoked.patternId, resolutionId, ann, moment(n), "wrong");
      }
      expect(await found()).toEqual([answered.patternId]);
      const newer = alike("newer", 99);
      await store.recordPattern(newer);
      await store.saveResolution(resolution(newer));
      expect(new Set(await found())).toEqual(new Set([answered.patternId, newer.patternId]));
    },
  );
}

function resolutionContract(open: OpenStore): void {
  test("an answer is stored once per content and found by pattern and by itself", async () => {
    const store = await open();
    const of = pattern("p");
    const [one, two] = [resolution(of), resolution(of, { result: "another\n", resolvedBy: robot })];
    expect(await store.saveResolution(one)).toBe(true);
    expect(await store.saveResolution(resolution(of, { resolvedBy: bob }))).toBe(false);
    expect(await store.saveResolution(two)).toBe(true);
    expect(await store.loadResolution(of.patternId, one.resolutionId)).toEqual(one);
    expect(await store.findResolution(two.resolutionId)).toEqual(two);
    expect(await store.findResolution(fakeId("none"))).toBeNull();
    const ids = [one.resolutionId, two.resolutionId].toSorted();
    expect((await store.listResolutions(of.patternId)).map((r) => r.resolutionId)).toEqual(ids);
  });

  test("experience is counted; a person's confirmation verifies", async () => {
    const store = await open();
    const of = pattern("p");
    const given = resolution(of, { resolvedBy: robot });
    await store.saveResolution(given);
    const { patternId, resolutionId } = given;
    await store.addExperience(patternId, resolutionId, "applied", robot, moment(20));
    await store.addExperience(patternId, resolutionId, "confirmed", robot, moment(21));
    expect((await store.loadResolution(patternId, resolutionId))?.humanVerified).toBe(false);
    await store.addExperience(patternId, resolutionId, "confirmed", ann, moment(22));
    const last = await store.addExperience(patternId, resolutionId, "overridden", bob, moment(15));
    expect(last).toMatchObject({
      appliedCount: 1,
      confirmedCount: 3,
      overriddenCount: 1,
      humanVerified: true,
    });
    expect(last?.lastUsedAt).toBe(moment(22));
    expect(await store.loadResolution(patternId, resolutionId)).toEqual(last);
    expect(await store.addExperience(patternId, fakeId("none"), "applied", ann, moment(23))).toBeNull();
  });

  test("a revocation is kept as first made, and no later count undoes it", async () => {
    const store = await open();
    const given = resolution(pattern("p"));
    const { patternId, resolutionId } = given;
    await store.saveResolution(given);
    await store.revokeResolution(patternId, resolutionId, ann, moment(30), "wrong");
    const again = await store.revokeResolution(patternId, resolutionId, bob, moment(40), "other");
    await store.addExperience(patternId, resolutionId, "confirmed", bob, moment(50));
    await store.saveResolution(given);
    expect(again).toMatchObject({ revokedAt: moment(30), revokedBy: ann, revokedReason: "wrong" });
    expect(await store.loadResolution(patternId, resolutionId)).toMatchObject({
      revokedAt: moment(30),
      confirmedCount: 2,
    });
    expect(await store.revokeResolution(patternId, fakeId("none"), ann, moment(1), "")).toBeNull();
  });
}

const policyOf = (scope: PolicyScope, priority: number): Policy =>
  newPolicy({ scope, priority, action: PolicyAction.UNION, createdAt: moment(0), createdBy: ann });

const fact = (eventType: string, seconds: number): AuditEntry =>
  newAuditEntry({
    eventType,
    at: moment(seconds),
    actor: ann,
    patternId: fakeId("p"),
    metadata: { n: [seconds] },
  });

function policyContract(open: OpenStore): void {
  test("policies are listed in the order in which they are tried, and removed by id", async () => {
    const store = await open();
    const file = policyOf(PolicyScope.FILE, 1);
    const repo = policyOf(PolicyScope.REPO, 2);
    const early = policyOf(PolicyScope.REPO, 1);
    const workspace = policyOf(PolicyScope.WORKSPACE, 9);
    for (const policy of [file, repo, early, workspace]) expect(await store.savePolicy(policy)).toBe(true);
    expect(await store.savePolicy(file)).toBe(false);
    expect(await store.listPolicies()).toEqual([workspace, early, repo, file]);
    expect(await store.loadPolicy(repo.policyId)).toEqual(repo);
    expect(await store.removePolicy(repo.policyId)).toBe(true);
    expect(await store.removePolicy(repo.policyId)).toBe(false);
    expect(await store.listPolicies()).toEqual([workspace, early, file]);
  });
}

function escalationContract(open: OpenStore): void {
  test("a second record under the same id keeps the first and opens nothing", async () => {
    const store = await open();
    const first = escalation("e");
    expect(await store.recordEscalation(first)).toEqual({ opened: true, record: first });
    const other = escalation("e", { escalatedBy: ann });
    expect(await store.recordEscalation(other)).toEqual({ opened: false, record: first });
    expect(await store.loadEscalation(first.escalationId)).toEqual(first);
  });

  test("of many recorders at once exactly one opens", async () => {
    const store = await open();
    const all = await Promise.all(
      Array.from({ length: 12 }, async () => await store.recordEscalation(escalation("e"))),
    );
    expect(all.filter(({ opened }) => opened)).toHaveLength(1);
  });

  test("a later sighting of an open question is counted; an earlier one and a retry are not", async () => {
    const store = await open();
    const { escalationId } = escalation("e");
    for (const seconds of [0, 5, 3, 5, 0]) {
      await store.recordEscalation(escalation("e", { escalatedAt: moment(seconds) }));
    }
    expect(await store.loadEscalation(escalationId)).toMatchObject({
      seenCount: 2,
      escalatedAt: moment(0),
      lastSeenAt: moment(5),
    });
  });

  test("resolving is a compare-and-swap: once, then refused and nothing changes", async () => {
    const store = await open();
    const { escalationId } = escalation("e");
    expect(await store.resolveEscalation(escalationId, fakeId("r"), ann, moment(1))).toBe(false);
    await store.recordEscalation(escalation("e"));
    const attempts = await Promise.allSettled(
      [ann, bob, robot].map(
        async (actor) => await store.resolveEscalation(escalationId, fakeId("r"), actor, moment(2)),
      ),
    );
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const decided = await store.loadEscalation(escalationId);
    await expect(
      store.resolveEscalation(escalationId, fakeId("other"), bob, moment(3)),
    ).rejects.toMatchObject({
      code: "already_resolved",
      details: { record: decided },
    });
    expect(await store.loadEscalation(escalationId)).toEqual(decided);
    expect(decided?.status).toBe(EscalationStatus.RESOLVED);
  });
}

function recurrenceContract(open: OpenStore): void {
  test("a question that comes up after its resolution opens a new occurrence; the old answer stays", async () => {
    const store = await open();
    const first = escalation("e");
    await store.recordEscalation(first);
    await store.resolveEscalation(first.escalationId, fakeId("r"), ann, moment(10));
    const covered = await store.recordEscalation(escalation("e", { escalatedAt: moment(9) }));
    expect(covered.opened).toBe(false);
    const again = await store.recordEscalation(escalation("e", { escalatedAt: moment(11) }));
    expect(again).toMatchObject({
      opened: true,
      record: {
        occurrence: 2,
        escalationId: computeOccurrenceId(first.escalationId, 2),
        firstId: first.escalationId,
      },
    });
    const counted = await store.recordEscalation(escalation("e", { escalatedAt: moment(12) }));
    expect(counted).toMatchObject({ opened: false, record: { occurrence: 2, seenCount: 2 } });
    expect((await store.loadEscalation(first.escalationId))?.status).toBe(EscalationStatus.RESOLVED);
    expect(await store.listEscalations({ status: EscalationStatus.OPEN })).toHaveLength(1);
    await store.resolveEscalation(again.record.escalationId, fakeId("r"), ann, moment(13));
    const third = await store.recordEscalation(escalation("e", { escalatedAt: moment(14) }));
    expect(third).toMatchObject({ opened: true, record: { occurrence: 3 } });
  });
}

function escalationListContract(open: OpenStore): void {
  test("escalations are listed newest first, equal times in the order of their ids", async () => {
    const store = await open();
    const records = ["a", "b", "c", "d"].map((name) => escalation(name));
    for (const record of records) await store.recordEscalation(record);
    await store.recordEscalation(escalation("z", { escalatedAt: moment(60) }));
    const ids = (await store.listEscalations()).map(({ escalationId }) => escalationId);
    const equal = records.map(({ escalationId }) => escalationId).toSorted();
    expect(ids).toEqual([escalation("z").escalationId, ...equal]);
    expect(await store.listEscalations({ limit: 2 })).toHaveLength(2);
    expect(await store.listEscalations({ patternId: fakeId("a") })).toHaveLength(1);
  });

  test("marking finds what a resolution answered, and marks it once", async () => {
    const store = await open();
    for (const name of ["a", "b"]) await store.recordEscalation(escalation(name));
    await store.resolveEscalation(escalation("a").escalationId, fakeId("r"), ann, moment(1));
    await store.resolveEscalation(escalation("b").escalationId, fakeId("other"), ann, moment(1));
    const marked = await store.markEscalations(fakeId("r"), moment(2));
    expect(marked).toMatchObject([{ patternId: fakeId("a"), resolutionRevokedAt: moment(2) }]);
    expect(await store.markEscalations(fakeId("r"), moment(3))).toEqual(marked);
    expect(await store.loadEscalation(escalation("a").escalationId)).toEqual(marked[0]);
  });
}

function auditContract(open: OpenStore): void {
  test("the same fact twice is one entry; entries are listed newest first and filtered", async () => {
    const store = await open();
    expect(await store.appendAudit(fact("a", 1))).toBe(true);
    expect(await store.appendAudit(fact("a", 1))).toBe(false);
    expect(await store.appendAudit(fact("b", 2))).toBe(true);
    expect(await store.listAudit()).toEqual([fact("b", 2), fact("a", 1)]);
    expect(await store.listAudit({ eventType: "a" })).toEqual([fact("a", 1)]);
    expect(await store.listAudit({ patternId: fakeId("other") })).toEqual([]);
    expect(await store.listAudit({ limit: 1 })).toEqual([fact("b", 2)]);
  });

  test("audit entries of one time are told as the story they are, effects before their causes", async () => {
    const store = await open();
    const told = [...AUDIT_CAUSAL_ORDER].toReversed().map((event) => fact(event, 1));
    for (const entry of told.toSorted((a, b) => (a.auditId < b.auditId ? -1 : 1)))
      await store.appendAudit(entry);
    expect(await store.listAudit()).toEqual(told);
    expect(await store.listAudit({ limit: 2 })).toEqual(told.slice(0, 2));
    expect(AUDIT_CAUSAL_ORDER.toSorted()).toEqual(Object.values(AuditEventType).toSorted());
  });

  test("clearing leaves nothing but the audit", async () => {
    const store = await open();
    const of = pattern("p");
    await store.recordPattern(of);
    await store.saveResolution(resolution(of));
    await store.recordEscalation(escalation("e"));
    await store.resolveEscalation(escalation("e").escalationId, fakeId("r"), ann, moment(1));
    await store.appendAudit(newAuditEntry({ eventType: "a", at: moment(1), actor: ann }));
    expect(await store.clear()).toBe(3);
    expect(await store.listPatterns()).toEqual([]);
    expect(await store.listResolutions(of.patternId)).toEqual([]);
    expect(await store.listEscalations()).toEqual([]);
    expect(await store.listAudit()).toHaveLength(1);
    expect((await store.recordEscalation(escalation("e"))).opened).toBe(true);
    expect((await store.loadEscalation(escalation("e").escalationId))?.status).toBe(EscalationStatus.OPEN);
  });
}

function idContract(open: OpenStore): void {
  test("bare hex and anything else that is not an id is refused by every method that takes one", async () => {
    const store = await open();
    for (const bad of [
      "a".repeat(64),
      "../../x",
      `sha256:${"A".repeat(64)}`,
      "",
      `sha256:${"a".repeat(64)}\n`,
    ]) {
      await expect(store.loadPattern(bad)).rejects.toThrow(invalidId);
      await expect(store.forgetPattern(bad)).rejects.toThrow(invalidId);
      await expect(store.loadResolution(bad, fakeId("r"))).rejects.toThrow(invalidId);
      await expect(store.loadResolution(fakeId("p"), bad)).rejects.toThrow(invalidId);
      await expect(store.listResolutions(bad)).rejects.toThrow(invalidId);
      await expect(store.loadPolicy(bad)).rejects.toThrow(invalidId);
      await expect(store.removePolicy(bad)).rejects.toThrow(invalidId);
      await expect(store.loadEscalation(bad)).rejects.toThrow(invalidId);
      await expect(store.resolveEscalation(bad, fakeId("r"), ann, moment(0))).rejects.toThrow(invalidId);
      await expect(store.resolveEscalation(fakeId("e"), bad, ann, moment(0))).rejects.toThrow(invalidId);
    }
  });
}

/** Declares the tests of the port for one adapter. */
export function storeContract(adapter: string, open: OpenStore): void {
  describe(`the store contract on ${adapter}`, () => {
    for (const declare of [
      patternContract,
      resolutionContract,
      policyContract,
      escalationContract,
      escalationListContract,
      recurrenceContract,
      forgettingContract,
      idContract,
      auditContract,
    ]) {
      declare(open);
    }
  });
}
