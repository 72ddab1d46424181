// A resolution is a recorded answer to a pattern. What it is worth is counted from what happened to it afterwards and
// never written down as an opinion: of 4,766 exact repetitions measured, a hand edit was right again in 83.5%, not 100%.

import * as z from "zod";
import { HarmonyError } from "./errors.ts";
import { computeResolutionId, parseId, wellFormed, type ContentId } from "./ids.ts";
import { NAME_LENGTH_MAX } from "./limits.ts";
import { AgentProvenance, provenanceSchema, type ProvenanceJson } from "./provenance.ts";
import { parseTimestamp, type Timestamp } from "./timestamps.ts";

/** What experience says about an answer. */
export type Evidence = {
  /** Times it was given, by the engine or after a proposal. */
  readonly appliedCount: number;
  /** Times it was given or kept by somebody who could have said otherwise. */
  readonly confirmedCount: number;
  /** Times somebody put another answer in its place. */
  readonly overriddenCount: number;
};

export type ResolutionInput = {
  /** May be left out: it follows from pattern, strategy and result. */
  readonly resolutionId?: string;
  readonly patternId: string;
  readonly strategy: string;
  /** The text to replay, where the strategy is `text`; else null. */
  readonly result?: string | null;
  readonly rationale?: string;
  readonly humanVerified?: boolean;
  readonly resolvedAt: Date | string;
  readonly resolvedBy: AgentProvenance;
  readonly appliedCount?: number;
  readonly confirmedCount?: number;
  readonly overriddenCount?: number;
  readonly lastUsedAt?: Date | string | null;
  readonly revokedAt?: Date | string | null;
  readonly revokedBy?: AgentProvenance | null;
  readonly revokedReason?: string | null;
};

export type ResolutionJson = {
  readonly resolution_id: string;
  readonly pattern_id: string;
  readonly strategy: string;
  readonly result: string | null;
  readonly rationale: string;
  readonly human_verified: boolean;
  readonly resolved_at: string;
  readonly resolved_by: ProvenanceJson;
  readonly applied_count: number;
  readonly confirmed_count: number;
  readonly overridden_count: number;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
  readonly revoked_by: ProvenanceJson | null;
  readonly revoked_reason: string | null;
};

const count = z.int().min(0).default(0);
const resolutionSchema = z.object({
  resolution_id: z.string(),
  pattern_id: z.string(),
  strategy: z.string().min(1).max(NAME_LENGTH_MAX),
  result: z.string().nullable(),
  rationale: z.string().default(""),
  human_verified: z.boolean(),
  resolved_at: z.string(),
  resolved_by: provenanceSchema,
  applied_count: count,
  confirmed_count: count,
  overridden_count: count,
  last_used_at: z.string().nullable().default(null),
  revoked_at: z.string().nullable().default(null),
  revoked_by: provenanceSchema.nullable().default(null),
  revoked_reason: z.string().nullable().default(null),
});

const moment = (value: Date | string | null | undefined): Timestamp | null =>
  value === null || value === undefined ? null : parseTimestamp(value);

export class Resolution implements Evidence {
  readonly resolutionId: ContentId;
  readonly patternId: ContentId;
  readonly strategy: string;
  readonly result: string | null;
  readonly rationale: string;
  /** A person gave or confirmed this very answer. */
  readonly humanVerified: boolean;
  readonly resolvedAt: Timestamp;
  readonly resolvedBy: AgentProvenance;
  readonly appliedCount: number;
  readonly confirmedCount: number;
  readonly overriddenCount: number;
  readonly lastUsedAt: Timestamp | null;
  readonly revokedAt: Timestamp | null;
  readonly revokedBy: AgentProvenance | null;
  readonly revokedReason: string | null;

  /** Throws HarmonyError when the fields do not fit together. */
  constructor(input: ResolutionInput) {
    this.patternId = parseId(input.patternId, "pattern_id");
    this.strategy = wellFormed(input.strategy, "strategy");
    this.result =
      input.result === undefined || input.result === null ? null : wellFormed(input.result, "result");
    this.resolutionId = computeResolutionId(this.patternId, this.strategy, this.result);
    if (
      input.resolutionId !== undefined &&
      parseId(input.resolutionId, "resolution_id") !== this.resolutionId
    ) {
      throw new HarmonyError("invalid_record", "the resolution's id is not that of its fields");
    }
    this.rationale = wellFormed(input.rationale ?? "", "rationale");
    this.resolvedAt = parseTimestamp(input.resolvedAt);
    this.resolvedBy = input.resolvedBy;
    this.humanVerified = input.humanVerified ?? input.resolvedBy.type === "human";
    this.appliedCount = input.appliedCount ?? 0;
    // Giving an answer is the first time that somebody stood by it.
    this.confirmedCount = input.confirmedCount ?? 1;
    this.overriddenCount = input.overriddenCount ?? 0;
    this.lastUsedAt = moment(input.lastUsedAt);
    this.revokedAt = moment(input.revokedAt);
    this.revokedBy = input.revokedBy ?? null;
    this.revokedReason = input.revokedReason ?? null;
    Object.freeze(this);
  }

  /** A copy with some fields changed; what identifies it stays. */
  with(
    changes: Partial<Omit<ResolutionInput, "resolutionId" | "patternId" | "strategy" | "result">>,
  ): Resolution {
    return new Resolution(Object.assign({}, this, changes));
  }

  static fromJSON(value: unknown): Resolution {
    const parsed = resolutionSchema.safeParse(value);
    if (!parsed.success) throw new HarmonyError("invalid_record", "not a resolution");
    const json = parsed.data;
    return new Resolution({
      resolutionId: json.resolution_id,
      patternId: json.pattern_id,
      strategy: json.strategy,
      result: json.result,
      rationale: json.rationale,
      humanVerified: json.human_verified,
      resolvedAt: json.resolved_at,
      resolvedBy: AgentProvenance.fromJSON(json.resolved_by),
      appliedCount: json.applied_count,
      confirmedCount: json.confirmed_count,
      overriddenCount: json.overridden_count,
      lastUsedAt: json.last_used_at,
      revokedAt: json.revoked_at,
      revokedBy: json.revoked_by === null ? null : AgentProvenance.fromJSON(json.revoked_by),
      revokedReason: json.revoked_reason,
    });
  }

  toJSON(): ResolutionJson {
    return {
      resolution_id: this.resolutionId,
      pattern_id: this.patternId,
      strategy: this.strategy,
      result: this.result,
      rationale: this.rationale,
      human_verified: this.humanVerified,
      resolved_at: this.resolvedAt,
      resolved_by: this.resolvedBy.toJSON(),
      applied_count: this.appliedCount,
      confirmed_count: this.confirmedCount,
      overridden_count: this.overriddenCount,
      last_used_at: this.lastUsedAt,
      revoked_at: this.revokedAt,
      revoked_by: this.revokedBy?.toJSON() ?? null,
      revoked_reason: this.revokedReason,
    };
  }
}

/** Something that happened to an answer after it was given. */
export type Experience = "applied" | "confirmed" | "overridden";

/** The resolution after an experience. A person's confirmation also verifies it. */
export function experienced(
  resolution: Resolution,
  experience: Experience,
  actor: AgentProvenance,
  at: Timestamp,
): Resolution {
  const lastUsedAt =
    resolution.lastUsedAt !== null && resolution.lastUsedAt > at ? resolution.lastUsedAt : at;
  switch (experience) {
    case "applied":
      // What was taken back in the meantime is not applied.
      if (resolution.revokedAt !== null) return resolution;
      return resolution.with({ appliedCount: resolution.appliedCount + 1, lastUsedAt });
    case "confirmed":
      return resolution.with({
        confirmedCount: resolution.confirmedCount + 1,
        humanVerified: resolution.humanVerified || actor.type === "human",
        lastUsedAt,
      });
    case "overridden":
      return resolution.with({ overriddenCount: resolution.overriddenCount + 1, lastUsedAt });
    default:
      throw new HarmonyError("invalid_record", "an experience is applied, confirmed or overridden");
  }
}

/**
 * How often this answer may be expected to be right again, 0 to 1: the mean of a Beta distribution that starts where
 * measurement says (right 5 times in 6 after one decision) and moves with every confirmation and override.
 */
export function confidenceOf(evidence: Evidence): number {
  const right = PRIOR_RIGHT + evidence.confirmedCount;
  return right / (right + PRIOR_WRONG + evidence.overriddenCount);
}

// One confirmation (the giving of the answer) makes 5/6 = 0.83, the measured worth of a first repetition.
const PRIOR_RIGHT = 4;
const PRIOR_WRONG = 1;
