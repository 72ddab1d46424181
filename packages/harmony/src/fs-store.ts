// The memory in files under `.muse/harmony/`: the seed document's functions, synchronous, each taking the root; and the
// store port over the same files.

import { newAuditEntry, type AuditEntry, type Json } from "./audit.ts";
import type { EscalationRecord } from "./escalations.ts";
import { memoryOf, openMemoryFiles, type MemoryFiles } from "./files/memory-files.ts";
import { nodeOperations, type FileOperations } from "./files/operations.ts";
import { decisionsDir, escalationsDir, patternsDir, policiesDir } from "./paths.ts";
import type { ConflictPattern } from "./patterns.ts";
import type { AgentProvenance } from "./provenance.ts";
import type { Resolution } from "./resolutions.ts";
import type { EscalationFilter, HarmonyStore } from "./store.ts";
import type { SimilarResolution } from "./types.ts";

const RECORD = /^[0-9a-f]{64}\.json$/;

/** True for exactly one caller: the one that opened the occurrence. Throws HarmonyError. */
export function recordEscalation(root: string, record: EscalationRecord): boolean {
  return memoryOf(root).escalations.record(record).opened;
}

/** Null when there is none that can be read. Throws HarmonyError `invalid_id`. */
export function loadEscalation(root: string, escalationId: string): EscalationRecord | null {
  return memoryOf(root).escalations.load(escalationId);
}

/** Newest first. */
export function listEscalations(root: string, filter: EscalationFilter = {}): readonly EscalationRecord[] {
  return memoryOf(root).escalations.list(filter);
}

/**
 * True when this call resolved it, false when there is no such escalation. Throws HarmonyError `already_resolved` (its
 * `details.record` is the decision that stands) and `invalid_id`.
 */
export function resolveEscalation(
  root: string,
  escalationId: string,
  resolutionId: string,
  actor: AgentProvenance,
  at: Date | string,
): boolean {
  return memoryOf(root).escalations.resolve(escalationId, resolutionId, actor, at);
}

export type AuditOptions = {
  readonly patternId?: string | null;
  readonly metadata?: { readonly [key: string]: Json };
  readonly at?: Date | string;
};

/** Appends one fact and returns it. Without `at`, the time is now. */
export function appendAudit(
  root: string,
  eventType: string,
  actor: AgentProvenance,
  options: AuditOptions = {},
): AuditEntry {
  const at = options.at ?? new Date(nodeOperations.nowMs());
  const entry = newAuditEntry({ eventType, actor, ...options, at });
  memoryOf(root).audit.append(entry);
  return entry;
}

/** Newest first. */
export function listAudit(root: string): readonly AuditEntry[] {
  return memoryOf(root).audit.list();
}

/** True when it is new. */
export function saveResolution(root: string, resolution: Resolution): boolean {
  return memoryOf(root).resolutions.save(resolution);
}

function similarOf(memory: MemoryFiles, pattern: ConflictPattern, limit: number): SimilarResolution[] {
  return memory.patterns.neighboursOf(pattern, limit, memory.resolutions.answers()).flatMap((neighbour) =>
    memory.resolutions
      .list(neighbour.pattern.patternId)
      .filter((resolution) => resolution.revokedAt === null)
      .map((resolution) => ({ ...neighbour, resolution })),
  );
}

function clear({ files, resolutions }: MemoryFiles): number {
  const { root } = files;
  // Escalations before their decisions: in between, a decided one must not look open again.
  const records = [policiesDir(root), patternsDir(root), escalationsDir(root)];
  const removed = records.map((folder) => files.removeMatching(folder, RECORD));
  files.removeMatching(decisionsDir(root), RECORD);
  return resolutions.clear() + removed.reduce((sum, count) => sum + count, 0);
}

/** The store port over the files of one root. Nothing is created before the first record is written. */
export function openFsStore(root: string, operations: FileOperations = nodeOperations): HarmonyStore {
  const memory = operations === nodeOperations ? memoryOf(root) : openMemoryFiles(root, operations);
  const { patterns, resolutions, policies, escalations, audit } = memory;
  return {
    recordPattern: async (pattern) => patterns.record(pattern),
    loadPattern: async (id) => patterns.load(id),
    listPatterns: async (filter) => patterns.list(filter),
    forgetPattern: async (id) => {
      const known = patterns.load(id) !== null;
      const answers = resolutions.removeAll(id);
      return patterns.remove(id) || known || answers > 0;
    },
    saveResolution: async (resolution) => resolutions.save(resolution),
    loadResolution: async (patternId, id) => resolutions.load(patternId, id),
    listResolutions: async (patternId) => resolutions.list(patternId),
    unreadableResolutions: async (patternId) => resolutions.unreadable(patternId),
    findResolution: async (id) => resolutions.find(id),
    addExperience: async (patternId, id, experience, actor, at) =>
      resolutions.addExperience(patternId, id, experience, actor, at),
    revokeResolution: async (patternId, id, actor, at, reason) =>
      resolutions.revoke(patternId, id, actor, at, reason),
    findSimilar: async (pattern, limit) => similarOf(memory, pattern, limit),
    savePolicy: async (policy) => policies.save(policy),
    loadPolicy: async (id) => policies.load(id),
    listPolicies: async () => policies.list(),
    removePolicy: async (id) => policies.remove(id),
    recordEscalation: async (record) => escalations.record(record),
    loadEscalation: async (id) => escalations.load(id),
    listEscalations: async (filter) => escalations.list(filter),
    resolveEscalation: async (id, resolutionId, actor, at) =>
      escalations.resolve(id, resolutionId, actor, at),
    markEscalations: async (resolutionId, at) => escalations.mark(resolutionId, at),
    appendAudit: async (entry) => audit.append(entry),
    listAudit: async (filter) => audit.list(filter),
    clear: async () => clear(memory),
  };
}
