// For tests: one call of each kind that writes, what must be there before it, and what must hold whatever became of it.

import { expect } from "vitest";
import { newAuditEntry } from "../audit.ts";
import { newPolicy } from "../policies.ts";
import type { HarmonyStore } from "../store.ts";
import { EscalationStatus, PolicyAction, PolicyScope } from "../vocabulary.ts";
import { fakeId } from "../ids.ts";
import { ann, bob, escalation, moment, pattern, resolution, robot } from "./samples.ts";

export type WritingAct = {
  readonly name: string;
  readonly prepare: (store: HarmonyStore) => Promise<unknown>;
  readonly act: (store: HarmonyStore) => Promise<unknown>;
  /** Old or new, nothing else; and what was cut short can be completed. */
  readonly check: (store: HarmonyStore) => Promise<void>;
};

const of = pattern("p");
const given = resolution(of);
const asked = escalation("e");
const { escalationId } = asked;
const policy = newPolicy({
  scope: PolicyScope.REPO,
  action: PolicyAction.UNION,
  createdAt: moment(0),
  createdBy: ann,
});
const fact = newAuditEntry({ eventType: "x", at: moment(0), actor: ann });
const nothing = async (): Promise<void> => {};

/** Exactly one of these JSON texts. */
function expectOneOf(value: unknown, ...allowed: readonly unknown[]): void {
  expect(allowed.map((each) => JSON.stringify(each))).toContain(JSON.stringify(value));
}

export const WRITING_ACTS: readonly WritingAct[] = [
  {
    name: "recordEscalation",
    prepare: nothing,
    act: async (store) => await store.recordEscalation(asked),
    check: async (store) => {
      expectOneOf(await store.loadEscalation(escalationId), null, asked);
      const there = (await store.loadEscalation(escalationId)) !== null;
      expect((await store.recordEscalation(asked)).opened).toBe(!there);
      expect(await store.listEscalations()).toEqual([asked]);
    },
  },
  {
    name: "recordEscalation of a later sighting",
    prepare: async (store) => await store.recordEscalation(asked),
    act: async (store) => await store.recordEscalation(escalation("e", { escalatedAt: moment(5) })),
    check: async (store) => {
      const counted = asked.with({ seenCount: 2, lastSeenAt: moment(5) });
      expectOneOf(await store.loadEscalation(escalationId), asked, counted);
      await store.recordEscalation(escalation("e", { escalatedAt: moment(5) }));
      expect(await store.loadEscalation(escalationId)).toEqual(counted);
    },
  },
  {
    name: "resolveEscalation",
    prepare: async (store) => await store.recordEscalation(asked),
    act: async (store) => await store.resolveEscalation(escalationId, fakeId("r"), ann, moment(9)),
    check: async (store) => {
      const [byAnn, byBob] = [ann, bob].map((resolvedBy) =>
        asked.with({
          status: EscalationStatus.RESOLVED,
          resolutionId: fakeId("r"),
          resolvedBy,
          resolvedAt: moment(9),
        }),
      );
      const found = await store.loadEscalation(escalationId);
      expectOneOf(found, asked, byAnn);
      const second = await store
        .resolveEscalation(escalationId, fakeId("r"), bob, moment(9))
        .catch((error: unknown) => error);
      if (found?.status === EscalationStatus.OPEN) expect(second).toBe(true);
      else expect(second).toMatchObject({ code: "already_resolved" });
      const stands = found?.status === EscalationStatus.OPEN ? byBob : byAnn;
      expect(await store.loadEscalation(escalationId)).toEqual(stands);
      expect(await store.listEscalations({ status: EscalationStatus.RESOLVED })).toEqual([stands]);
    },
  },
  {
    name: "recordPattern",
    prepare: nothing,
    act: async (store) => await store.recordPattern(of),
    check: async (store) => {
      expectOneOf((await store.loadPattern(of.patternId))?.patternId ?? null, null, of.patternId);
      await store.recordPattern(of);
      expect(await store.listPatterns()).toEqual([of]);
    },
  },
  {
    name: "saveResolution",
    prepare: nothing,
    act: async (store) => await store.saveResolution(given),
    check: async (store) => {
      expectOneOf(await store.loadResolution(of.patternId, given.resolutionId), null, given);
      await store.saveResolution(given);
      expect(await store.listResolutions(of.patternId)).toEqual([given]);
    },
  },
  {
    name: "addExperience",
    prepare: async (store) => await store.saveResolution(given),
    act: async (store) =>
      await store.addExperience(of.patternId, given.resolutionId, "applied", robot, moment(20)),
    check: async (store) => {
      const found = await store.loadResolution(of.patternId, given.resolutionId);
      expectOneOf(found, given, given.with({ appliedCount: 1, lastUsedAt: moment(20) }));
    },
  },
  {
    name: "revokeResolution",
    prepare: async (store) => await store.saveResolution(given),
    act: async (store) =>
      await store.revokeResolution(of.patternId, given.resolutionId, ann, moment(20), "wrong"),
    check: async (store) => {
      const revoked = given.with({ revokedAt: moment(20), revokedBy: ann, revokedReason: "wrong" });
      expectOneOf(await store.loadResolution(of.patternId, given.resolutionId), given, revoked);
      await store.revokeResolution(of.patternId, given.resolutionId, ann, moment(20), "wrong");
      expect(await store.loadResolution(of.patternId, given.resolutionId)).toEqual(revoked);
    },
  },
  {
    name: "savePolicy",
    prepare: nothing,
    act: async (store) => await store.savePolicy(policy),
    check: async (store) => {
      expectOneOf(await store.listPolicies(), [], [policy]);
      await store.savePolicy(policy);
      expect(await store.listPolicies()).toEqual([policy]);
    },
  },
  {
    name: "appendAudit",
    prepare: nothing,
    act: async (store) => await store.appendAudit(fact),
    check: async (store) => {
      expectOneOf(await store.listAudit(), [], [fact]);
      await store.appendAudit(fact);
      expect(await store.listAudit()).toEqual([fact]);
    },
  },
  {
    name: "forgetPattern",
    prepare: async (store) => {
      await store.recordPattern(of);
      await store.saveResolution(given);
      await store.revokeResolution(of.patternId, given.resolutionId, ann, moment(20), "wrong");
    },
    act: async (store) => await store.forgetPattern(of.patternId),
    check: async (store) => {
      // A revoked answer may be gone, but never in force again.
      const answers = await store.listResolutions(of.patternId);
      expect(answers.filter(({ revokedAt }) => revokedAt === null)).toEqual([]);
      await store.forgetPattern(of.patternId);
      expect(await store.listPatterns()).toEqual([]);
      expect(await store.listResolutions(of.patternId)).toEqual([]);
    },
  },
  {
    name: "clear",
    prepare: async (store) => {
      await store.recordPattern(of);
      await store.saveResolution(given);
      await store.revokeResolution(of.patternId, given.resolutionId, ann, moment(20), "wrong");
      await store.savePolicy(policy);
      await store.recordEscalation(asked);
      await store.resolveEscalation(escalationId, fakeId("r"), ann, moment(9));
    },
    act: async (store) => await store.clear(),
    check: async (store) => {
      // On the way to nothing, what was revoked is not in force again, and what was decided does not wait again.
      const answers = await store.listResolutions(of.patternId);
      expect(answers.filter(({ revokedAt }) => revokedAt === null)).toEqual([]);
      expect(await store.listEscalations({ status: EscalationStatus.OPEN })).toEqual([]);
      await store.clear();
      expect(await store.listPatterns()).toEqual([]);
      expect(await store.listResolutions(of.patternId)).toEqual([]);
      expect(await store.listPolicies()).toEqual([]);
      expect(await store.listEscalations()).toEqual([]);
    },
  },
];
