// How one tenant's long runs let another's begin. Queued runs are taken in turn, but a slot comes free only when a run ends or
// waits. So a worker whose slots are all held looks whether somebody waits for one who holds fewer; then a run that has had its
// turn gives way after its next step, and where none does soon (its step takes long), the worker lends a slot more. As long as
// nobody waits, and wherever runs are short, nothing is asked and nothing changes.

import type { TenantId } from "@assent/contract";
import { LENT_SLOTS_SHARE, TURN_LOOK_SECONDS, TURN_SECONDS } from "../base/limits.ts";
import { type Handover, nextHandover } from "../core/run/turns.ts";
import { ASSENT } from "../core/telemetry/names.ts";
import type { Clock, Log, Store, Telemetry } from "../ports.ts";

/** One run's hold on a slot. */
export type HeldTurn = {
  /**
   * To be asked between two steps: true once, where this hold is to end now for somebody else's. Never before the first step
   * of a hold, or runs could be handed round without any of them getting on.
   * @param isFree whether the run can go on anywhere as well as here
   */
  givesWay(isFree: () => boolean): boolean;
};

export type Turns = {
  begin(tenant: TenantId): HeldTurn & { end(): void };
  /** For whom a run gave way, once; null: it is the next tenant's turn. */
  first(): TenantId | null;
  /** Looks until the worker stops. */
  watch(): Promise<void>;
};

type Options = {
  readonly runsMax: number;
  /** Of one tenant in all workers; null: as many as there are. */
  readonly tenantSlots: number | null;
  /** Whose turn was last. */
  readonly after: () => TenantId | null;
  /** Takes and advances a run of theirs beside the others. */
  readonly lend: (to: TenantId) => Promise<void>;
};

type Held = { readonly tenant: TenantId; readonly sinceMs: number; hasMoved: boolean };

/** Never over: of who advances a run that nobody waits behind. */
export const ENDLESS_TURN: HeldTurn = { givesWay: () => false };

type Ports = {
  readonly store: Pick<Store, "slots">;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
};

export function createTurns(ports: Ports, options: Options, stopping: AbortSignal): Turns {
  const { clock, telemetry } = ports;
  const { runsMax, tenantSlots, after, lend } = options;
  const holds = new Set<Held>();
  let wanted: Handover | null = null;
  let first: TenantId | null = null;
  let lent = 0;
  const lentMax = Math.max(1, Math.floor(runsMax * LENT_SLOTS_SHARE));

  const hasHadTurn = ({ sinceMs }: Held): boolean => clock.now().getTime() - sinceMs >= TURN_SECONDS * 1_000;

  const look = async (): Promise<Handover | null> => {
    if (holds.size < runsMax || ![...holds].some(hasHadTurn)) return null;
    const found = await whoWaits(ports, after(), tenantSlots);
    return [...holds].some(({ tenant }) => found?.from.has(tenant) === true) ? found : null;
  };

  const lendOne = async (to: TenantId): Promise<void> => {
    lent += 1;
    telemetry.count("assent.turns", { [ASSENT.outcome]: "lent" });
    await lend(to);
    lent -= 1;
  };

  return {
    begin(tenant) {
      const held: Held = { tenant, sinceMs: clock.now().getTime(), hasMoved: false };
      holds.add(held);
      return {
        givesWay(isFree) {
          const isFirst = !held.hasMoved;
          held.hasMoved = true;
          if (isFirst || wanted?.from.has(tenant) !== true || !hasHadTurn(held) || !isFree()) return false;
          first = wanted.to;
          wanted = null;
          telemetry.count("assent.turns", { [ASSENT.outcome]: "handed_over" });
          return true;
        },
        end: () => void holds.delete(held),
      };
    },
    first() {
      const whose = first;
      first = null;
      return whose;
    },
    async watch(): Promise<void> {
      const loans = new Set<Promise<void>>();
      for (;;) {
        await clock.sleep(TURN_LOOK_SECONDS * 1_000, stopping);
        if (stopping.aborted) break;
        const missed = wanted;
        wanted = null;
        const found = await look();
        if (found !== null && missed?.to === found.to && lent < lentMax) {
          const loan = lendOne(found.to);
          loans.add(loan);
          void loan.then(() => loans.delete(loan));
        } else wanted = found;
      }
      await Promise.all(loans);
    },
  };
}

// A run that has only just come due is being taken by somebody, as like as not.
async function whoWaits(
  { store, clock, log }: Ports,
  after: TenantId | null,
  tenantSlots: number | null,
): Promise<Handover | null> {
  const now = new Date(clock.now().getTime() - TURN_LOOK_SECONDS * 1_000);
  try {
    return nextHandover(await store.slots({ after, now }), tenantSlots);
  } catch (error) {
    const what = error instanceof Error ? error.message : "unknown";
    log("info", "nobody could tell who waits for a slot", { error: what });
    return null;
  }
}
