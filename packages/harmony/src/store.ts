// The port: where the memory is kept. Two adapters (files, and SQL in the harness) pass the one contract test in
// store.contract.ts. Every method is atomic and durable by itself: when its promise is fulfilled, the change survives a
// crash; when the process dies inside it, the old or the new state is found, never a mixture.
//
// The rules of change (what a second sighting does, who may resolve) are pure functions beside the records; an adapter
// brings only atomicity: it runs them under whatever makes read-then-write one step on its storage.

import type { AuditEntry } from "./audit.ts";
import type { EscalationRecord } from "./escalations.ts";
import type { ConflictPattern } from "./patterns.ts";
import type { Policy } from "./policies.ts";
import type { AgentProvenance } from "./provenance.ts";
import type { Experience, Resolution } from "./resolutions.ts";
import type { SimilarResolution } from "./types.ts";

export type EscalationFilter = {
  readonly status?: string;
  readonly patternId?: string;
  /** At most this many, newest first. */
  readonly limit?: number;
};

export type PatternFilter = {
  readonly domain?: string;
  readonly scope?: string;
  readonly conflictType?: string;
  readonly semanticFingerprint?: string;
  readonly limit?: number;
};

export type AuditFilter = {
  readonly eventType?: string;
  readonly patternId?: string;
  readonly limit?: number;
};

/** What recording an escalation did, and the record that now stands for the question. */
export type Recorded = {
  /** True for exactly one caller: the one that opened this occurrence. */
  readonly opened: boolean;
  readonly record: EscalationRecord;
};

export interface HarmonyStore {
  /** True when it is new; false when it was known (a later sighting is counted). */
  recordPattern(pattern: ConflictPattern): Promise<boolean>;
  loadPattern(patternId: string): Promise<ConflictPattern | null>;
  /** Newest first. */
  listPatterns(filter?: PatternFilter): Promise<readonly ConflictPattern[]>;
  /** Removes the pattern and its resolutions; its escalations and audit entries stay. False when unknown. */
  forgetPattern(patternId: string): Promise<boolean>;

  /** True when it is new; false when the same answer was stored before (the first is kept, see addExperience). */
  saveResolution(resolution: Resolution): Promise<boolean>;
  loadResolution(patternId: string, resolutionId: string): Promise<Resolution | null>;
  /** The same without its pattern at hand; may look through all of them. */
  findResolution(resolutionId: string): Promise<Resolution | null>;
  /** Of one pattern, revoked ones too, in the order of their ids. */
  listResolutions(patternId: string): Promise<readonly Resolution[]>;
  /**
   * Where something stands that was stored as an answer to this pattern and cannot be read as one: by names under which a
   * person finds it. It may say otherwise than what can be read. A store may name the pattern too, where that cannot be read.
   */
  unreadableResolutions(patternId: string): Promise<readonly string[]>;
  /** Counts what happened to an answer. Null when unknown. */
  addExperience(
    patternId: string,
    resolutionId: string,
    experience: Experience,
    actor: AgentProvenance,
    at: Date | string,
  ): Promise<Resolution | null>;
  /** Marks an answer as no longer to be given. A second time keeps the first mark. Null when unknown. */
  revokeResolution(
    patternId: string,
    resolutionId: string,
    actor: AgentProvenance,
    at: Date | string,
    reason: string,
  ): Promise<Resolution | null>;
  /** Resolutions, not revoked, of other patterns of the same scope, domain and type that are like it; best first. */
  findSimilar(pattern: ConflictPattern, limit: number): Promise<readonly SimilarResolution[]>;

  savePolicy(policy: Policy): Promise<boolean>;
  loadPolicy(policyId: string): Promise<Policy | null>;
  /** In the order in which they are tried. */
  listPolicies(): Promise<readonly Policy[]>;
  removePolicy(policyId: string): Promise<boolean>;

  /** Opens, counts or reopens: see `recur` in escalations.ts. */
  recordEscalation(record: EscalationRecord): Promise<Recorded>;
  loadEscalation(escalationId: string): Promise<EscalationRecord | null>;
  /** Newest first. */
  listEscalations(filter?: EscalationFilter): Promise<readonly EscalationRecord[]>;
  /** True when this call resolved it, false when unknown. Throws HarmonyError `already_resolved`. */
  resolveEscalation(
    escalationId: string,
    resolutionId: string,
    actor: AgentProvenance,
    at: Date | string,
  ): Promise<boolean>;
  /** Marks the escalations that were resolved with a resolution now revoked; returns them. */
  markEscalations(resolutionId: string, at: Date | string): Promise<readonly EscalationRecord[]>;

  /** True when it is new; the very same fact twice is one entry. */
  appendAudit(entry: AuditEntry): Promise<boolean>;
  /** Newest first. */
  listAudit(filter?: AuditFilter): Promise<readonly AuditEntry[]>;

  /** Removes patterns, resolutions, policies and escalations; the audit stays. Returns how many records. */
  clear(): Promise<number>;
}

/** What putting a question needs of a memory, whether it is kept there or was read ahead. */
export type AskedStore = Pick<
  HarmonyStore,
  | "recordPattern"
  | "listPolicies"
  | "listResolutions"
  | "unreadableResolutions"
  | "findSimilar"
  | "addExperience"
  | "recordEscalation"
  | "appendAudit"
>;
