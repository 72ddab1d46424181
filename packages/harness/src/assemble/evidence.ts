// The evidence's parts: the signer with its own folder in the home, the published files, and who keeps the logs.

import { createHash } from "node:crypto";
import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import type { Pool } from "pg";
import { openAnchorFiles } from "../adapters/files/anchor-files.ts";
import { openLogFiles } from "../adapters/files/log-files.ts";
import { type LogKeys, openLogKeys } from "../adapters/files/log-keys.ts";
import { postgresLogStore } from "../adapters/postgres/audit-log.ts";
import type { Connection } from "../adapters/postgres/connect.ts";
import { notifyLogKeeper, openLogHold } from "../adapters/postgres/log-hold.ts";
import { ok, type Result } from "../base/result.ts";
import { refuseHome, type Secrets } from "../home.ts";
import type { Clock, Log, Random } from "../ports.ts";
import { createEvidence, type Evidence } from "../services/audit/evidence.ts";
import { startKeeper } from "../services/audit/keeper.ts";
import { createSigner } from "../services/audit/signer.ts";
import type { StartRefusal } from "./refusal.ts";

export type EvidenceParts = {
  readonly evidence: Evidence;
  /** Some event was committed here. */
  readonly wake: () => void;
};

export type EvidenceOptions = {
  readonly home: string;
  readonly pool: Pool;
  readonly app: Connection;
  readonly secrets: Pick<Secrets, "check">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

/** Where an installation's logs and the memory of its signer lie. */
export const EVIDENCE_FOLDER = "audit";

// The same for every process that shares the secret, and telling nothing of it.
function originsOf(secretCheck: Uint8Array): (tenant: TenantId, epoch: number) => string {
  const name = createHash("sha256")
    .update("assent/log-name/v1\n")
    .update(secretCheck)
    .digest("hex")
    .slice(0, 16);
  return (tenant, epoch) => `assent-${name}/audit/${tenant}${epoch === 1 ? "" : `/e${epoch}`}`;
}

export function startEvidence(
  options: EvidenceOptions,
  started: AsyncDisposableStack,
): Result<EvidenceParts, StartRefusal> {
  const { home, pool, app, secrets, clock, random, log } = options;
  const signerFolder = join(home, EVIDENCE_FOLDER, "signer");
  let keys: LogKeys;
  try {
    keys = openLogKeys(signerFolder, random);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EACCES")) throw error;
    return refuseHome(signerFolder, error);
  }
  const store = postgresLogStore(pool);
  const signer = createSigner(openAnchorFiles(signerFolder), () => keys.seeds());
  const originOf = originsOf(secrets.check);
  const listeners = new Set<() => void>();
  const keeper = startKeeper({
    store,
    signer,
    files: openLogFiles({ folder: join(home, EVIDENCE_FOLDER, "logs"), random }),
    clock,
    random,
    log,
    originOf,
    hold: (onWanted) => openLogHold(app, log, onWanted),
    onCheckpoint: async () => {
      for (const listener of listeners) listener();
      await Promise.resolve();
    },
  });
  started.defer(async () => {
    await keeper.stop();
  });
  const evidence = createEvidence({
    store,
    clock,
    signer,
    originOf,
    stoppedBy: (tenant) => keeper.refusalOf(tenant),
    wake: async () => {
      keeper.wake();
      if (!keeper.holds()) await notifyLogKeeper(pool);
    },
    holds: () => keeper.holds(),
    onCheckpoint: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    rotate: (step) => (step === "add" ? keys.add() : keys.retire()),
  });
  return ok({ evidence, wake: () => keeper.wake() });
}
