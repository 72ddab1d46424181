// Driven runs that this process has at hand. Losing one costs a reading of its journal, never a different answer.

import type { RunId, TenantId } from "@assent/contract";
import { EXTERNAL_MEMORY_BYTES_MAX, EXTERNAL_MEMORY_RUNS_MAX } from "../../base/limits.ts";
import type { DrivenRun } from "./state.ts";

export type Memory = {
  /** Null unless what is kept is of this very version. */
  get(tenant: TenantId, run: RunId, version: number): DrivenRun | null;
  /** Of whatever version; for what no version changes, and for what is looked at again before anything is done. */
  peek(tenant: TenantId, run: RunId): DrivenRun | null;
  put(tenant: TenantId, state: DrivenRun): void;
  forget(tenant: TenantId, run: RunId): void;
  /** Waits for its turn: what one process does to one run happens in a row, so that none of it is read twice. */
  inTurn<T>(tenant: TenantId, run: RunId, work: () => Promise<T>): Promise<T>;
};

type Limits = { readonly runsMax: number; readonly bytesMax: number };

export function createMemory(
  { runsMax, bytesMax }: Limits = { runsMax: EXTERNAL_MEMORY_RUNS_MAX, bytesMax: EXTERNAL_MEMORY_BYTES_MAX },
): Memory {
  // In the order of their last use: a Map keeps the order of insertion.
  const kept = new Map<string, { readonly state: DrivenRun; sizeBytes: number }>();
  const turns = new Map<string, Promise<unknown>>();
  let bytesKept = 0;
  const drop = (key: string): void => {
    bytesKept -= kept.get(key)?.sizeBytes ?? 0;
    kept.delete(key);
  };
  return {
    get(tenant, run, version) {
      const key = keyOf(tenant, run);
      const entry = kept.get(key);
      if (entry === undefined) return null;
      if (entry.state.version !== version) {
        drop(key);
        return null;
      }
      kept.delete(key);
      kept.set(key, entry);
      return entry.state;
    },
    peek: (tenant, run) => kept.get(keyOf(tenant, run))?.state ?? null,
    put(tenant, state) {
      const key = keyOf(tenant, state.run);
      drop(key);
      // A character of a JavaScript string takes two bytes at most.
      const sizeBytes = 2 * state.chars + state.index.sizeBytes();
      kept.set(key, { state, sizeBytes });
      bytesKept += sizeBytes;
      for (const oldest of kept.keys()) {
        if (kept.size <= runsMax && bytesKept <= bytesMax) break;
        drop(oldest);
      }
    },
    forget: (tenant, run) => drop(keyOf(tenant, run)),
    async inTurn(tenant, run, work) {
      const key = keyOf(tenant, run);
      const before = turns.get(key);
      const { promise, resolve } = Promise.withResolvers<undefined>();
      turns.set(key, promise);
      try {
        await before;
        return await work();
      } finally {
        if (turns.get(key) === promise) turns.delete(key);
        resolve(undefined);
      }
    },
  };
}

const keyOf = (tenant: TenantId, run: RunId): string => `${tenant}/${run}`;
