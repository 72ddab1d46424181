// How many sets of rules are tried at the same time: each takes a thread and most of a core for seconds. Who finds no place is
// told so, and waits elsewhere.

import type { TenantId } from "@assent/contract";
import type { PolicyTrials } from "../core/decide/policy-trials.ts";

export type Trials = {
  /** Reads rules apart from those in force. */
  readonly open: PolicyTrials;
  /** Null: there is none now. Disposed of, it is free again. */
  take(tenant: TenantId): Disposable | null;
};

/** Of one process: one of a tenant, so that no tenant takes another's. */
const TRIALS_MAX = 2;

export function createTrials(open: PolicyTrials): Trials {
  const trying = new Set<TenantId>();
  return {
    open,
    take: (tenant) => {
      if (trying.has(tenant) || trying.size >= TRIALS_MAX) return null;
      trying.add(tenant);
      return {
        [Symbol.dispose]: () => {
          trying.delete(tenant);
        },
      };
    },
  };
}
