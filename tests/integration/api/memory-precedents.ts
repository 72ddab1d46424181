// Questions and answers of the harness in memory: memory-harness.ts.

import { err, ok } from "../../../packages/harness/src/base/result.ts";
import type { Harness } from "../../../packages/harness/src/services/harness.ts";
import type { Recorder } from "./memory-harness.ts";
import { PRECEDENT } from "./samples.ts";

export function precedentCalls(
  record: Recorder,
): Pick<Harness, "listWaiting" | "listDecisions" | "listPrecedents" | "revokePrecedent"> {
  return {
    listWaiting: async (caller, after) => {
      record("listWaiting", caller, after);
      return await Promise.resolve(ok({ data: [], next_cursor: null }));
    },
    listDecisions: async (caller, since, cursor) => {
      record("listDecisions", caller, since, cursor);
      return await Promise.resolve(ok({ data: [], next_cursor: null }));
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
