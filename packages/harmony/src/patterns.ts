// A pattern is the identity of a question that has come up. The record says when and where it was met; what is asked
// is in its two fingerprints: exact (the same question) and semantic (a question of the same shape).

import * as z from "zod";
import { HarmonyError } from "./errors.ts";
import { computePatternId, parseId, wellFormed, type ContentId } from "./ids.ts";
import { NAME_LENGTH_MAX } from "./limits.ts";
import { AgentProvenance, provenanceSchema, type ProvenanceJson } from "./provenance.ts";
import { parseTimestamp, type Timestamp } from "./timestamps.ts";

/** Tokens that a pattern carries for similarity; a longer set is sampled by the domain, never silently here. */
export const PATTERN_TOKENS_MAX = 4_096;
const TOKEN_LENGTH_MAX = 256;

export type ConflictPattern = {
  readonly patternId: ContentId;
  /** `merge`, `approval`, or another domain's name. */
  readonly domain: string;
  /** Whose memory this is; a precedent never crosses it. */
  readonly scope: string;
  readonly conflictType: string;
  readonly blobFingerprint: ContentId;
  readonly semanticFingerprint: ContentId | null;
  /** Where it was first met: evidence and what policies' globs look at, never identity. */
  readonly path: string;
  /** What similarity is measured on; empty where the semantic fingerprint alone says it. */
  readonly tokens: readonly string[];
  readonly recordedAt: Timestamp;
  readonly recordedBy: AgentProvenance;
  /** How often the question came up, and when last. */
  readonly occurrences: number;
  readonly lastSeenAt: Timestamp;
};

export type PatternJson = {
  readonly pattern_id: string;
  readonly domain: string;
  readonly scope: string;
  readonly conflict_type: string;
  readonly blob_fingerprint: string;
  readonly semantic_fingerprint: string | null;
  readonly path: string;
  readonly tokens: readonly string[];
  readonly recorded_at: string;
  readonly recorded_by: ProvenanceJson;
  readonly occurrences: number;
  readonly last_seen_at: string;
};

export type PatternInput = {
  readonly domain: string;
  readonly scope?: string;
  readonly conflictType: string;
  readonly blobFingerprint: string;
  readonly semanticFingerprint?: string | null;
  readonly path?: string;
  readonly tokens?: readonly string[];
  readonly recordedAt: Date | string;
  readonly recordedBy: AgentProvenance;
  readonly occurrences?: number;
  readonly lastSeenAt?: Date | string;
};

const name = z.string().max(NAME_LENGTH_MAX);
const patternSchema = z.object({
  pattern_id: z.string(),
  domain: name,
  scope: name,
  conflict_type: name,
  blob_fingerprint: z.string(),
  semantic_fingerprint: z.string().nullable().default(null),
  path: z.string().max(4 * NAME_LENGTH_MAX),
  tokens: z.array(z.string().max(TOKEN_LENGTH_MAX)).max(PATTERN_TOKENS_MAX).default([]),
  recorded_at: z.string(),
  recorded_by: provenanceSchema,
  occurrences: z.int().min(1).default(1),
  last_seen_at: z.string(),
});

/** A frozen pattern; its id follows from its fields. Throws HarmonyError. */
export function newPattern(input: PatternInput): ConflictPattern {
  const recordedAt = parseTimestamp(input.recordedAt);
  const tokens = (input.tokens ?? []).map((token) => wellFormed(token, "a token"));
  if (tokens.length > PATTERN_TOKENS_MAX || tokens.some((token) => token.length > TOKEN_LENGTH_MAX)) {
    throw new HarmonyError("too_large", `a pattern carries at most ${PATTERN_TOKENS_MAX} tokens`);
  }
  const scope = input.scope ?? "";
  return Object.freeze({
    patternId: computePatternId({ ...input, scope }),
    domain: input.domain,
    scope,
    conflictType: input.conflictType,
    blobFingerprint: parseId(input.blobFingerprint, "blob_fingerprint"),
    semanticFingerprint:
      input.semanticFingerprint === undefined || input.semanticFingerprint === null
        ? null
        : parseId(input.semanticFingerprint, "semantic_fingerprint"),
    path: wellFormed(input.path ?? "", "path"),
    tokens: Object.freeze(tokens),
    recordedAt,
    recordedBy: input.recordedBy,
    occurrences: input.occurrences ?? 1,
    lastSeenAt: input.lastSeenAt === undefined ? recordedAt : parseTimestamp(input.lastSeenAt),
  });
}

export function patternToJson(pattern: ConflictPattern): PatternJson {
  return {
    pattern_id: pattern.patternId,
    domain: pattern.domain,
    scope: pattern.scope,
    conflict_type: pattern.conflictType,
    blob_fingerprint: pattern.blobFingerprint,
    semantic_fingerprint: pattern.semanticFingerprint,
    path: pattern.path,
    tokens: pattern.tokens,
    recorded_at: pattern.recordedAt,
    recorded_by: pattern.recordedBy.toJSON(),
    occurrences: pattern.occurrences,
    last_seen_at: pattern.lastSeenAt,
  };
}

/** Throws HarmonyError; a pattern whose id is not that of its fields is not a pattern. */
export function patternFromJson(value: unknown): ConflictPattern {
  const parsed = patternSchema.safeParse(value);
  if (!parsed.success) throw new HarmonyError("invalid_record", "not a pattern");
  const json = parsed.data;
  const pattern = newPattern({
    domain: json.domain,
    scope: json.scope,
    conflictType: json.conflict_type,
    blobFingerprint: json.blob_fingerprint,
    semanticFingerprint: json.semantic_fingerprint,
    path: json.path,
    tokens: json.tokens,
    recordedAt: json.recorded_at,
    recordedBy: AgentProvenance.fromJSON(json.recorded_by),
    occurrences: json.occurrences,
    lastSeenAt: json.last_seen_at,
  });
  if (pattern.patternId !== json.pattern_id) {
    throw new HarmonyError("invalid_record", "the pattern's id is not that of its fields");
  }
  return pattern;
}

/** The stored pattern after another sighting; `null` when it is not a later one, so that a retry counts once. */
export function sighted(stored: ConflictPattern, again: ConflictPattern): ConflictPattern | null {
  if (again.recordedAt <= stored.lastSeenAt) return null;
  return Object.freeze({
    ...stored,
    occurrences: stored.occurrences + 1,
    lastSeenAt: again.recordedAt,
  });
}

/** Newest first; equal times in the order of their ids. */
export function comparePatterns(a: ConflictPattern, b: ConflictPattern): number {
  if (a.recordedAt !== b.recordedAt) return a.recordedAt < b.recordedAt ? 1 : -1;
  return a.patternId < b.patternId ? -1 : Number(a.patternId > b.patternId);
}
