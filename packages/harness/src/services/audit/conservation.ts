// The alarm of the evidence: every event that was recorded waits or stands in its tenant's tree, and every place of a
// tree has its event. Counted by the minute in one statement, so what is under way at that moment is in both sides; a
// difference is no delay but a loss, and stays until it is mended (`assent audit verify --db` names the place). A look
// counts what came since the last even one, and a slice of what is older: its cost does not grow with the log.

import type { TenantId } from "@assent/contract";
import type { Clock, Log, LogBalance, LogStore } from "../../ports.ts";

export const CHECK_INTERVAL_MS = 60_000;
/** Whoever begins to keep the logs counts them soon: what was lost while nobody kept them waits no minute. */
export const IDLE_INTERVAL_MS = 1_000;
/** The first look counts all there is; looks are so seldom that they have at most this share of the time. */
const SHARE_OF_TIME_MAX = 0.01;

export type Conservation = {
  /** Tenants whose log does not balance, as of the last look; none before the first one. */
  gaps(): readonly LogGap[];
  stop(): Promise<void>;
};

export type LogGap = {
  readonly tenant: TenantId;
  /** Recorded, and neither waiting nor in the tree; below 0: in the tree, and never recorded. */
  readonly lost: number;
  /** Places that the tree's head counts, and that have no entry; below 0: entries past the head. */
  readonly missing: number;
};

export type ConservationPorts = {
  readonly store: Pick<LogStore, "balances">;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this process keeps the logs; the others need not count as well. */
  readonly holds: () => boolean;
};

export function gapOf({ tenant, events, placed, waiting, size, entries }: LogBalance): LogGap | null {
  const [lost, missing] = [events - placed - waiting, size - entries];
  return lost === 0 && missing === 0 ? null : { tenant, lost, missing };
}

export function startConservation(ports: ConservationPorts): Conservation {
  const { clock } = ports;
  const stopping = new AbortController();
  let gaps: readonly LogGap[] = [];
  const loop = (async () => {
    for (;;) {
      const begun = clock.now().getTime();
      const isKeeper = ports.holds();
      gaps = isKeeper ? await look(ports, gaps) : [];
      const pause = (clock.now().getTime() - begun) / SHARE_OF_TIME_MAX;
      await clock.sleep(isKeeper ? Math.max(CHECK_INTERVAL_MS, pause) : IDLE_INTERVAL_MS, stopping.signal);
      if (stopping.signal.aborted) return;
    }
  })();
  return {
    gaps: () => gaps,
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
    },
  };
}

async function look(
  { store, log }: ConservationPorts,
  before: readonly LogGap[],
): Promise<readonly LogGap[]> {
  try {
    const gaps = (await store.balances()).flatMap((balance) => gapOf(balance) ?? []);
    // Of each once, and again when it has become another one.
    for (const { tenant, lost, missing } of gaps)
      if (
        !before.some((known) => known.tenant === tenant && known.lost === lost && known.missing === missing)
      )
        log("error", "a tenant's log does not balance", { tenant_id: tenant, lost, missing });
    return gaps;
  } catch (error) {
    log("warn", "the logs could not be counted", {
      error: error instanceof Error ? error.message : "unknown",
    });
    return before;
  }
}
