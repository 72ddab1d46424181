import type { Approval } from "@assent/contract";
import { ASSENT } from "../core/telemetry/names.ts";
import type { Embedder, Log, RunNews, Telemetry } from "../ports.ts";
import { err } from "../base/result.ts";
import { type AdmissionPorts, submitRun } from "./admission.ts";
import { type ApprovalPorts, decideApproval, planDecision } from "./approvals.ts";
import { listDecisions } from "./decisions.ts";
import {
  addDocument,
  embedDocument,
  getDocument,
  listDocuments,
  removeDocument,
  searchDocuments,
} from "./documents.ts";
import type { Evidence } from "./audit/evidence.ts";
import { covered, coveredAnswer, withReceipt } from "./audit/covered.ts";
import { createAuditTrail } from "./audit/trail.ts";
import { createEventWatch, type EventWatchPorts } from "./event-watch.ts";
import { submitExternalRun } from "./external/admission.ts";
import type { ExternalPorts } from "./external/drive.ts";
import { createExternalRuns } from "./external/external.ts";
import { createMemory } from "./external/memory.ts";
import { type Capacity, createCapacity } from "./capacity.ts";
import type { Harness } from "./harness.ts";
import { admit, authenticate, type EntrancePorts } from "./entrance.ts";
import { changePrincipal, listSigners } from "./principals.ts";
import { createKey, type KeyPorts, listAccessEvents, listKeys, revokeKey, rotateKey } from "./keys.ts";
import { BUSY, once, type OncePorts, unlessBusy } from "./once.ts";
import type { TenantPlaces } from "./places.ts";
import { listWaiting } from "./waiting.ts";
import { listEscalations, resolveEscalation } from "./escalations.ts";
import { loadedRules } from "./loaded-rules.ts";
import { tryPolicies, type TrialPorts } from "./policy-trial.ts";
import { listPrecedents, revokePrecedent } from "./precedents.ts";
import {
  checkSignature,
  createSigningKey,
  listSigningKeys,
  revokeSigningKey,
  rotateSigningKey,
  type SigningPorts,
} from "./signing-keys.ts";
import { getQuality } from "./quality.ts";
import { retentionOf } from "./retention.ts";
import { redriveRun, takeRoom } from "./redrive.ts";
import { cancelRun, getApproval, getRun, listEvents, listRuns, openArtifact, type RunPorts } from "./runs.ts";
import type { WebhookPorts } from "./webhooks/registry.ts";
import { createWebhooks } from "./webhooks/webhooks.ts";
import { getBudget, listProviders, type SpendingPorts } from "./models/spending.ts";

export type HarnessPorts = Omit<AdmissionPorts, "capacity"> &
  ApprovalPorts &
  EntrancePorts &
  KeyPorts &
  OncePorts &
  SigningPorts &
  RunPorts &
  SpendingPorts &
  WebhookPorts &
  TrialPorts &
  ExternalPorts & {
    readonly log: Log;
    readonly telemetry: Telemetry;
    readonly embedder: Embedder | null;
    readonly searches: TenantPlaces;
    /** The usual limits where it is left out. */
    readonly capacity?: Capacity;
    /** Null where no log is kept. */
    readonly evidence: Evidence | null;
    /** What this process commits to runs; without it whoever waits for events finds them by looking alone. */
    readonly news?: Pick<RunNews, "listen" | "newest">;
    /** Whether somebody in this process takes work, where it should. */
    readonly isWorkerReady: () => boolean;
  };

function recordWait(telemetry: Telemetry, { requested_at, decided_at, status }: Approval): void {
  if (decided_at === null) return;
  const seconds = (Date.parse(decided_at) - Date.parse(requested_at)) / 1_000;
  telemetry.record("assent.approvals.wait", seconds, { [ASSENT.verdict]: status });
}

/** A database that answers later than this is as good as none: whoever asks for readiness must be answered himself. */
const PING_MS_MAX = 2_000;

/** @returns how many breakers are open */
async function askInTime({ store, clock }: Pick<HarnessPorts, "store" | "clock">): Promise<number> {
  const answered = new AbortController();
  const late = async (): Promise<never> => {
    await clock.sleep(PING_MS_MAX, answered.signal);
    throw new Error(`no answer after ${PING_MS_MAX} ms`);
  };
  const ask = async (): Promise<number> => {
    await store.ping();
    return [...(await store.breakers.list()).values()].filter(({ state }) => state !== "closed").length;
  };
  try {
    return await Promise.race([ask(), late()]);
  } finally {
    answered.abort();
  }
}

async function readiness(ports: HarnessPorts): ReturnType<Harness["readiness"]> {
  const worker = ports.isWorkerReady();
  const clock = ports.clockWatch.difference();
  try {
    return {
      database: true,
      clock,
      worker,
      breakersOpen: await askInTime(ports),
      auditGaps: ports.evidence?.gaps() ?? 0,
      auditStopped: ports.evidence?.stopped() ?? 0,
    };
  } catch (error) {
    ports.log("warn", "the database cannot be used", {
      error: error instanceof Error ? error.message : "unknown",
    });
  }
  return { database: false, clock, worker, breakersOpen: 0, auditGaps: 0, auditStopped: 0 };
}

const memoryCalls = (
  ports: HarnessPorts,
): Pick<
  Harness,
  | "getQuality"
  | "getRetention"
  | "listPrecedents"
  | "revokePrecedent"
  | "listEscalations"
  | "resolveEscalation"
> => ({
  getQuality: async (caller, days) => await getQuality(ports, caller, days),
  getRetention: () => retentionOf(ports.evidence?.retentionDays ?? null),
  listPrecedents: async (caller, query) => await listPrecedents(ports, caller, query),
  revokePrecedent: async (caller, id, request) =>
    await revokePrecedent(ports, caller, id, ports.shown.said(request)),
  listEscalations: async (caller, query) => await listEscalations(ports, caller, query),
  resolveEscalation: async (caller, id, request) =>
    await resolveEscalation(ports, caller, id, ports.shown.said(request)),
});

const watchPorts = ({ store, ...ports }: HarnessPorts): EventWatchPorts => ({
  ...ports,
  versions: async (tenant, runs) =>
    await store.transaction(tenant, async (tx) => await tx.runs.versions(runs)),
});

/** The harness as its edges see it. */
export function createHarness(given: HarnessPorts): Harness {
  const ports = { ...given, capacity: given.capacity ?? createCapacity(given) };
  const watch = createEventWatch(watchPorts(ports));
  const memory = createMemory();
  return {
    once: async (caller, request, work) =>
      await coveredAnswer(
        ports.evidence,
        caller,
        // What is not committed yet cannot be covered: the wait comes after.
        await once(
          ports,
          caller,
          request,
          async (store) => await work(createHarness({ ...ports, store, evidence: null })),
        ),
      ),
    admit: async (presented) => await admit(ports, presented),
    checkSignature: async (admitted, message) => await checkSignature(ports, admitted, message),
    showProblem: (problem) => ports.shown.problem(problem),
    permits: (subject, action) => ports.access.permits(subject, action),
    authenticate: async (key) => await authenticate(ports, key),
    external: createExternalRuns(ports, watch, memory),
    submitRun: async (caller, request, key) =>
      await unlessBusy(
        async () =>
          request.driver === "external"
            ? await submitExternalRun({ ...ports, memory }, caller, request, key)
            : await submitRun(ports, caller, request, key),
        err(BUSY),
      ),
    getRun: async (caller, id) => await getRun(ports, caller, id),
    listRuns: async (caller, query) => await listRuns(ports, caller, query),
    cancelRun: async (caller, id) => await cancelRun(ports, caller, id),
    redriveRun: async (caller, id, request, room) => await redriveRun(ports, caller, id, request, room),
    takeRoom: async (caller) => await takeRoom(ports, caller),
    listEvents: async (caller, id, after) => await listEvents(ports, caller, id, after),
    waitForEvents: async (caller, id, after, signal) => {
      await watch.wait(caller.tenant, id, after, signal, "onlooker");
    },
    openArtifact: async (caller, run, id, isRoomFor) => await openArtifact(ports, caller, run, id, isRoomFor),
    planDecision: async (caller, request) => await planDecision(ports, caller, request),
    decide: async (caller, request, planned) => {
      const decided = await decideApproval(ports, caller, ports.shown.said(request), planned);
      if (decided.ok) recordWait(ports.telemetry, decided.value);
      return await withReceipt(ports.evidence, caller, decided);
    },
    audit: createAuditTrail(ports.evidence),
    getApproval: async (caller, id) => await getApproval(ports, caller, id),
    listWaiting: async (caller, after) => await listWaiting(ports, caller, after),
    listDecisions: async (caller, since, cursor) => await listDecisions(ports, caller, since, cursor),
    getPolicies: () => loadedRules(ports.policies),
    tryPolicies: async (caller, request) => await tryPolicies(ports, caller, request),
    ...memoryCalls(ports),
    listProviders: async (caller) => await listProviders(ports, caller),
    getBudget: async (caller) => await getBudget(ports, caller),
    documents: documentCalls(ports),
    createKey: async (caller, request) =>
      await covered(ports.evidence, caller, await createKey(ports, caller, request)),
    listKeys: async (caller) => await listKeys(ports, caller),
    rotateKey: async (caller, id, request) =>
      await covered(ports.evidence, caller, await rotateKey(ports, caller, id, request)),
    ...signingKeyCalls(ports),
    webhooks: createWebhooks(ports),
    listAccessEvents: async (caller, before) => await listAccessEvents(ports, caller, before),
    revokeKey: async (caller, id) =>
      await covered(ports.evidence, caller, await revokeKey(ports, caller, id)),
    readiness: async () => await readiness(ports),
  };
}

function signingKeyCalls(
  ports: HarnessPorts,
): Pick<
  Harness,
  | "createSigningKey"
  | "listSigningKeys"
  | "rotateSigningKey"
  | "revokeSigningKey"
  | "changePrincipal"
  | "listSigners"
> {
  return {
    changePrincipal: async (caller, change) =>
      await covered(ports.evidence, caller, await changePrincipal(ports, caller, change)),
    listSigners: async (caller) => await listSigners(ports, caller),
    createSigningKey: async (caller, request) =>
      await covered(ports.evidence, caller, await createSigningKey(ports, caller, request)),
    listSigningKeys: async (caller) => await listSigningKeys(ports, caller),
    rotateSigningKey: async (caller, id, request) =>
      await covered(ports.evidence, caller, await rotateSigningKey(ports, caller, id, request)),
    revokeSigningKey: async (caller, id) =>
      await covered(ports.evidence, caller, await revokeSigningKey(ports, caller, id)),
  };
}

function documentCalls(ports: HarnessPorts): Harness["documents"] {
  return {
    embed: async (request) => await embedDocument(ports, request),
    add: async (caller, request, embedded) => await addDocument(ports, caller, request, embedded),
    list: async (caller, query) => await listDocuments(ports, caller, query),
    get: async (caller, id) => await getDocument(ports, caller, id),
    remove: async (caller, id) => await removeDocument(ports, caller, id),
    search: async (caller, question, limit) => await searchDocuments(ports, caller, question, limit),
  };
}
