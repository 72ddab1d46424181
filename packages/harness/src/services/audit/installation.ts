// The installation's own log: a log like any tenant's, of the tenant "installation", which is nobody's. It holds what
// happens to the installation itself, and a digest of every tenant's checkpoints under a tag that names no tenant. So it
// is the one log that witnesses have to see, however many tenants there are.

import { createHash } from "node:crypto";
import type { TenantId } from "@assent/contract";
import { parseNote } from "@assent/tlog";
import type { Clock, Log, LogStore } from "../../ports.ts";
import type { PublishedCheckpoint } from "./witnessing.ts";

/** Tenants' checkpoints are taken over this often at most: one event for each tenant whose log has grown. */
export const COVER_INTERVAL_MS = 2_000;

/** What is in force in a process; null where it has no such thing. */
export type InForce = {
  readonly role: string;
  /** Digests: SHA-256 over the configuration's text, and the version of the rules. */
  readonly configuration: string | null;
  readonly policies: string;
};

export type InstallationPorts = {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly tenant: TenantId;
  /** Of a tenant's log, by tenant and epoch; the same in every process. */
  readonly tagOf: (tenant: TenantId, epoch: number) => string;
  /** Names this process among all that ever were. */
  readonly process: string;
  /** There is something to sequence. */
  readonly wake: () => void;
};

export type Installation = {
  readonly tenant: TenantId;
  /** Something happened to the installation. Never throws: what cannot be recorded is logged, and nothing waits for it. */
  record(subject: string, kind: string, data: Readonly<Record<string, unknown>>): Promise<void>;
  /** A tenant's checkpoint was published. */
  cover(checkpoint: PublishedCheckpoint): void;
  stop(): Promise<void>;
};

/** What the installation's log says of a checkpoint: the digest of the note's text, signatures left out. */
export const checkpointDigest = (note: string): string | null => {
  const parsed = parseNote(note);
  return parsed.ok ? createHash("sha256").update(parsed.value.text).digest("hex") : null;
};

export const coverSubject = (tag: string): string => `log_${tag}`;

export async function startInstallation(ports: InstallationPorts, inForce: InForce): Promise<Installation> {
  const stopping = new AbortController();
  const waiting = new Map<string, PublishedCheckpoint>();
  let alarm = new AbortController();
  await recordStart(ports, inForce);
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      alarm = new AbortController();
      await coverAll(ports, waiting);
      await ports.clock.sleep(COVER_INTERVAL_MS, stopping.signal);
      // Nothing happens while nothing is signed, so that a system that is idle commits nothing.
      if (waiting.size === 0) await sleepUntil(ports.clock, AbortSignal.any([alarm.signal, stopping.signal]));
    }
  })();
  return {
    tenant: ports.tenant,
    record: async (subject, kind, data) =>
      await tryTo(ports, async () => await add(ports, subject, kind, data)),
    cover(checkpoint): void {
      if (checkpoint.tenant === ports.tenant) return;
      waiting.set(checkpoint.origin, checkpoint);
      alarm.abort();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
      await coverAll(ports, waiting);
      await tryTo(
        ports,
        async () => await add(ports, ports.process, "installation.stopped", { role: inForce.role }),
      );
      ports.wake();
    },
  };
}

const HOUR_MS = 3_600_000;

async function sleepUntil(clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await clock.sleep(HOUR_MS, signal);
}

async function recordStart(ports: InstallationPorts, inForce: InForce): Promise<void> {
  await tryTo(ports, async () => {
    await add(ports, ports.process, "installation.started", inForce);
    await ports.store.transaction(ports.tenant, async (tx) => {
      // A worker reads the same configuration, and may be told another one: each role has its own history.
      const subject = `configuration_${inForce.role}`;
      const { role: _, ...present } = inForce;
      const payload = JSON.stringify(present);
      const before = await tx.newestFact(subject);
      if (before?.payload === payload) return;
      const kind = before === null ? "configuration.stated" : "configuration.changed";
      await tx.addFact({ subject, at: ports.clock.now(), kind, actor: null, payload });
    });
  });
  ports.wake();
}

async function add(
  { store, tenant, clock }: InstallationPorts,
  subject: string,
  kind: string,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  await store.transaction(tenant, async (tx) => {
    await tx.addFact({ subject, at: clock.now(), kind, actor: null, payload: JSON.stringify(data) });
  });
}

async function tryTo({ log }: Pick<InstallationPorts, "log">, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log("warn", "the installation's log could not be written", {
      error: error instanceof Error ? error.message : "unknown",
    });
  }
}

async function coverAll(ports: InstallationPorts, waiting: Map<string, PublishedCheckpoint>): Promise<void> {
  if (waiting.size === 0) return;
  const taken = [...waiting.values()];
  waiting.clear();
  try {
    await ports.store.transaction(ports.tenant, async (tx) => {
      for (const { tenant, epoch, size, note } of taken)
        await tx.addFact({
          subject: coverSubject(ports.tagOf(tenant, epoch)),
          at: ports.clock.now(),
          kind: "log.covered",
          actor: null,
          payload: JSON.stringify({ size, sha256: checkpointDigest(note) }),
        });
    });
    ports.wake();
  } catch (error) {
    // Taken up again, unless a newer one has come.
    for (const one of taken) if (!waiting.has(one.origin)) waiting.set(one.origin, one);
    ports.log("warn", "tenants' checkpoints could not be taken over into the installation's log", {
      error: error instanceof Error ? error.message : "unknown",
    });
  }
}
