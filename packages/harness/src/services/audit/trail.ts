// The evidence as the edges see it: views of logs, entries and proofs, and the few things an operator does to them.

import type {
  AuditCheckpoint,
  AuditEntryPage,
  AuditLogList,
  EraseRequest,
  Pruning,
  Receipt,
  Sealing,
} from "@assent/contract";
import { encodeBase64 } from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import type { Caller, OpenedLeaf } from "../../ports.ts";
import type { AuditTrail, Refusal } from "../harness.ts";
import type { Evidence } from "./evidence.ts";
import type { EventProof } from "./receipts.ts";
import { SIGNER_SUBJECT } from "./rotation.ts";
import type { SealingState } from "./sealing-keys.ts";
import type { Witnessed } from "./witnessed.ts";

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

export const receiptView = ({ epoch, index, leaf, proof }: EventProof): Receipt => ({
  epoch,
  index,
  leaf: textOf(leaf),
  proof,
});

const entryView = ({ index, leaf, salt, payload, opened }: OpenedLeaf): AuditEntryPage["data"][number] => ({
  index,
  leaf: textOf(leaf),
  salt: salt === null ? null : encodeBase64(salt),
  payload,
  opened: opened === null ? null : { key: encodeBase64(opened.key), fields: { ...opened.fields } },
});

const sealingView = ({ isHeld, isChanging, uncoveredSince, ...state }: SealingState): Sealing => ({
  ...state,
  held: isHeld,
  changing: isChanging,
  uncovered_since: uncoveredSince?.toISOString() ?? null,
});

// Null where the entry that would say so was erased.
function witnessedView({ checkpoint, entry, proof }: Witnessed): AuditCheckpoint["witnessed"] {
  const { leaf, salt, payload } = entryView({ ...entry, opened: null });
  return salt === null || payload === null ? null : { note: checkpoint.note, leaf, salt, payload, proof };
}

export const NO_LOG: Refusal = { code: "audit_log_not_found", detail: "There is no log of this number." };
const UNSIGNED: Refusal = { code: "audit_log_not_found", detail: "Nothing of this log is signed yet." };
export const NO_ENTRY: Refusal = {
  code: "audit_entry_not_found",
  detail: "There is no such event, no checkpoint covers it yet, or its entry was pruned.",
};

/** @param evidence null where no log is kept: a harness that is put together for a test of something else */
export function createAuditTrail(evidence: Evidence | null): AuditTrail {
  if (evidence === null) return NO_TRAIL;
  const logs = async (caller: Caller): Promise<AuditLogList> => {
    const { states, stopped } = await evidence.logs(caller.tenant);
    return {
      data: states.map(({ signedSize, cosigned, minimum, ...log }) => ({
        ...log,
        minimum_index: minimum,
        keys: [...log.keys],
        signed_size: signedSize,
        cosigned_size: cosigned?.size ?? null,
        uncosigned_since: cosigned?.uncosignedSince?.toISOString() ?? null,
      })),
      stopped,
    };
  };
  return {
    logs,
    async checkpoint({ tenant }, epoch): Promise<Result<AuditCheckpoint, Refusal>> {
      const found = await evidence.checkpoint(tenant, epoch);
      if (found === null) return err(UNSIGNED);
      const witnessed = await evidence.witnessed(tenant, epoch);
      return ok({ ...found, witnessed: witnessed === null ? null : witnessedView(witnessed) });
    },
    async entries({ tenant }, epoch, from, limit): Promise<Result<AuditEntryPage, Refusal>> {
      const page = await evidence.entries(tenant, epoch, from, limit);
      if (page === null) return err(NO_LOG);
      const { entries, size, minimum, hashes } = page;
      return ok({
        data: entries.map(entryView),
        size,
        minimum_index: minimum,
        hashes: hashes.map(encodeBase64),
      });
    },
    async prove({ tenant }, run, version): Promise<Result<Receipt, Refusal>> {
      const proof = await evidence.prove(tenant, run, version);
      return proof === null ? err(NO_ENTRY) : ok(receiptView(proof));
    },
    async erase(caller, request): Promise<Result<EraseRequest, Refusal>> {
      const erased = await evidence.erase(caller, request.epoch, request.index, request.reason);
      return erased.ok ? ok(request) : erased;
    },
    async prune(caller): Promise<Result<Pruning, Refusal>> {
      const done = await evidence.prune(caller);
      if (!done.ok) return done;
      return ok({ ...(await logs(caller)), unfinished: done.value.isUnfinished });
    },
    async beginEpoch(caller, request): Promise<Result<AuditLogList, Refusal>> {
      const begun = await evidence.beginEpoch(caller, request);
      return begun.ok ? ok(await logs(caller)) : begun;
    },
    async rotate(caller, step): Promise<Result<AuditLogList, Refusal>> {
      const rotated = await evidence.rotate(caller, step);
      if (!rotated.ok) return rotated;
      // Until there is a checkpoint by the keys of now, those of the newest one are the log's, too.
      if (rotated.value.length > 0) await evidence.waitForCover(caller.tenant, SIGNER_SUBJECT);
      return ok(await logs(caller));
    },
    sealing: async ({ tenant }) => sealingView(await evidence.sealing.state(tenant)),
    async rekey({ tenant }, { lost }): Promise<Result<Sealing, Refusal>> {
      const done = await evidence.sealing.change(tenant, lost);
      return done.ok ? ok(sealingView(await evidence.sealing.state(tenant))) : done;
    },
  };
}

const nothing = async (): Promise<AuditLogList> => await Promise.resolve({ data: [], stopped: null });
const none = async (): Promise<Result<never, Refusal>> => await Promise.resolve(err(NO_LOG));
const NOTHING_SEALED: Sealing = {
  generation: null,
  held: false,
  changing: false,
  kept: 0,
  erased: 0,
  uncovered: 0,
  uncovered_since: null,
};
const NO_TRAIL: AuditTrail = {
  logs: nothing,
  checkpoint: none,
  entries: none,
  prove: none,
  erase: none,
  prune: none,
  beginEpoch: none,
  rotate: none,
  sealing: async () => await Promise.resolve(NOTHING_SEALED),
  rekey: async () => await Promise.resolve(ok(NOTHING_SEALED)),
};
