// Runs that are leased to this worker and in none of its hands. The answer to a `take` can be lost behind its commit, and a
// run can break off while the database is away. Its presence says that the worker lives, so nobody else takes such a run
// before its lease is over: whoever has the lease gives it back.

import type { Fence, WorkerId } from "../ports.ts";
import type { OrchestratorPorts } from "./held.ts";
import type { Holds } from "./holds.ts";
import { endLostLease } from "./lost-lease.ts";

/**
 * Between two looks, 30 s in all: a statement whose connection was cut may still be carried out, and the database may be away.
 * After that the lease is over (LEASE_SECONDS).
 */
const PAUSES_MS: readonly number[] = [0, 1_000, 4_000, 10_000, 15_000];

const UNHEARD = {
  code: "lease_unheard",
  detail: "The run was leased to a worker that never heard of it, or could not say what became of it.",
} as const;

export type Strays = {
  /** To be called before a run is asked for; what it returns is to be called when that run is held, or none is. */
  asking(): () => void;
  /** An answer of the database was lost: there may be one. */
  suspect(): void;
  /** Resolves when nothing is looked for any more, which needs `stopping`. */
  ended(): Promise<void>;
};

type Ports = Pick<OrchestratorPorts, "store" | "clock" | "clockWatch" | "log">;

export function createStrays(
  ports: Ports,
  worker: WorkerId,
  holds: Pick<Holds, "has">,
  stopping: AbortSignal,
): Strays {
  const asked = new Set<Promise<undefined>>();
  let looks = PAUSES_MS.length;
  let looking: Promise<void> | null = null;

  const look = async (): Promise<void> => {
    while (looks < PAUSES_MS.length) {
      await ports.clock.sleep(PAUSES_MS[looks] ?? 0, stopping);
      if (stopping.aborted) break;
      looks += 1;
      await giveBackAll(ports, worker, holds, asked);
    }
    looking = null;
  };

  return {
    asking() {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      asked.add(promise);
      return () => {
        asked.delete(promise);
        resolve(undefined);
      };
    },
    suspect() {
      looks = 0;
      looking ??= look();
    },
    async ended(): Promise<void> {
      await looking;
    },
  };
}

async function giveBackAll(
  { store, clock, clockWatch, log }: Ports,
  worker: WorkerId,
  holds: Pick<Holds, "has">,
  asked: ReadonlySet<Promise<undefined>>,
): Promise<void> {
  // By a clock that is astray nothing is given back either: its time would stand in the trail.
  if (clockWatch.difference() !== null) return;
  try {
    const leased = await store.leasesOf(worker);
    // What was asked for by then may be among them, and its answer be on the way: soon it is held, or is a stray.
    await Promise.all(asked);
    for (const fence of leased) if (!holds.has(fence)) await giveBack({ store, clock, log }, fence);
  } catch (error) {
    log("info", "nobody could tell which runs this worker does not know of", { error: describe(error) });
  }
}

async function giveBack(
  { store, clock, log }: Pick<Ports, "store" | "clock" | "log">,
  fence: Fence,
): Promise<void> {
  const back = await store.transaction(
    fence.tenant,
    async (tx) => await endLostLease(tx, fence, UNHEARD, clock.now()),
    { isRepeatable: true },
  );
  if (back) log("warn", "a run that was in no hands is given back", { run_id: fence.run });
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : "unknown");
