// What others ask of a tenant's log: proofs, the log itself for export, and the few changes that an operator makes.

import { type ApprovalId, type EpochRequest, type RunId, type TenantId, uuidOf } from "@assent/contract";
import { openCheckpoint } from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import { EPOCH_KIND } from "../../core/audit/epoch-link.ts";
import { ERASED_KIND } from "../../core/audit/leaf.ts";
import type { Caller, LogFiles, LogInfo, LogTx, OpenedLeaf, StoredCheckpoint } from "../../ports.ts";
import type { Refusal } from "../harness.ts";
import { digestOf } from "../../base/digest.ts";
import { publishedCheckpoint, recallLog } from "./ahead.ts";
import { type CoverWaitPorts, NEW_MS, waitForCover } from "./cover-wait.ts";
import { prune } from "./pruning.ts";
import { createReceipts, type EventProof, proofsOf } from "./receipts.ts";
import { rotate, type RotationPorts } from "./rotation.ts";
import { epochSubject } from "./sequencer.ts";
import { createSealingKeys, type SealingKeyPorts, type SealingKeys } from "./sealing-keys.ts";
import type { Signer } from "./signer.ts";
import {
  type CosignedStanding,
  cosignedStanding,
  standingThrough,
  readWitnessed,
  type Witnessed,
  type WitnessedPorts,
} from "./witnessed.ts";

export type EvidencePorts = RotationPorts &
  CoverWaitPorts & {
    /** How long entries are kept; null: for ever. */
    readonly retentionDays: number | null;
    readonly files: LogFiles;
    readonly originOf: (tenant: TenantId, epoch: number) => string;
    /** Why the tenant's log is not signed any more, as far as this process knows. */
    readonly stoppedBy: (tenant: TenantId) => Stopped | null;
    readonly sealing: SealingKeyPorts;
    /** Null where no witness is asked. */
    readonly witnessed: WitnessedOptions | null;
    /** The tenant of the installation's own log; null where there is none. */
    readonly installation: TenantId | null;
    /** Tenants whose log has lost or gained something, as far as this process has counted. */
    readonly gaps: () => number;
    /** Tenants whose log is not signed any more, as far as this process knows. */
    readonly stopped: () => number;
  };

export type WitnessedOptions = Omit<WitnessedPorts, "store">;

export type LogState = LogInfo & {
  /** How far witnesses have cosigned it; null where none are asked to. */
  readonly cosigned: CosignedStanding | null;
  readonly size: number;
  readonly signedSize: number;
  /** Below this place entries are not kept; 0 where the log was never pruned. */
  readonly minimum: number;
  /** Verifier keys that signed its newest checkpoint, and those that sign it now; oldest first. */
  readonly keys: readonly string[];
};

/** Why a log is not signed any more. */
export type Stopped = { readonly code: string; readonly detail: string };

export type EntryPage = {
  readonly entries: readonly OpenedLeaf[];
  readonly size: number;
  readonly minimum: number;
  /** Of the entries that were asked for and lie below the minimum: all that there is of them. */
  readonly hashes: readonly Uint8Array[];
};

export type Evidence = {
  /** How long the configuration has entries kept; null: for ever. */
  readonly retentionDays: number | null;
  /** Tenants whose log does not balance; counted by the process that keeps the logs, 0 in others. */
  gaps(): number;
  /** Tenants whose log is not signed any more, as far as this process knows. */
  stopped(): number;
  /** The proof of a run's event; null while no checkpoint covers it. */
  prove(tenant: TenantId, run: RunId, version: number): Promise<EventProof | null>;
  /** Waits until a checkpoint covers the newest fact about this subject; false when that took too long. */
  waitForCover(tenant: TenantId, subject: string): Promise<boolean>;
  /**
   * The proof of what a person decided about an approval, waiting for its cover; null when that took too long. The same
   * event has the same receipt for ever.
   */
  receiptOf(tenant: TenantId, run: RunId, approval: ApprovalId, decidedAt: Date): Promise<EventProof | null>;
  logs(tenant: TenantId): Promise<{ readonly states: readonly LogState[]; readonly stopped: Stopped | null }>;
  checkpoint(tenant: TenantId, epoch: number): Promise<StoredCheckpoint | null>;
  /** Null where no witness is asked, or none has seen anything of this log yet. */
  witnessed(tenant: TenantId, epoch: number): Promise<Witnessed | null>;
  /** Null when there is no such log. */
  entries(tenant: TenantId, epoch: number, from: number, limit: number): Promise<EntryPage | null>;
  erase(caller: Caller, epoch: number, index: number, reason: string): Promise<Result<null, Refusal>>;
  /** Takes away what is older than the installation keeps. @returns whether it has to be asked again */
  prune(caller: Caller): Promise<Result<{ readonly isUnfinished: boolean }, Refusal>>;
  /** Refused where nothing is wrong with the log that there is, unless it is to be begun anyway. */
  beginEpoch(caller: Caller, request: EpochRequest): Promise<Result<LogInfo, Refusal>>;
  rotate(caller: Caller, step: "add" | "retire"): Promise<Result<readonly string[], Refusal>>;
  readonly sealing: SealingKeys;
};

export function createEvidence(ports: EvidencePorts): Evidence {
  const { store } = ports;
  const findReceipt = createReceipts(store);
  return {
    retentionDays: ports.retentionDays,
    gaps: () => ports.gaps(),
    stopped: () => ports.stopped(),
    prove: async (tenant, run, version) =>
      await store.transaction(tenant, async (tx) => await prove(tx, run, version)),
    waitForCover: async (tenant, subject) => await isCoveredInTime(ports, tenant, subject),
    receiptOf: async (tenant, run, approval, decidedAt) => {
      const isNew = ports.clock.now().getTime() - decidedAt.getTime() < NEW_MS;
      return await waitForCover(ports, tenant, async () => await findReceipt(tenant, run, approval), isNew);
    },
    logs: async (tenant) => {
      const states = await store.transaction(tenant, async (tx) => await listLogs(tx, ports));
      const newest = states.at(-1);
      // Of an earlier log, what witnesses saw stands in an earlier log of the installation.
      if (newest?.cosigned === null && ports.witnessed !== null) {
        const cosigned = await standingThrough({ ...ports.witnessed, store }, tenant, newest.epoch);
        return {
          states: [...states.slice(0, -1), { ...newest, cosigned }],
          stopped: ports.stoppedBy(tenant),
        };
      }
      return { states, stopped: ports.stoppedBy(tenant) };
    },
    checkpoint: async (tenant, epoch) =>
      await store.transaction(tenant, async (tx) => await tx.checkpoint(epoch, 0)),
    witnessed: async (tenant, epoch) =>
      ports.witnessed === null ? null : await readWitnessed({ ...ports.witnessed, store }, tenant, epoch),
    entries: async (tenant, epoch, from, limit) =>
      await store.transaction(tenant, async (tx) => await readEntries(tx, epoch, from, limit)),
    prune: async (caller) =>
      await prune(
        {
          ...ports,
          waitForCover: async (tenant, subject) => await isCoveredInTime(ports, tenant, subject),
        },
        caller,
      ),
    erase: async (caller, epoch, index, reason) => await erase(ports, caller, { epoch, index, reason }),
    beginEpoch: async (caller, request) => await beginEpoch(ports, caller, request),
    rotate: async (caller, step) => await rotate(ports, caller, step),
    sealing: createSealingKeys(ports.sealing, ports),
  };
}

async function prove(tx: LogTx, run: RunId, version: number): Promise<EventProof | null> {
  const place = await tx.place(run, version);
  if (place === null) return null;
  const { epoch, index } = place;
  const checkpoint = await tx.checkpoint(epoch, index + 1);
  const [leaf] = await tx.leaves(epoch, index, 1);
  if (checkpoint === null || leaf === undefined) return null;
  const [proof] = await proofsOf(tx, epoch, [{ epoch, index, leaf, checkpoint }]);
  return proof ?? null;
}

async function isCoveredInTime(ports: EvidencePorts, tenant: TenantId, subject: string): Promise<boolean> {
  const look = async (tx: LogTx): Promise<true | null> => {
    const event = await tx.eventOf(subject);
    return event !== null && (await tx.isCovered(event)) ? true : null;
  };
  const covered = await waitForCover(ports, tenant, async () => await ports.store.transaction(tenant, look));
  return covered === true;
}

async function readEntries(tx: LogTx, epoch: number, from: number, limit: number): Promise<EntryPage | null> {
  const head = await tx.head(epoch);
  if (head === null) return null;
  const minimum = await tx.minimum(epoch);
  const below = Math.max(0, Math.min(minimum, from + limit) - from);
  return {
    // One that is kept all the same is of use to whoever reviews the database, and would be one more to an export.
    entries: (await tx.opened(epoch, from + below, limit - below)).filter(({ index }) => index >= minimum),
    size: head.size,
    minimum,
    hashes: below === 0 ? [] : await tx.hashes(epoch, 0, from, below),
  };
}

async function listLogs(
  tx: LogTx,
  { signer, witnessed }: Pick<EvidencePorts, "signer" | "witnessed">,
): Promise<readonly LogState[]> {
  const states: LogState[] = [];
  const logs = await tx.logs();
  for (const log of logs) {
    const head = await tx.head(log.epoch);
    const checkpoint = await tx.checkpoint(log.epoch, 0);
    states.push({
      ...log,
      size: head?.size ?? 0,
      signedSize: checkpoint?.size ?? 0,
      minimum: await tx.minimum(log.epoch),
      keys: keysFor(signer, log, checkpoint?.note ?? null, log === logs.at(-1)),
      cosigned:
        witnessed === null ? null : await cosignedStanding(tx, log.epoch, log.origin, witnessed.policy),
    });
  }
  return states;
}

// An earlier log is signed no more: what verifies it are the keys of its last checkpoint, wherever they are by now.
function keysFor(
  signer: Signer,
  { origin, vkey: first }: LogInfo,
  note: string | null,
  goesOn: boolean,
): readonly string[] {
  const held = signer.held(origin);
  // Another home signs it, and this one's key never will: whoever pinned that could verify nothing.
  if (!held.some(({ vkey }) => vkey === first)) return [first];
  const opened = note === null ? null : openCheckpoint(note, origin, held, "any");
  const signers = opened?.ok === true ? opened.value.signers.map(({ vkey }) => vkey) : [];
  const now = goesOn || signers.length === 0 ? signer.vkeys(origin) : [];
  return [...new Set([...signers, ...now])];
}

async function erase(
  { store, clock, wake }: EvidencePorts,
  { tenant, actor }: Caller,
  erasure: { readonly epoch: number; readonly index: number; readonly reason: string },
): Promise<Result<null, Refusal>> {
  const done = await store.transaction(tenant, async (tx) => {
    const [leaf] = await tx.leaves(erasure.epoch, erasure.index, 1);
    // What records an erasure is no payload of anybody's: without it the erasure itself would be unexplained.
    if (leaf !== undefined && Buffer.from(leaf).includes(`"kind":"${ERASED_KIND}"`)) return false;
    return await tx.erase({ ...erasure, actor: uuidOf(actor.id), at: clock.now() });
  });
  await wake();
  return done
    ? ok(null)
    : err({
        code: "audit_entry_not_found",
        detail: "There is no such entry, or its payload is gone already.",
      });
}

async function beginEpoch(
  ports: EvidencePorts,
  { tenant, actor }: Caller,
  { reason, anyway }: EpochRequest,
): Promise<Result<LogInfo, Refusal>> {
  if (anyway !== true && !(await callsForEpoch(ports, tenant))) return err(NOT_NEEDED);
  const begun = await beginAt(ports, tenant, uuidOf(actor.id), reason);
  // Nobody has a key of the installation's log: where it cannot go on either, this is when it begins anew.
  const { installation } = ports;
  if (installation !== null && installation !== tenant && (await isStopped(ports, installation)))
    await beginAt(
      ports,
      installation,
      null,
      "It could not go on from what was signed, and a tenant's log began anew.",
    );
  // Nothing of why: that is the tenant's, and stands in its own log.
  await ports.onOperated("epochs", EPOCH_KIND, { origin_sha256: digestOf("origin", begun.origin) });
  await ports.wake();
  return ok(begun);
}

const NOT_NEEDED: Refusal = {
  code: "epoch_not_needed",
  detail: "The log goes on from what was signed, and nothing that this server knows calls for a new one.",
};

/** What goes on by itself is none; nor is a log that was not begun yet. */
const GOES_ON: ReadonlySet<string> = new Set(["log_not_kept", "signer_busy"]);

/** Whoever reads logs has to be told of each epoch, and given its key: none is begun for nothing. */
async function callsForEpoch(ports: EvidencePorts, tenant: TenantId): Promise<boolean> {
  const stopped = ports.stoppedBy(tenant);
  if (stopped !== null && !GOES_ON.has(stopped.code)) return true;
  if (await isStopped(ports, tenant)) return true;
  const { installation } = ports;
  return installation !== null && installation !== tenant && (await isStopped(ports, installation));
}

async function isStopped(ports: EvidencePorts, tenant: TenantId): Promise<boolean> {
  const log = await ports.store.transaction(tenant, async (tx) => (await tx.logs()).at(-1));
  if (log === undefined) return false;
  // Of another home's key, or of one that is gone: this home cannot go on with it.
  if (!ports.signer.held(log.origin).some(({ vkey }) => vkey === log.vkey)) return true;
  const known = await recallLog(ports, log);
  const head = await ports.store.transaction(tenant, async (tx) => await tx.head(log.epoch));
  return known.lost !== null || known.size > (head?.size ?? 0);
}

async function beginAt(
  { store, clock, signer, files, originOf }: EvidencePorts,
  tenant: TenantId,
  actor: string | null,
  reason: string,
): Promise<LogInfo> {
  return await store.transaction(tenant, async (tx) => {
    await tx.lock();
    const last = (await tx.logs()).at(-1);
    const epoch = (last?.epoch ?? 0) + 1;
    const origin = originOf(tenant, epoch);
    const log = { epoch, origin, vkey: signer.newest(origin) };
    // Where the old log ended. After a restored backup its files know more than the database: what it has lost stays
    // accounted for, and is read from there.
    const stored = last === undefined ? null : await tx.checkpoint(last.epoch, 0);
    const published = last === undefined ? null : await publishedCheckpoint({ signer, files }, last.origin);
    const checkpoint = (published?.size ?? 0) > (stored?.size ?? 0) ? published : stored;
    await tx.begin(log);
    await tx.addFact({
      subject: epochSubject(epoch),
      at: clock.now(),
      kind: EPOCH_KIND,
      actor,
      payload: JSON.stringify({
        reason,
        before: last?.origin ?? null,
        last_checkpoint: checkpoint?.note ?? null,
        database_size: last === undefined ? 0 : ((await tx.head(last.epoch))?.size ?? 0),
        signer_remembers: last === undefined ? 0 : await signer.remembered(last.origin),
      }),
    });
    return log;
  });
}
