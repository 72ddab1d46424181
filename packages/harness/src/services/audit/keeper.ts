// Keeps every tenant's log: sequences what waits, publishes it, has it signed. One process of an installation does it
// at a time; the others look now and then whether it is gone. It sleeps until somebody wrote an event in this process,
// or waits for a checkpoint in another.

import type { TenantId } from "@assent/contract";
import { TILE_WIDTH, tilePath } from "@assent/tlog";
import { ok } from "../../base/result.ts";
import {
  type Clock,
  type Log,
  type LogHead,
  type LogHold,
  type LogInfo,
  StoreUnavailable,
} from "../../ports.ts";
import type { PublishedCheckpoint } from "./witnessing.ts";
import { publish, type PublisherPorts, type PublishRefusal } from "./publisher.ts";
import { addOwnLines, signingKeys } from "./own-lines.ts";
import { cutRefusal } from "./signer.ts";
import { recallLog } from "./ahead.ts";
import { RecentTree } from "./recent-tree.ts";
import { sequence, type SequencerPorts } from "./sequencer.ts";

/** Facts of this long share a batch, a signature and its disk syncs. */
export const BATCH_INTERVAL_MS = 100;
/** What other processes wrote is found after this long, unless they ask for it. One query; nothing is written. */
export const IDLE_INTERVAL_MS = 5_000;
/** A log that its signer refuses is looked at again this often: only an operator can mend it. */
const REFUSED_INTERVAL_MS = 30_000;
/** One that could not be kept for want of a disk is tried again so often: whoever makes room is not kept waiting. */
const FAILED_INTERVAL_MS = 2_000;

export type KeeperPorts = SequencerPorts &
  PublisherPorts & {
    readonly log: Log;
    readonly clock: Clock;
    readonly hold: (onWanted: () => void) => LogHold;
    /** Name of a tenant's log, of the given epoch. */
    readonly originOf: (tenant: TenantId, epoch: number) => string;
    /** Told of every checkpoint that is published. */
    readonly onCheckpoint?: (checkpoint: PublishedCheckpoint) => void;
    /** Told when a tenant's log begins to be refused; not of each time that it still is. */
    readonly onRefused?: (tenant: TenantId, refusal: KeepRefusal) => void;
  };

export type Keeper = {
  /** There may be something to do. */
  wake(): void;
  /** Whether this process is the one that keeps the logs. */
  holds(): boolean;
  /** Why a tenant's log does not go on; null while it does. */
  refusalOf(tenant: TenantId): KeepRefusal | null;
  /** Of how many tenants the log does not go on. */
  stopped(): number;
  stop(): Promise<void>;
};

export type KeyRefusal = { readonly code: "key_differs"; readonly detail: string };
type KeepRefusal = PublishRefusal | KeyRefusal | { readonly code: "log_not_kept"; readonly detail: string };
type Refused = { readonly refusal: KeepRefusal; readonly at: number };

export function startKeeper(ports: KeeperPorts): Keeper {
  const stopping = new AbortController();
  const refused = new Map<TenantId, Refused>();
  const kept: KeptLogs = new Map();
  // The keys whose lines all newest checkpoints were looked through for.
  let lined: string | null = null;
  let alarm = new AbortController();
  let holding = false;
  // Whoever records an event wakes it: a signal that is aborted already is not aborted again, which has its price.
  const wake = (): void => {
    if (!alarm.signal.aborted) alarm.abort();
  };
  const hold = ports.hold(wake);
  const line = async (): Promise<void> => {
    const keys = signingKeys(ports.signer);
    if (keys === lined) return;
    const logs = await addOwnLines(ports);
    lined = keys;
    if (logs > 0) ports.log("info", "checkpoints of idle logs have lines of the present keys", { logs });
  };
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      // Made anew before looking: whoever writes while we look wakes us for another look.
      alarm = new AbortController();
      holding = await look(ports, hold, refused, kept, line);
      await ports.clock.sleep(BATCH_INTERVAL_MS, stopping.signal);
      await ports.clock.sleep(
        IDLE_INTERVAL_MS - BATCH_INTERVAL_MS,
        AbortSignal.any([alarm.signal, stopping.signal]),
      );
    }
    // What was committed until now is signed before this process goes.
    if (holding) await look(ports, hold, refused, kept, line);
    await hold.end();
  })();
  return {
    wake,
    holds: () => holding,
    refusalOf: (tenant) => refused.get(tenant)?.refusal ?? null,
    stopped: () => refused.size,
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
    },
  };
}

async function look(
  ports: KeeperPorts,
  hold: LogHold,
  refused: Map<TenantId, Refused>,
  kept: KeptLogs,
  line: () => Promise<void>,
): Promise<boolean> {
  try {
    if (!(await hold.take())) return false;
    for (const tenant of await ports.store.pending()) {
      const before = refused.get(tenant);
      const now = ports.clock.now().getTime();
      const pauseMs = before?.refusal.code === "log_not_kept" ? FAILED_INTERVAL_MS : REFUSED_INTERVAL_MS;
      // Also where the clock was set back since: it is not looked away until it is there again.
      if (before !== undefined && Math.abs(now - before.at) < pauseMs) continue;
      const refusal = await advanceOne(ports, tenant, kept);
      if (refusal === null) refused.delete(tenant);
      // A process that kept the logs before this one, and was held up on the way, signed in between: nothing is wrong, and
      // the next look begins with what it has signed.
      else if (refusal.code !== "signer_busy") {
        if (before?.refusal.code !== refusal.code) ports.onRefused?.(tenant, refusal);
        refused.set(tenant, { refusal, at: now });
        ports.log("error", "a tenant's log is not signed", { tenant_id: tenant, ...refusal });
      }
    }
    await line();
    return true;
  } catch (error) {
    ports.log("warn", "keeping the logs failed", {
      error: error instanceof Error ? error.message : "unknown",
    });
    return false;
  }
}

// What is wrong with one tenant's log (no room on its disk, a file that is none) must not keep all others from theirs.
async function advanceOne(ports: KeeperPorts, tenant: TenantId, kept: KeptLogs): Promise<KeepRefusal | null> {
  try {
    return await advance(ports, tenant, kept);
  } catch (error) {
    // Of a database that is away there is nothing to be had for the others either.
    if (error instanceof StoreUnavailable) throw error;
    const message = error instanceof Error ? error.message : "unknown";
    ports.log("warn", "keeping a tenant's log failed", { tenant_id: tenant, error: message });
    const code = error instanceof Error && "code" in error ? String(error.code) : "failed";
    return {
      code: "log_not_kept",
      detail: `The log could not be brought up to date (${code}). What is recorded waits, and is made up for by itself.`,
    };
  }
}

/** What the process that keeps the logs remembers of some of them from one look to the next. */
export type KeptLogs = Map<TenantId, { readonly log: LogInfo; readonly recent: RecentTree }>;

/** Logs that are remembered at once: some hundred kilobytes each, while they grow. */
const KEPT_LOGS_MAX = 64;

/** Sequences, publishes and signs all that a tenant has. @returns why its log does not go on; null when it does */
export async function advance(
  ports: Omit<KeeperPorts, "hold" | "log">,
  tenant: TenantId,
  kept: KeptLogs = new Map(),
): Promise<PublishRefusal | KeyRefusal | null> {
  const before = kept.get(tenant);
  // What goes wrong on the way is begun with an empty memory the next time.
  kept.delete(tenant);
  const of = before ?? { log: await ensureLog(ports, tenant), recent: new RecentTree() };
  const { log } = of;
  // Only the home whose key began a log may go on with it, with that key or one that it was rotated to: another's
  // signature would end verifiers' trust.
  if (!ports.signer.held(log.origin).some(({ vkey }) => vkey === log.vkey))
    return {
      code: "key_differs",
      detail: `The log ${log.origin} was begun with another key than this home's; begin a new epoch, or give this home its key.`,
    };
  // Asked before the database is, which then has at least as much. What was recorded since a backup was restored waits
  // for the next epoch, instead of taking places whose entries are signed.
  const { size: known, lost } = await recallLog(ports, log);
  // Of a log that cannot be signed nothing gets its place either: it waits for its operator.
  const sizeMin = lost === null ? known : Number.POSITIVE_INFINITY;
  let head: LogHead | null = null;
  // A process before this one may have gone between a record and what it records.
  let isPruning = before === undefined;
  for (let more = true; more;) {
    const done = await sequence(ports, tenant, { sizeMin, ...of });
    // Another epoch has begun. One that is remembered may be from before that; one that was just read will be by the
    // next look.
    if (done === null) return before === undefined ? null : await advance(ports, tenant, kept);
    if (done.head.size < known) return cutRefusal(done.head.size, known);
    if (lost !== null) return lost;
    ({ head, more } = done);
    isPruning ||= done.hasPruned === true;
  }
  const published = head === null ? ok(null) : await publish(ports, tenant, { ...of, head });
  if (!published.ok) return published.error;
  if (published.value !== null) ports.onCheckpoint?.({ ...published.value, tenant });
  if (isPruning) await pruneFiles(ports, tenant);
  kept.set(tenant, of);
  const [oldest] = kept.keys();
  if (kept.size > KEPT_LOGS_MAX && oldest !== undefined) kept.delete(oldest);
  return null;
}

// Behind the checkpoint that covers the record: what is published is never less than what is said to be.
async function pruneFiles(
  { store, files }: Pick<KeeperPorts, "store" | "files">,
  tenant: TenantId,
): Promise<void> {
  const logs = await store.transaction(tenant, async (tx) => {
    const found: { readonly origin: string; readonly minimum: number }[] = [];
    for (const { epoch, origin } of await tx.logs()) found.push({ origin, minimum: await tx.minimum(epoch) });
    return found;
  });
  for (const { origin, minimum } of logs) {
    const bundles = Array.from({ length: minimum / TILE_WIDTH }, (_, index) =>
      tilePath({ level: "entries", index, width: TILE_WIDTH }),
    );
    if (minimum > 0) await files.prune(origin, minimum, bundles);
  }
}

async function ensureLog(
  { store, signer, originOf }: Pick<KeeperPorts, "store" | "signer" | "originOf">,
  tenant: TenantId,
): Promise<LogInfo> {
  return await store.transaction(tenant, async (tx) => {
    const newest = (await tx.logs()).at(-1);
    if (newest !== undefined) return newest;
    const origin = originOf(tenant, 1);
    const log = { epoch: 1, origin, vkey: signer.newest(origin) };
    await tx.begin(log);
    return log;
  });
}
