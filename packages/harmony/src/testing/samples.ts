// For tests: records that differ only in what a test is about.

import { newPattern } from "../patterns.ts";
import { AgentProvenance } from "../provenance.ts";
import { computeEscalationId, fakeId } from "../ids.ts";
import { EscalationRecord } from "../escalations.ts";
import { Resolution } from "../resolutions.ts";
import type { ConflictPattern, EscalationInput, PatternInput, ResolutionInput, Timestamp } from "../types.ts";
import { parseTimestamp } from "../timestamps.ts";

export const ann: AgentProvenance = AgentProvenance.human("ann");
export const bob: AgentProvenance = AgentProvenance.human("bob");
export const robot: AgentProvenance = AgentProvenance.agent("robot", "model-1");

/** A moment so many seconds after a fixed start. */
export const moment = (seconds: number): Timestamp =>
  parseTimestamp(new Date(Date.UTC(2026, 0, 2, 3, 4, 5) + seconds * 1_000));

export const pattern = (name: string, changes: Partial<PatternInput> = {}): ConflictPattern =>
  newPattern({
    domain: "merge",
    scope: "",
    conflictType: "both_modified",
    blobFingerprint: fakeId(name),
    path: "src/a.ts",
    recordedAt: moment(0),
    recordedBy: robot,
    ...changes,
  });

export const resolution = (of: ConflictPattern, changes: Partial<ResolutionInput> = {}): Resolution =>
  new Resolution({
    patternId: of.patternId,
    strategy: "text",
    result: "the answer\n",
    resolvedAt: moment(10),
    resolvedBy: ann,
    ...changes,
  });

export const escalation = (name: string, changes: Partial<EscalationInput> = {}): EscalationRecord => {
  const patternId = changes.patternId ?? fakeId(name);
  const reason = changes.reason ?? "No match found";
  return new EscalationRecord({
    escalationId: computeEscalationId(patternId, reason),
    patternId,
    reason,
    escalatedAt: moment(0),
    escalatedBy: robot,
    ...changes,
  });
};
