// Questions and answers of the harness in memory: memory-harness.ts.

import { err, ok } from "../../../packages/harness/src/base/result.ts";
import type { Harness } from "../../../packages/harness/src/services/harness.ts";
import type { Recorder } from "./memory-harness.ts";
import { ESCALATION, POLICIES, POLICY_TRIAL, PRECEDENT, QUALITY, RETENTION } from "./samples.ts";

/** What the first page of what waits names as the next one. */
const WAITING_NEXT = "apr_01a1f8a6170a7a76a3ca67bf1e358485";

export function precedentCalls(
  record: Recorder,
): Pick<
  Harness,
  | "listWaiting"
  | "listDecisions"
  | "listPrecedents"
  | "revokePrecedent"
  | "getPolicies"
  | "tryPolicies"
  | "getQuality"
  | "getRetention"
  | "listEscalations"
  | "resolveEscalation"
> {
  return {
    listWaiting: async (caller, after) => {
      record("listWaiting", caller, after);
      const next_cursor = after === null ? WAITING_NEXT : null;
      return await Promise.resolve(ok({ data: [], next_cursor }));
    },
    listDecisions: async (caller, since, cursor) => {
      record("listDecisions", caller, since, cursor);
      return await Promise.resolve(ok({ data: [], next_cursor: cursor === null ? "the next" : null }));
    },
    getPolicies: () => POLICIES,
    getRetention: () => RETENTION,
    getQuality: async (caller, days) => {
      record("getQuality", caller, days);
      return await Promise.resolve(QUALITY);
    },
    tryPolicies: async (caller, request) => {
      record("tryPolicies", caller, request);
      return await Promise.resolve(ok(POLICY_TRIAL));
    },
    listEscalations: async (caller, query) => {
      record("listEscalations", caller, query);
      return await Promise.resolve(ok({ data: [], next_cursor: null }));
    },
    resolveEscalation: async (caller, id, request) => {
      record("resolveEscalation", caller, id, request);
      if (id !== ESCALATION.id) return err({ code: "escalation_not_found", detail: "There is none." });
      const answer = { decision: "manual", comment: request.comment };
      return await Promise.resolve(ok({ ...ESCALATION, answer }));
    },
    listPrecedents: async (caller, page) => {
      record("listPrecedents", caller, page);
      return await Promise.resolve(ok({ data: [], next_cursor: null }));
    },
    revokePrecedent: async (caller, id, request) => {
      record("revokePrecedent", caller, id, request);
      if (id !== PRECEDENT.id) return err({ code: "precedent_not_found", detail: "There is none." });
      return await Promise.resolve(ok({ ...PRECEDENT, revoked_reason: request.reason }));
    },
  };
}
