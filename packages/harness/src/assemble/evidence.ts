// The evidence's parts: the signer with its own folder in the home, the published files, and who keeps the logs.

import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TenantId } from "@assent/contract";
import { parsePolicy, type Policy } from "@assent/tlog";
import type { Pool } from "pg";
import { openAnchorFiles } from "../adapters/files/anchor-files.ts";
import { openLogFiles } from "../adapters/files/log-files.ts";
import { openSealingFiles } from "../adapters/files/sealing-files.ts";
import { KeysUnreadable, type LogKeys, openLogKeys } from "../adapters/files/log-keys.ts";
import { changeSignerKeys } from "../adapters/postgres/alone.ts";
import { postgresLogStore } from "../adapters/postgres/audit-log.ts";
import type { Connection } from "../adapters/postgres/connect.ts";
import { notifyLogKeeper, openLogHold } from "../adapters/postgres/log-hold.ts";
import { createSealing, findNewest, type Sealing } from "../adapters/postgres/sealing.ts";
import { postgresOlderRows } from "../adapters/postgres/older-rows.ts";
import { postgresSealingStore } from "../adapters/postgres/sealing-store.ts";
import { createAskWitness } from "../adapters/witness/ask-witness.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EvidenceConfig } from "../evidence-config.ts";
import { refuseHome, type Secrets } from "../home.ts";
import type { Clock, Log, LogStore, Random, SealingStore, Telemetry } from "../ports.ts";
import { type ConservationPorts, startConservation } from "../services/audit/conservation.ts";
import { createEvidence, type Evidence, type EvidencePorts } from "../services/audit/evidence.ts";
import { type InForce, startInstallation } from "../services/audit/installation.ts";
import { watchEvidence } from "../services/traced/gauges.ts";
import { type Keeper, startKeeper } from "../services/audit/keeper.ts";
import type { SealingKeyPorts } from "../services/audit/sealing-keys.ts";
import { createSigner } from "../services/audit/signer.ts";
import { startWitnessing, type Witnessing, type WitnessingPorts } from "../services/audit/witnessing.ts";
import type { StartRefusal } from "./refusal.ts";

export type EvidenceParts = {
  readonly evidence: Evidence;
  /** What whoever states facts needs. */
  readonly stored: {
    /** Some event was committed here. */
    readonly onEvents: () => void;
    readonly sealing: Sealing;
  };
};

export type EvidenceOptions = EvidenceConfig & {
  readonly home: string;
  readonly pool: Pool;
  readonly app: Connection;
  readonly secrets: Pick<Secrets, "check" | "sealing">;
  /** Whether this process serves the API: the sealing key should lie where it can be opened. */
  readonly isServing: boolean;
  /** The tenant of the installation's own log, and what is in force in this process. */
  readonly installation: TenantId;
  /** The tenant whose admins operate the installation. */
  readonly operators: TenantId;
  readonly inForce: InForce;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, "watch">;
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

// A tag tells two logs apart and names neither.
function tagsOf(secretCheck: Uint8Array): (tenant: TenantId, epoch: number) => string {
  return (tenant, epoch) =>
    createHmac("sha256", secretCheck)
      .update(`assent/log-tag/v1\n${tenant}/e${epoch}`)
      .digest("hex")
      .slice(0, 32);
}

export async function startEvidence(
  options: EvidenceOptions,
  started: AsyncDisposableStack,
): Promise<Result<EvidenceParts, StartRefusal>> {
  const { home, pool, app, secrets, clock, random, log } = options;
  const signerFolder = join(home, EVIDENCE_FOLDER, "signer");
  const policy = readPolicy(options.witnesses);
  if (!policy.ok) return policy;
  const opened = await openSignerKeys(signerFolder, options);
  if (!opened.ok) return opened;
  const keys = opened.value;
  const { ports: sealingKeys, sealing } = await openSealing(options);
  const store = postgresLogStore(pool, sealing);
  const signer = createSigner(openAnchorFiles(signerFolder), keys);
  const files = openLogFiles({ folder: join(home, EVIDENCE_FOLDER, "logs"), random });
  const base = { store, signer, files, clock, random, log, originOf: originsOf(secrets.check) };
  const tagOf = tagsOf(secrets.check);
  const witnessing = openWitnessing(base, policy.value, started);
  // The keeper tells the installation of checkpoints, and is woken by it: one of the two has to be named first.
  let keeper: Keeper | null = null;
  const bell = createBell();
  const wake = (): void => keeper?.wake();
  const installation = await startInstallation(
    {
      ...base,
      tenant: options.installation,
      tagOf,
      process: `process_${Buffer.from(random.bytes(8)).toString("hex")}`,
      wake,
    },
    options.inForce,
  );
  keeper = startKeeper({
    ...base,
    hold: (onWanted) => openLogHold(app, log, onWanted),
    onCheckpoint: (checkpoint) => {
      installation.cover(checkpoint);
      witnessing?.see(checkpoint);
      bell.ring(checkpoint.tenant);
    },
    onRefused: (tenant, { code }) => {
      void installation.record("refusals", "log.refused", { tag: tagOf(tenant, 1), code });
    },
  });
  const kept = keeper;
  const holds = (): boolean => kept.holds();
  started.defer(async () => await kept.stop());
  // Before the keeper: what the stop says of itself may still find its place.
  started.defer(async () => await installation.stop());
  const evidence = createEvidence({
    ...base,
    installation: options.installation,
    operators: options.operators,
    retentionDays: options.retentionDays,
    gaps: openAlarm({ ...base, holds, sealing: sealingKeys.store }, options.telemetry, started),
    stoppedBy: (tenant) => kept.refusalOf(tenant),
    stopped: () => kept.stopped(),
    wake: async () => {
      kept.wake();
      if (!kept.holds()) await notifyLogKeeper(pool);
    },
    holds,
    onCheckpoint: bell.hear,
    alone: async (work) => await changeSignerKeys(pool, work),
    rotate: (step) => (step === "add" ? keys.add() : keys.retire()),
    sealing: sealingKeys,
    onOperated: async (subject, kind, data) => await installation.record(subject, kind, data),
    witnessed:
      policy.value === null ? null : { policy: policy.value, installation: options.installation, tagOf },
  });
  return ok({ evidence, stored: { onEvents: wake, sealing } });
}

const RESTORE_KEYS =
  "Restore it from a backup. Without one remove it: a new key is made, and each log needs a new epoch (`assent audit epoch`).";

/** Opening makes the first keys of each type, so it is a change like a rotation. */
export async function openSignerKeys(
  folder: string,
  { pool, random, mldsa }: Pick<EvidenceOptions, "pool" | "random" | "mldsa">,
): Promise<Result<LogKeys, StartRefusal>> {
  try {
    return ok(await changeSignerKeys(pool, () => openLogKeys(folder, random, { mldsa })));
  } catch (error) {
    if (error instanceof KeysUnreadable)
      return err({ code: "log_keys_unreadable", detail: error.message, remedy: RESTORE_KEYS });
    if (!(error instanceof Error && "code" in error && error.code === "EACCES")) throw error;
    return refuseHome(folder, error);
  }
}

// A first key is made where it is wanted for opening; a process that only seals makes one when nobody has.
async function openSealing({
  home,
  pool,
  secrets,
  clock,
  random,
  log,
  isServing,
}: EvidenceOptions): Promise<{ readonly ports: SealingKeyPorts; readonly sealing: Sealing }> {
  const store = postgresSealingStore(pool);
  const files = openSealingFiles(join(home, EVIDENCE_FOLDER, "sealing"));
  const keys = { store, files, secret: secrets.sealing, clock, random };
  const sealing = createSealing(keys);
  const ports = { ...keys, older: postgresOlderRows(pool, sealing) };
  if (isServing) {
    const { generation, publicKey } = await findNewest(ports);
    if ((await files.find(publicKey)) !== "held")
      log("warn", "what is sealed in payloads cannot be opened here: its key lies in another home", {
        generation,
      });
  }
  return { ports, sealing };
}

function openAlarm(
  ports: ConservationPorts & { readonly store: LogStore; readonly sealing: SealingStore },
  telemetry: Pick<Telemetry, "watch">,
  started: AsyncDisposableStack,
): () => number {
  const conservation = startConservation(ports);
  started.defer(async () => {
    await conservation.stop();
  });
  watchEvidence(telemetry, { ...ports, gaps: () => conservation.gaps() });
  return () => conservation.gaps().length;
}

// Each tenant's own: the installation's log, which takes every checkpoint over, has as many as all others together.
function createBell(): { ring(tenant: TenantId): void; readonly hear: EvidencePorts["onCheckpoint"] } {
  const listeners = new Map<TenantId, Set<() => void>>();
  return {
    ring(tenant): void {
      for (const listener of listeners.get(tenant) ?? []) listener();
    },
    hear: (tenant, listener) => {
      const own = listeners.get(tenant) ?? new Set();
      listeners.set(tenant, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size === 0 && listeners.get(tenant) === own) listeners.delete(tenant);
      };
    },
  };
}

function openWitnessing(
  ports: Omit<WitnessingPorts, "witnesses">,
  policy: Policy | null,
  started: AsyncDisposableStack,
): Witnessing | null {
  if (policy === null) return null;
  const witnessing = startWitnessing({
    ...ports,
    witnesses: { policy, ask: createAskWitness(globalThis.fetch) },
  });
  started.defer(async () => {
    await witnessing.stop();
  });
  return witnessing;
}

function readPolicy(file: string | null): Result<Policy | null, StartRefusal> {
  if (file === null) return ok(null);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return refusePolicy(`${file} cannot be read (${why}).`);
  }
  const policy = parsePolicy(text);
  return policy.ok ? ok(policy.value) : refusePolicy(`${file}: ${policy.error}.`);
}

const refusePolicy = (detail: string): Result<never, StartRefusal> =>
  err({
    code: "witnesses_invalid",
    detail,
    remedy: "Mend the file; see docs/audit.md and https://c2sp.org/tlog-policy.",
  });
