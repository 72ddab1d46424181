// One fact about the memory, written once and never changed. Its id is the digest of what it says, and its file is named
// by it: an entry that was altered no longer bears its own name and is not listed. (That an entry is missing shows only
// in a signed log; the harness keeps one.)

import * as z from "zod";
import { HarmonyError } from "./errors.ts";
import { computeId, parseId, type ContentId } from "./ids.ts";
import { AgentProvenance, provenanceSchema, type ProvenanceJson } from "./provenance.ts";
import { parseTimestamp, type Timestamp } from "./timestamps.ts";
import { AuditEventType } from "./vocabulary.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type AuditEntry = {
  readonly auditId: ContentId;
  readonly eventType: string;
  readonly at: Timestamp;
  readonly actor: AgentProvenance;
  readonly patternId: ContentId | null;
  readonly metadata: { readonly [key: string]: Json };
};

export type AuditJson = {
  readonly audit_id: string;
  readonly event_type: string;
  readonly at: string;
  readonly actor: ProvenanceJson;
  readonly pattern_id: string | null;
  readonly metadata: { readonly [key: string]: Json };
};

export type AuditInput = {
  readonly eventType: string;
  readonly at: Date | string;
  readonly actor: AgentProvenance;
  readonly patternId?: string | null;
  readonly metadata?: { readonly [key: string]: Json };
};

const auditSchema = z.object({
  audit_id: z.string(),
  event_type: z.string().min(1).max(256),
  at: z.string(),
  actor: provenanceSchema,
  pattern_id: z.string().nullable(),
  metadata: z.record(z.string(), z.json()),
});

/** JSON with its keys in order, so that equal facts have equal bytes. Numbers as JavaScript writes them (RFC 8785). */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new HarmonyError("invalid_record", "a number in metadata is finite");
  }
  return JSON.stringify(value);
}

function frozenCopy(value: Json): Json {
  if (Array.isArray(value)) return Object.freeze(value.map((item: Json) => frozenCopy(item)));
  return typeof value === "object" && value !== null ? frozenMembers(value) : value;
}

// Without a prototype, for a key of a stranger's file may be called `__proto__`.
function frozenMembers(value: object): { readonly [key: string]: Json } {
  const copy: { [key: string]: Json } = Object.create(null);
  for (const [key, member] of Object.entries(value)) copy[key] = frozenCopy(member);
  return Object.freeze(copy);
}

export function newAuditEntry(input: AuditInput): AuditEntry {
  const at = parseTimestamp(input.at);
  const patternId =
    input.patternId === undefined || input.patternId === null ? null : parseId(input.patternId, "pattern_id");
  const metadata = z.record(z.string(), z.json()).safeParse(input.metadata ?? {});
  if (!metadata.success) throw new HarmonyError("invalid_record", "an audit entry's metadata is JSON");
  const text = canonicalJson(metadata.data);
  const auditId = computeId("audit", [
    input.eventType,
    at,
    canonicalJson(input.actor.toJSON()),
    patternId,
    text,
  ]);
  return Object.freeze({
    auditId,
    eventType: input.eventType,
    at,
    actor: input.actor,
    patternId,
    metadata: frozenMembers(metadata.data),
  });
}

export function auditToJson(entry: AuditEntry): AuditJson {
  return {
    audit_id: entry.auditId,
    event_type: entry.eventType,
    at: entry.at,
    actor: entry.actor.toJSON(),
    pattern_id: entry.patternId,
    metadata: entry.metadata,
  };
}

type ParsedAudit = z.infer<typeof auditSchema>;

function parseAudit(value: unknown): ParsedAudit {
  const parsed = auditSchema.safeParse(value);
  if (!parsed.success) throw new HarmonyError("invalid_record", "not an audit entry");
  return parsed.data;
}

const entryOf = (json: ParsedAudit): AuditEntry =>
  newAuditEntry({
    eventType: json.event_type,
    at: json.at,
    actor: AgentProvenance.fromJSON(json.actor),
    patternId: json.pattern_id,
    metadata: json.metadata,
  });

/**
 * What is left of an entry of which fields were erased, under the id that it had; that it was not altered cannot be seen
 * from the id any more. Throws HarmonyError for what is no entry.
 */
export function auditFromRest(value: unknown): AuditEntry {
  const json = parseAudit(value);
  return Object.freeze({ ...entryOf(json), auditId: parseId(json.audit_id, "audit_id") });
}

/** Throws HarmonyError; an entry whose id is not the digest of what it says has been altered. */
export function auditFromJson(value: unknown): AuditEntry {
  const json = parseAudit(value);
  const entry = entryOf(json);
  if (entry.auditId !== json.audit_id) {
    throw new HarmonyError(
      "invalid_record",
      "the audit entry was altered: its id is not that of what it says",
    );
  }
  return entry;
}

/** What one call does has one time; told in this order, causes before effects, it makes sense. Every event is in it. */
export const AUDIT_CAUSAL_ORDER: readonly string[] = [
  AuditEventType.POLICY_SET,
  AuditEventType.POLICY_REMOVED,
  AuditEventType.PATTERN_RECORDED,
  AuditEventType.ESCALATION_RECORDED,
  AuditEventType.ESCALATION_RESOLVED,
  AuditEventType.RESOLUTION_SAVED,
  AuditEventType.RESOLUTION_CONFIRMED,
  AuditEventType.RESOLUTION_OVERRIDDEN,
  AuditEventType.POLICY_APPLIED,
  AuditEventType.RESOLUTION_APPLIED,
  AuditEventType.RESOLUTION_PROPOSED,
  AuditEventType.RESOLUTION_REVOKED,
  AuditEventType.DECISION_MARKED,
  AuditEventType.PATTERN_FORGOTTEN,
  AuditEventType.MEMORY_CLEARED,
];

/** Newest first; of equal times effects before their causes (so that read backwards it is the story), then by id. */
export function compareAudit(a: AuditEntry, b: AuditEntry): number {
  if (a.at !== b.at) return a.at < b.at ? 1 : -1;
  const byCause = AUDIT_CAUSAL_ORDER.indexOf(b.eventType) - AUDIT_CAUSAL_ORDER.indexOf(a.eventType);
  if (byCause !== 0) return byCause;
  return a.auditId < b.auditId ? -1 : Number(a.auditId > b.auditId);
}
