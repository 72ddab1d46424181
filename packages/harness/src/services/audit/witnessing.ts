// Shows new checkpoints to the witnesses that the policy names, beside everything else: no witness that is slow, gone or
// lying holds up a log, a signature or a business transaction. What they sign is kept with the checkpoint.

import type { TenantId } from "@assent/contract";
import type { PolicyWitness } from "@assent/tlog";
import type { Clock, Log, LogFiles, LogStore, StoredCheckpoint, Witnesses } from "../../ports.ts";
import { askForCosignature, type WitnessRefusal } from "./ask-for-cosignature.ts";

/** Between two rounds of one log: a log that grows ten times a second is not shown ten times a second. */
export const WITNESS_INTERVAL_MS = 1_000;
/** A witness that did not cosign is asked again after this, unless the log has grown before. */
export const WITNESS_RETRY_MS = 30_000;

export type WitnessingPorts = {
  readonly store: LogStore;
  readonly files: Pick<LogFiles, "publish">;
  readonly clock: Clock;
  readonly log: Log;
  readonly witnesses: Witnesses;
};

export type PublishedCheckpoint = StoredCheckpoint & { readonly tenant: TenantId; readonly origin: string };

/** What a witness said last; null while it was not asked. */
export type WitnessStanding = {
  readonly witness: string;
  readonly size: number;
  readonly refusal: WitnessRefusal | null;
};

export type Witnessing = {
  /** A checkpoint was published. */
  see(checkpoint: PublishedCheckpoint): void;
  standings(origin: string): readonly WitnessStanding[];
  stop(): Promise<void>;
};

type Shown = { checkpoint: PublishedCheckpoint; readonly standing: Map<string, WitnessStanding> };

export function startWitnessing(ports: WitnessingPorts): Witnessing {
  const stopping = new AbortController();
  const logs = new Map<string, Shown>();
  let alarm = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      alarm = new AbortController();
      // One log after the other: they are few, and each asks all its witnesses at once.
      for (const shown of logs.values()) await round(ports, shown, stopping.signal);
      await ports.clock.sleep(WITNESS_INTERVAL_MS, stopping.signal);
      await ports.clock.sleep(WITNESS_RETRY_MS, AbortSignal.any([alarm.signal, stopping.signal]));
    }
  })();
  return {
    see(checkpoint): void {
      if (!ports.witnesses.policy.logs.some(({ key }) => key.name === checkpoint.origin)) return;
      const shown = logs.get(checkpoint.origin);
      if (shown === undefined) logs.set(checkpoint.origin, { checkpoint, standing: new Map() });
      else shown.checkpoint = checkpoint;
      alarm.abort();
    },
    standings: (origin) =>
      ports.witnesses.policy.witnesses
        .map(({ key }) => logs.get(origin)?.standing.get(key.vkey))
        .filter((standing) => standing !== undefined),
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
    },
  };
}

async function round(ports: WitnessingPorts, shown: Shown, signal: AbortSignal): Promise<void> {
  const { checkpoint, standing } = shown;
  const wanted = ports.witnesses.policy.witnesses.filter(({ url, key }) => {
    const known = standing.get(key.vkey);
    return url !== null && (known?.size !== checkpoint.size || known.refusal !== null);
  });
  if (wanted.length === 0) return;
  try {
    const answered = await Promise.all(
      wanted.map(async (witness) => await showOne(ports, shown, checkpoint, witness, signal)),
    );
    if (answered.includes(true)) await publish(ports, checkpoint);
  } catch (error) {
    // The database or the disk: the next round begins where this one did.
    ports.log("warn", "witnesses could not be asked", {
      error: error instanceof Error ? error.message : "unknown",
    });
  }
}

async function showOne(
  ports: WitnessingPorts,
  { standing }: Shown,
  checkpoint: PublishedCheckpoint,
  witness: PolicyWitness,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, log, witnesses } = ports;
  const { vkey, name } = witness.key;
  const before = standing.get(vkey) ?? null;
  const asking = { store, ask: witnesses.ask };
  const line = await askForCosignature(asking, checkpoint, checkpoint, witness, before?.size ?? 0, signal);
  if (!line.ok) {
    standing.set(vkey, { witness: name, size: before?.size ?? 0, refusal: line.error });
    // Said once for each reason, not at each round.
    if (before?.refusal?.detail !== line.error.detail)
      log(
        line.error.code === "ahead" || line.error.code === "refused" ? "error" : "warn",
        "a witness does not cosign",
        {
          witness: name,
          origin: checkpoint.origin,
          ...line.error,
        },
      );
    return false;
  }
  await store.transaction(checkpoint.tenant, async (tx) => {
    await tx.addCosignature(checkpoint, name, line.value);
  });
  standing.set(vkey, { witness: name, size: checkpoint.size, refusal: null });
  return true;
}

async function publish(
  { store, files }: WitnessingPorts,
  { tenant, origin, epoch, size }: PublishedCheckpoint,
): Promise<void> {
  const cosigned = await store.transaction(tenant, async (tx) => await tx.checkpoint(epoch, size));
  if (cosigned !== null) await files.publish(origin, cosigned.note);
}
