// An escalation is a question that neither policy nor precedent could answer, waiting for a person. Open, then resolved
// once; resolved is terminal. The same question met again while it waits is counted; met again after it was resolved it
// opens a new occurrence, a record of its own with an id derived from the first, so that no answer is ever rewritten.

import * as z from "zod";
import { HarmonyError } from "./errors.ts";
import { computeOccurrenceId, parseId, wellFormed, type ContentId } from "./ids.ts";
import { AgentProvenance, provenanceSchema, type ProvenanceJson } from "./provenance.ts";
import { SharedValues } from "./shared-values.ts";
import { parseTimestamp, type Timestamp } from "./timestamps.ts";
import { EscalationStatus } from "./vocabulary.ts";

export type EscalationInput = {
  readonly escalationId: string;
  readonly patternId: string;
  readonly reason: string;
  readonly escalatedAt: Date | string;
  readonly escalatedBy: AgentProvenance;
  readonly status?: EscalationStatus;
  readonly resolvedAt?: Date | string | null;
  readonly resolvedBy?: AgentProvenance | null;
  readonly resolutionId?: string | null;
  readonly occurrence?: number;
  readonly firstId?: string;
  readonly seenCount?: number;
  readonly lastSeenAt?: Date | string;
  readonly resolutionRevokedAt?: Date | string | null;
};

/** As it stands on disk; all keys always present. */
export type EscalationJson = {
  readonly escalation_id: string;
  readonly pattern_id: string;
  readonly reason: string;
  readonly escalated_at: string;
  readonly escalated_by: ProvenanceJson;
  readonly status: string;
  readonly resolved_at: string | null;
  readonly resolved_by: ProvenanceJson | null;
  readonly resolution_id: string | null;
  readonly occurrence: number;
  readonly first_id: string;
  readonly seen_count: number;
  readonly last_seen_at: string;
  readonly resolution_revoked_at: string | null;
};

const escalationSchema = z.object({
  escalation_id: z.string(),
  pattern_id: z.string(),
  reason: z.string(),
  escalated_at: z.string(),
  escalated_by: provenanceSchema,
  status: z.enum(EscalationStatus),
  resolved_at: z.string().nullable().default(null),
  resolved_by: provenanceSchema.nullable().default(null),
  resolution_id: z.string().nullable().default(null),
  occurrence: z.int().min(1).default(1),
  first_id: z.string().optional(),
  seen_count: z.int().min(1).default(1),
  last_seen_at: z.string().optional(),
  resolution_revoked_at: z.string().nullable().default(null),
});

const reasons = new SharedValues<string>();

const optional = <T, R>(value: T | null | undefined, read: (value: T) => R): R | null =>
  value === null || value === undefined ? null : read(value);

export class EscalationRecord {
  readonly escalationId: ContentId;
  readonly patternId: ContentId;
  readonly reason: string;
  readonly escalatedAt: Timestamp;
  readonly escalatedBy: AgentProvenance;
  readonly status: EscalationStatus;
  readonly resolvedAt: Timestamp | null;
  readonly resolvedBy: AgentProvenance | null;
  readonly resolutionId: ContentId | null;
  /** 1 for the first time; n when the question came up again after n - 1 resolutions. */
  readonly occurrence: number;
  /** The id of the first occurrence, from which the later ones' ids are derived. */
  readonly firstId: ContentId;
  /** How often the question came up while this occurrence was open, and when last. */
  readonly seenCount: number;
  readonly lastSeenAt: Timestamp;
  /** When the answer was revoked that this occurrence was resolved with. */
  readonly resolutionRevokedAt: Timestamp | null;

  /** Throws HarmonyError when the fields do not fit together. */
  constructor(input: EscalationInput) {
    this.escalationId = parseId(input.escalationId, "escalation_id");
    this.patternId = parseId(input.patternId, "pattern_id");
    this.reason = wellFormed(input.reason, "reason");
    this.escalatedAt = parseTimestamp(input.escalatedAt);
    this.escalatedBy = input.escalatedBy;
    this.status = input.status ?? EscalationStatus.OPEN;
    this.resolvedAt = optional(input.resolvedAt, parseTimestamp);
    this.resolvedBy = input.resolvedBy ?? null;
    this.resolutionId = optional(input.resolutionId, (id) => parseId(id, "resolution_id"));
    this.occurrence = input.occurrence ?? 1;
    const firstId = optional(input.firstId, (id) => parseId(id, "first_id"));
    // Mostly they are the same; one text then serves both, among a million records of a listing.
    this.firstId = firstId === null || firstId === this.escalationId ? this.escalationId : firstId;
    this.seenCount = input.seenCount ?? 1;
    const lastSeenAt = optional(input.lastSeenAt, parseTimestamp);
    this.lastSeenAt = lastSeenAt === null || lastSeenAt === this.escalatedAt ? this.escalatedAt : lastSeenAt;
    this.resolutionRevokedAt = optional(input.resolutionRevokedAt, parseTimestamp);
    const decided = [this.resolvedAt, this.resolvedBy, this.resolutionId].filter((field) => field !== null);
    if (decided.length !== (this.status === EscalationStatus.RESOLVED ? 3 : 0)) {
      throw new HarmonyError(
        "invalid_record",
        "resolved_at, resolved_by and resolution_id go with status resolved",
      );
    }
    if (computeOccurrenceId(this.firstId, this.occurrence) !== this.escalationId) {
      throw new HarmonyError("invalid_record", "the occurrence's id does not follow from first_id");
    }
    Object.freeze(this);
  }

  /** From a record's JSON (snake_case, as on disk). Throws HarmonyError `invalid_record`. */
  static fromJSON(value: unknown): EscalationRecord {
    const parsed = escalationSchema.safeParse(value);
    if (!parsed.success) throw new HarmonyError("invalid_record", "not an escalation");
    const json = parsed.data;
    return new EscalationRecord({
      escalationId: json.escalation_id,
      patternId: json.pattern_id,
      reason: reasons.share(json.reason, json.reason),
      escalatedAt: json.escalated_at,
      escalatedBy: AgentProvenance.fromJSON(json.escalated_by),
      status: json.status,
      resolvedAt: json.resolved_at,
      resolvedBy: optional(json.resolved_by, (by) => AgentProvenance.fromJSON(by)),
      resolutionId: json.resolution_id,
      occurrence: json.occurrence,
      firstId: json.first_id ?? json.escalation_id,
      seenCount: json.seen_count,
      lastSeenAt: json.last_seen_at ?? json.escalated_at,
      resolutionRevokedAt: json.resolution_revoked_at,
    });
  }

  /** A copy with some fields changed; what identifies it stays. */
  with(changes: Partial<Omit<EscalationInput, "escalationId" | "patternId" | "reason">>): EscalationRecord {
    return new EscalationRecord(Object.assign({}, this, changes));
  }

  toJSON(): EscalationJson {
    return {
      escalation_id: this.escalationId,
      pattern_id: this.patternId,
      reason: this.reason,
      escalated_at: this.escalatedAt,
      escalated_by: this.escalatedBy.toJSON(),
      status: this.status,
      resolved_at: this.resolvedAt,
      resolved_by: this.resolvedBy?.toJSON() ?? null,
      resolution_id: this.resolutionId,
      occurrence: this.occurrence,
      first_id: this.firstId,
      seen_count: this.seenCount,
      last_seen_at: this.lastSeenAt,
      resolution_revoked_at: this.resolutionRevokedAt,
    };
  }
}

/** What happens to the newest stored occurrence when the question comes up again. */
export type Recurrence =
  | { readonly kind: "seen_already" } // a retry, or a sighting that the stored record covers: nothing changes
  | { readonly kind: "counted"; readonly next: EscalationRecord } // still open: one more sighting
  | { readonly kind: "reopened"; readonly next: EscalationRecord }; // resolved before it came up: a new occurrence

/**
 * Time decides, for it is what a retry of the same record cannot change: a sighting counts when it is later than the
 * last one counted, and reopens when it is later than the resolution.
 */
export function recur(stored: EscalationRecord, again: EscalationRecord): Recurrence {
  if (stored.status === EscalationStatus.OPEN) {
    if (again.escalatedAt <= stored.lastSeenAt) return { kind: "seen_already" };
    return {
      kind: "counted",
      next: stored.with({ seenCount: stored.seenCount + 1, lastSeenAt: again.escalatedAt }),
    };
  }
  if (stored.resolvedAt !== null && again.escalatedAt <= stored.resolvedAt) return { kind: "seen_already" };
  const occurrence = stored.occurrence + 1;
  return {
    kind: "reopened",
    next: new EscalationRecord({
      escalationId: computeOccurrenceId(stored.firstId, occurrence),
      patternId: again.patternId,
      reason: again.reason,
      escalatedAt: again.escalatedAt,
      escalatedBy: again.escalatedBy,
      occurrence,
      firstId: stored.firstId,
    }),
  };
}

/** The escalation once resolved. Throws HarmonyError `already_resolved`: a decision is made once. */
export function resolved(
  stored: EscalationRecord,
  resolutionId: ContentId,
  actor: AgentProvenance,
  at: Timestamp,
): EscalationRecord {
  if (stored.status === EscalationStatus.RESOLVED) {
    throw new HarmonyError("already_resolved", `escalation ${stored.escalationId} is already resolved`, {
      record: stored,
    });
  }
  return stored.with({
    status: EscalationStatus.RESOLVED,
    resolutionId,
    resolvedBy: actor,
    resolvedAt: at,
  });
}

/** Newest first; equal times in the order of their ids, so that the order is the same on every machine. */
export function compareEscalations(a: EscalationRecord, b: EscalationRecord): number {
  if (a.escalatedAt !== b.escalatedAt) return a.escalatedAt < b.escalatedAt ? 1 : -1;
  return a.escalationId < b.escalationId ? -1 : Number(a.escalationId > b.escalationId);
}
