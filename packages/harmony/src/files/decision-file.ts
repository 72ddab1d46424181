// The decision on one escalation, in a file that can be created only once: whoever links it has resolved the escalation,
// everybody else is late, and no crash, stale process or counting writer can undo it. The escalation's own file is then
// brought up to date by the winner, or by anyone who finds that the winner did not get that far.

import * as z from "zod";
import { HarmonyError } from "../errors.ts";
import type { EscalationRecord } from "../escalations.ts";
import { parseId, type ContentId } from "../ids.ts";
import { AgentProvenance, provenanceSchema, type ProvenanceJson } from "../provenance.ts";
import { parseTimestamp, type Timestamp } from "../timestamps.ts";
import { EscalationStatus } from "../vocabulary.ts";

export type DecisionFile = {
  readonly escalationId: ContentId;
  readonly resolutionId: ContentId;
  readonly resolvedBy: AgentProvenance;
  readonly resolvedAt: Timestamp;
};

type DecisionJson = {
  readonly escalation_id: string;
  readonly resolution_id: string;
  readonly resolved_by: ProvenanceJson;
  readonly resolved_at: string;
};

const schema = z.object({
  escalation_id: z.string(),
  resolution_id: z.string(),
  resolved_by: provenanceSchema,
  resolved_at: z.string(),
});

export function decisionToJson(decision: DecisionFile): DecisionJson {
  return {
    escalation_id: decision.escalationId,
    resolution_id: decision.resolutionId,
    resolved_by: decision.resolvedBy.toJSON(),
    resolved_at: decision.resolvedAt,
  };
}

export function decisionFromJson(value: unknown): DecisionFile {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new HarmonyError("invalid_record", "not a decision");
  return Object.freeze({
    escalationId: parseId(parsed.data.escalation_id, "escalation_id"),
    resolutionId: parseId(parsed.data.resolution_id, "resolution_id"),
    resolvedBy: AgentProvenance.fromJSON(parsed.data.resolved_by),
    resolvedAt: parseTimestamp(parsed.data.resolved_at),
  });
}

export function withDecision(open: EscalationRecord, decision: DecisionFile): EscalationRecord {
  return open.with({
    status: EscalationStatus.RESOLVED,
    resolutionId: decision.resolutionId,
    resolvedBy: decision.resolvedBy,
    resolvedAt: decision.resolvedAt,
  });
}
