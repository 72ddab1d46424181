// Takes queued runs, holds leases, keeps them alive, and hands work back when it is told to stop. Any number of workers
// may do so on one database.

import type { TenantId } from "@assent/contract";
import {
  LEASE_RENEWAL_SECONDS,
  LEASE_SECONDS,
  RETRY_DELAY_SECONDS_MAX,
  WORKER_RUNS_MAX,
} from "../base/limits.ts";
import { type Fence, StoreUnavailable, TakeFailed, type WakeUps, type WorkerId } from "../ports.ts";
import { ASSENT, GEN_AI } from "../core/telemetry/names.ts";
import type { OrchestratorPorts } from "./held.ts";
import { inSpan } from "./traced/span.ts";
import { createHands, type Look } from "./hands.ts";
import { createTurns, type Turns } from "./turns.ts";
import { createHolds, type Hold, type Holds } from "./holds.ts";
import { createStrays, type Strays } from "./strays.ts";
import { advanceRun, type Claim, claimNext, leaseEnd, setAside } from "./orchestrator.ts";

export type Worker = {
  /** There may be a run to take. */
  look(): void;
  /** Stops taking work, ends or gives back what it holds, and resolves when it holds nothing. */
  stop(): Promise<void>;
};

export type WorkerOptions = {
  readonly worker: WorkerId;
  readonly wakeUps: Pick<WakeUps, "listen" | "listenToCallOffs">;
  /** Runs that it advances at the same time. */
  readonly runsMax?: number;
  /** Runs of one tenant that all workers together hold at the same time; null: as many as there are slots. */
  readonly tenantSlots?: number | null;
  /** How late a queued run can be found without any hint, of a sweep either; 30 s where it is left out. */
  readonly lookEveryMs?: number;
};

/** Sweeps see every two seconds whether there is a run; this is for a process whose sweeps fail. */
const LOOK_EVERY_MS = 30_000;
/** After a database that could not be used, and doubled while it cannot. */
const UNAVAILABLE_PAUSE_MS = 500;

export function startWorker(ports: OrchestratorPorts, options: WorkerOptions): Worker {
  const stopping = new AbortController();
  const hands = createHands(ports.clock, options.lookEveryMs ?? LOOK_EVERY_MS, stopping.signal);
  const silence = options.wakeUps.listen((from) => hands.hear(from));
  const holds = createHolds();
  const unheard = options.wakeUps.listenToCallOffs((run) => holds.check(run));
  // Whose turn was last, in this process: each process goes round by itself.
  const turn: LastTurn = { after: null };
  const { worker, runsMax = WORKER_RUNS_MAX, tenantSlots = null } = options;
  const turns = createTurns(
    ports,
    {
      runsMax,
      tenantSlots,
      after: () => turn.after,
      lend: async (to) => {
        try {
          await takeOne(taking, { saw: () => undefined }, to);
        } catch (error) {
          ports.log("warn", "runs cannot be taken", { error: describe(error) });
        }
      },
    },
    stopping.signal,
  );
  const strays = createStrays(ports, worker, holds, stopping.signal);
  const taking: Taking = {
    ports,
    worker,
    tenantSlots,
    turn,
    turns,
    holds,
    strays,
    stopping: stopping.signal,
  };
  const watching = turns.watch();
  const loops = Array.from({ length: runsMax }, async () => {
    let failures = 0;
    for (;;) {
      const look = await hands.free();
      if (look === null) return;
      try {
        // Whoever has as many slots as one tenant may have is passed over until one of theirs comes free: as it does here.
        if ((await takeOne(taking, look, turns.first())) && tenantSlots !== null) hands.hear("here");
        failures = 0;
      } catch (error) {
        failures += 1;
        ports.log("warn", "runs cannot be taken", { error: describe(error) });
        await ports.clock.sleep(
          Math.min(UNAVAILABLE_PAUSE_MS * 2 ** failures, RETRY_DELAY_SECONDS_MAX * 1000),
          stopping.signal,
        );
      }
    }
  });
  return {
    look: () => {
      hands.hear("elsewhere");
    },
    async stop(): Promise<void> {
      stopping.abort();
      silence();
      await Promise.all([...loops, watching]);
      await strays.ended();
      unheard();
    },
  };
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : "unknown");

type LastTurn = { after: TenantId | null };

type Taking = {
  readonly ports: OrchestratorPorts;
  readonly worker: WorkerId;
  readonly tenantSlots: number | null;
  readonly turn: LastTurn;
  readonly turns: Turns;
  readonly holds: Holds;
  readonly strays: Strays;
  readonly stopping: AbortSignal;
};

// True: a run was held, and is not any more.
async function takeOne(taking: Taking, look: Look, first: TenantId | null): Promise<boolean> {
  const { ports, holds, strays, stopping } = taking;
  try {
    await ports.clockWatch.agreed(stopping);
  } catch (error) {
    look.saw("nothing");
    throw error;
  }
  const answered = strays.asking();
  let taken: { readonly claim: Claim; readonly held: Hold } | null;
  try {
    const claim = await takeNext(taking, look, first);
    taken = claim === null ? null : { claim, held: holds.begin(fenceOf(claim)) };
  } finally {
    answered();
  }
  if (taken === null) return false;
  await hold(taking, taken.claim, taken.held);
  return true;
}

async function takeNext(taking: Taking, look: Look, first: TenantId | null): Promise<Claim | null> {
  const { ports, worker, tenantSlots, turn, strays, stopping } = taking;
  try {
    const taken = stopping.aborted
      ? null
      : await claimNext(ports, { worker, tenantSlots }, { after: turn.after, first });
    look.saw(taken === null ? "nothing" : taken === "locked" ? "locked" : "a run");
    if (taken === null || taken === "locked") return null;
    turn.after = taken.tenant;
    return taken.claim;
  } catch (error) {
    look.saw(error instanceof TakeFailed ? "a run" : "nothing");
    // It may be ours without our knowing.
    if (error instanceof StoreUnavailable) strays.suspect();
    if (!(error instanceof TakeFailed)) throw error;
    turn.after = error.tenant;
    ports.log("error", "a queued run could not be taken", {
      run_id: error.run,
      error: describe(error.cause),
    });
    await setAside(ports, worker, error);
    return null;
  }
}

const fenceOf = ({ run: { tenant, id, fencingToken } }: Claim): Fence => ({
  tenant,
  run: id,
  token: fencingToken,
});

async function hold(taking: Taking, claim: Claim, held: Hold): Promise<void> {
  const { ports, worker, turns, strays, stopping } = taking;
  const fence = fenceOf(claim);
  const lost = new AbortController();
  const done = new AbortController();
  const renewal = keepLease(taking, fence, lost, done.signal, held);
  const turn = turns.begin(fence.tenant);
  try {
    await inRun(ports, claim, async () => {
      await advanceRun(ports, claim, lost.signal, stopping, turn);
    });
  } catch (error) {
    // A database that is away comes back; then the run is given back, or its lease is over by then.
    const isAway = error instanceof StoreUnavailable;
    ports.log(isAway ? "warn" : "error", "a run broke off", { run_id: fence.run, error: describe(error) });
    await setAside(ports, worker, { ...fence, cause: error });
    if (isAway) strays.suspect();
  } finally {
    turn.end();
    held.end();
    done.abort();
    await renewal;
  }
}

// Each hold on a run is a span of the trace that its submission began, whichever process has it.
async function inRun(
  { telemetry, clock }: OrchestratorPorts,
  { run, definition }: Claim,
  work: () => Promise<void>,
): Promise<void> {
  const startedAt = clock.now().getTime();
  const about = { [GEN_AI.operation]: "invoke_agent", [GEN_AI.agent]: definition.name };
  const measured = async (): Promise<void> => {
    try {
      await work();
    } finally {
      // A hold that ended badly was one all the same.
      telemetry.record("gen_ai.invoke_agent.duration", (clock.now().getTime() - startedAt) / 1_000, about);
    }
  };
  await inSpan(
    telemetry,
    `invoke_agent ${definition.name}`,
    {
      kind: "consumer",
      parent: run.traceparent,
      attributes: { ...about, [ASSENT.attempt]: run.attempt },
      shared: { [GEN_AI.conversation]: run.id },
    },
    measured,
  );
}

const RENEWALS_OF_A_LEASE = LEASE_SECONDS / LEASE_RENEWAL_SECONDS;

// A lease that cannot be renewed is taken for lost before it is: better idle than a second writer.
async function keepLease(
  { ports: { store, clock, clockWatch, log }, strays }: Taking,
  fence: Fence,
  lost: AbortController,
  done: AbortSignal,
  held: Hold,
): Promise<void> {
  let skipped = 0;
  for (;;) {
    await held.pause(async (woken) => {
      await clock.sleep(LEASE_RENEWAL_SECONDS * 1000, AbortSignal.any([done, woken]));
    });
    if (done.aborted) return;
    // Until when it holds is said by this clock: by one that is a day ahead nobody could take the run for a day.
    skipped = clockWatch.difference() === null ? 0 : skipped + 1;
    if (skipped > 0 && skipped < RENEWALS_OF_A_LEASE) continue;
    try {
      if (skipped > 0) throw new Error("the clock is astray");
      const renewed = await store.transaction(
        fence.tenant,
        async (tx) => await tx.runs.renew(fence, leaseEnd(clock.now())),
        { isRepeatable: true },
      );
      if (renewed) continue;
    } catch (error) {
      log("warn", "a lease could not be renewed", { run_id: fence.run, error: describe(error) });
      strays.suspect();
    }
    lost.abort();
    return;
  }
}
