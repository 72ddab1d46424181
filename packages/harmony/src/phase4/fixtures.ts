// The seed document's own helpers.

import { AgentProvenance, computeEscalationId, EscalationRecord, fakeId } from "../index.ts";

export const utcNow = (): Date => new Date();

export function makeRecord(
  patternId: string = fakeId("pat1"),
  reason: string = "No match found",
  agentId: string | null = null,
): EscalationRecord {
  return new EscalationRecord({
    escalationId: computeEscalationId(patternId, reason),
    patternId,
    reason,
    escalatedAt: utcNow(),
    escalatedBy: agentId === null ? AgentProvenance.human() : AgentProvenance.agent(agentId),
  });
}
