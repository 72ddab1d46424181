// What the parts of Harmony hand to each other. Records live beside their own rules (patterns, resolutions, policies,
// escalations, audit); this file gathers them and adds what the engine takes and gives.

import type { ContentId } from "./ids.ts";
import type { ConflictPattern } from "./patterns.ts";
import type { Policy } from "./policies.ts";
import type { AgentProvenance } from "./provenance.ts";
import type { Resolution } from "./resolutions.ts";
import type { Timestamp } from "./timestamps.ts";
import type { ReasonCode } from "./vocabulary.ts";

export type { EscalationInput, EscalationRecord, Recurrence } from "./escalations.ts";
export type { ContentId } from "./ids.ts";
export type { ConflictPattern, PatternInput } from "./patterns.ts";
export type { Policy, PolicyCondition, PolicyInput } from "./policies.ts";
export type { AgentProvenance } from "./provenance.ts";
export type { Evidence, Experience, Resolution, ResolutionInput } from "./resolutions.ts";
export type { Timestamp } from "./timestamps.ts";
export type { PolicyAction, PolicyScope, ReasonCode } from "./vocabulary.ts";

/** A resolution of another question of the same shape. `similarity` is 0 to 1. */
export type SimilarResolution = {
  readonly pattern: ConflictPattern;
  readonly resolution: Resolution;
  readonly similarity: number;
};

/** One answer worth considering, with all that speaks for it. A domain may propose texts that no record holds. */
export type Proposal = {
  readonly strategy: string;
  readonly result: string | null;
  /** 0 to 1, counted from experience. */
  readonly confidence: number;
  readonly reason: ReasonCode | (string & {});
  /** In words for a person. */
  readonly explanation: string;
  /** The record it rests on and who made that; null where a domain computed it. */
  readonly resolutionId: ContentId | null;
  readonly provenance: AgentProvenance | null;
  readonly resolvedAt: Timestamp | null;
};

type DecisionBase = {
  readonly patternId: ContentId;
  readonly reason: ReasonCode;
  readonly explanation: string;
};

/**
 * The engine's answer. `applied`: this is the answer, and who stands behind it. `proposed`: these are worth looking at,
 * best first. `escalated`: a person must decide; `proposals` may still help.
 */
export type Decision =
  | (DecisionBase & {
      readonly status: "applied";
      readonly strategy: string;
      readonly result: string | null;
      readonly confidence: number;
      readonly provenance: AgentProvenance;
      readonly resolutionId: ContentId | null;
      readonly policyId: ContentId | null;
    })
  | (DecisionBase & {
      readonly status: "proposed";
      readonly proposals: readonly Proposal[];
      readonly policyId: ContentId | null;
    })
  | (DecisionBase & {
      readonly status: "escalated";
      readonly proposals: readonly Proposal[];
      readonly policyId: ContentId | null;
    });

export type DecisionStatus = Decision["status"];

/** All that the engine may look at. Pure data: what was read, when, is the caller's business. */
export type Question = {
  readonly pattern: ConflictPattern;
  readonly policies: readonly Policy[];
  /** Resolutions of this very pattern. */
  readonly exact: readonly Resolution[];
  /** Where answers to it stand that cannot be read; none where it is left out. */
  readonly unreadable?: readonly string[];
  /** Resolutions of patterns like it, in the same scope. */
  readonly similar: readonly SimilarResolution[];
};
