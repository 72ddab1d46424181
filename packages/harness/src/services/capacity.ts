// Whether one more run may be queued: past capacity new work is refused at once, so that what was accepted is done in
// time, and queue, memory and connections stay bounded (invariant 14, refuse early). A repeat of an accepted request is
// never refused here.

import type { TenantId } from "@assent/contract";
import {
  DATABASE_WAITERS_MAX,
  QUEUE_AGE_SECONDS_MAX,
  QUEUE_RUNS_MAX,
  QUEUE_TENANT_RUNS_MAX,
} from "../base/limits.ts";
import type { Clock, QueueLoad, Random, Store } from "../ports.ts";
import type { Refusal } from "./harness.ts";

export type Capacity = {
  /** Null: there is room, and the run counts as queued from now on. */
  takeRoom(tenant: TenantId): Promise<Refusal | null>;
};

export type CapacityLimits = {
  readonly runs: number;
  readonly tenantRuns: number;
  readonly ageSeconds: number;
};

export const CAPACITY_LIMITS: CapacityLimits = {
  runs: QUEUE_RUNS_MAX,
  tenantRuns: QUEUE_TENANT_RUNS_MAX,
  ageSeconds: QUEUE_AGE_SECONDS_MAX,
};

/** How old a look at the queue may be. What this process lets in meanwhile is counted on top. */
const LOOK_MS_MAX = 250;
/** Where nothing is known yet of how fast the queue drains. */
const RETRY_SECONDS_UNKNOWN = 10;
const RETRY_SECONDS_MAX = 300;

/** Tenants of which a look is kept. */
const TENANTS_MAX = 1_000;

type Look = { readonly load: QueueLoad; admitted: number };
type Kept = { readonly atMs: number; readonly look: Promise<Look>; isPending: boolean };

export function createCapacity(
  ports: {
    readonly store: Pick<Store, "queueLoad" | "waiters">;
    readonly clock: Clock;
    readonly random: Random;
  },
  limits: CapacityLimits = CAPACITY_LIMITS,
): Capacity {
  /** Runs a second that have left the queue lately, as far as it was looked at. */
  let drain: { readonly atMs: number; readonly queued: number; readonly perSecond: number } | null = null;

  const look = async (tenant: TenantId): Promise<Look> => {
    const now = ports.clock.now();
    const load = await ports.store.queueLoad(tenant, now, limits.runs + 1);
    const atMs = now.getTime();
    // Also where the clock was set back: else nothing would be learnt until it is there again.
    if (drain === null || Math.abs(atMs - drain.atMs) > 1_000) {
      const seconds = drain === null ? 0 : (atMs - drain.atMs) / 1_000;
      const left = drain === null ? 0 : drain.queued - load.queued;
      drain = { atMs, queued: load.queued, perSecond: seconds > 0 ? Math.max(left / seconds, 0) : 0 };
    }
    return { load, admitted: 0 };
  };

  const recent = keptLooks(ports.clock, look);

  // Until then what is too much has been done, as far as anybody can tell; spread, so that not all come back at once.
  const retryAfter = (excess: number): number => {
    const rate = drain?.perSecond ?? 0;
    const seconds = rate > 0 ? excess / rate : RETRY_SECONDS_UNKNOWN;
    const spread = 1 + (ports.random.bytes(1)[0] ?? 0) / 512;
    return Math.min(Math.max(Math.ceil(seconds * spread), 1), RETRY_SECONDS_MAX);
  };

  const refusalOf = ({ load, admitted }: Look): Refusal | null => {
    const queued = load.queued + admitted;
    const own = load.queuedOfTenant + admitted;
    if (own >= limits.tenantRuns)
      return {
        code: "tenant_queue_full",
        detail: `${limits.tenantRuns} runs of yours are queued already.`,
        retryAfterSeconds: retryAfter(own - limits.tenantRuns + 1),
      };
    // Its own age: tenants take turns, so whoever has queued more than can be done in time keeps nobody else waiting.
    if (queued >= limits.runs || load.oldestOfTenantSeconds > limits.ageSeconds)
      return {
        code: "overloaded",
        detail: "More runs are queued than can be carried out in time.",
        retryAfterSeconds: retryAfter(Math.max(queued - limits.runs, 0) + 1),
      };
    return null;
  };

  return {
    async takeRoom(tenant): Promise<Refusal | null> {
      // Whoever would wait for a connection behind so many is told at once instead.
      if (ports.store.waiters() > DATABASE_WAITERS_MAX)
        return { code: "overloaded", detail: "The database is busy.", retryAfterSeconds: retryAfter(1) };
      const seen = await recent(tenant);
      const refusal = refusalOf(seen);
      if (refusal === null) seen.admitted += 1;
      return refusal;
    },
  };
}

/** The newest look of each tenant, for as long as it may be used, and for all who come while it is under way. */
function keptLooks(
  clock: Pick<Clock, "now">,
  look: (tenant: TenantId) => Promise<Look>,
): (tenant: TenantId) => Promise<Look> {
  const looks = new Map<TenantId, Kept>();
  return async (tenant) => {
    const nowMs = clock.now().getTime();
    const known = looks.get(tenant);
    // One look for all who come at the same time: they count each other. One that is waited for is not asked for again,
    // however long it takes, or a database that does not answer would soon hold every connection of this process.
    // What was seen before the clock was set back is old, and not new until the clock is there again.
    const isNew = known !== undefined && Math.abs(nowMs - known.atMs) < LOOK_MS_MAX;
    if (known !== undefined && (known.isPending || isNew)) return await known.look;
    // Tenants that are quiet are forgotten.
    if (looks.size >= TENANTS_MAX) looks.clear();
    const fresh: Kept = { atMs: nowMs, look: look(tenant), isPending: true };
    looks.set(tenant, fresh);
    try {
      return await fresh.look;
    } catch (error) {
      looks.delete(tenant);
      throw error;
    } finally {
      fresh.isPending = false;
    }
  };
}
