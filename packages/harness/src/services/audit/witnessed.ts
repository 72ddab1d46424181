// How a tenant shows that witnesses have seen its log, though they never see it: its checkpoint's digest is an entry of
// the installation's log, and that log's checkpoints are cosigned.

import type { TenantId } from "@assent/contract";
import { formatProof, type Policy, proveInclusion, verifyCosignatures } from "@assent/tlog";
import type { LogStore, LogTx, StoredCheckpoint, StoredLeaf } from "../../ports.ts";
import { coverSubject } from "./installation.ts";
import { withHashes } from "./tree-reader.ts";

export type Witnessed = {
  /** The tenant's checkpoint that is shown to be witnessed: never larger than the newest. */
  readonly checkpoint: StoredCheckpoint;
  /** The installation's entry that says so, with what opens it. */
  readonly entry: StoredLeaf;
  /** C2SP tlog-proof of the entry, with the cosigned checkpoint of the installation's log. */
  readonly proof: string;
};

export type CosignedStanding = {
  /** Entries that the newest checkpoint with a quorum covers; 0 for none. */
  readonly size: number;
  /** When the first checkpoint after that was signed; null where there is none. */
  readonly uncosignedSince: Date | null;
};

/** Cosigned checkpoints that are looked through for one that enough witnesses have signed. */
const COSIGNED_MAX = 50;

async function newestQuorum(tx: LogTx, epoch: number, policy: Policy): Promise<StoredCheckpoint | null> {
  for (const checkpoint of await tx.cosigned(epoch, COSIGNED_MAX)) {
    const found = verifyCosignatures(
      checkpoint.note,
      policy.witnesses.map(({ key }) => key),
    );
    if (found.ok && policy.isQuorum(new Set(found.value.map(({ key }) => key.vkey)))) return checkpoint;
  }
  return null;
}

/** Null for a log that the policy does not name: nobody is asked to cosign it. */
export async function cosignedStanding(
  tx: LogTx,
  epoch: number,
  origin: string,
  policy: Policy,
): Promise<CosignedStanding | null> {
  if (!policy.logs.some(({ key }) => key.name === origin)) return null;
  const newest = await newestQuorum(tx, epoch, policy);
  const size = newest?.size ?? 0;
  return { size, uncosignedSince: await tx.signedAfter(epoch, size) };
}

export type WitnessedPorts = {
  readonly store: LogStore;
  readonly policy: Policy;
  readonly installation: TenantId;
  readonly tagOf: (tenant: TenantId, epoch: number) => string;
};

/** Null while no witnessed checkpoint of the installation covers any of the log's. */
export async function readWitnessed(
  { store, policy, installation, tagOf }: WitnessedPorts,
  tenant: TenantId,
  epoch: number,
): Promise<Witnessed | null> {
  const covered = await store.transaction(installation, async (tx) => {
    const log = (await tx.logs()).at(-1);
    const cosigned = log === undefined ? null : await newestQuorum(tx, log.epoch, policy);
    if (log === undefined || cosigned === null) return null;
    const index = await tx.newestEntry(coverSubject(tagOf(tenant, epoch)), log.epoch, cosigned.size);
    const [entry] = index === null ? [] : await tx.opened(log.epoch, index, 1);
    if (index === null || entry === undefined) return null;
    const hashes = await withHashes(tx, log.epoch, (read) => proveInclusion(read, index, cosigned.size));
    return { entry, proof: formatProof({ index, hashes, checkpoint: cosigned.note, extra: null }) };
  });
  const size = covered === null ? null : sizeIn(covered.entry.payload);
  if (covered === null || size === null) return null;
  const checkpoint = await store.transaction(tenant, async (tx) => await tx.firstCheckpoint(epoch, size));
  return checkpoint?.size === size ? { checkpoint, ...covered } : null;
}

/** The standing of a log that witnesses see by way of the installation's only. */
export async function standingThrough(
  ports: WitnessedPorts,
  tenant: TenantId,
  epoch: number,
): Promise<CosignedStanding> {
  const seen = await readWitnessed(ports, tenant, epoch);
  const size = seen?.checkpoint.size ?? 0;
  const uncosignedSince = await ports.store.transaction(
    tenant,
    async (tx) => await tx.signedAfter(epoch, size),
  );
  return { size, uncosignedSince };
}

function sizeIn(payload: string | null): number | null {
  const said: unknown = payload === null ? null : JSON.parse(payload);
  const size: unknown = typeof said === "object" && said !== null ? Reflect.get(said, "size") : null;
  return typeof size === "number" ? size : null;
}
