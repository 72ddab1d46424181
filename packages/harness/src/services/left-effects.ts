// What a run did and nobody could take back, put before people.

import { AgentProvenance, ConflictType, memory, newPattern } from "@assent/harmony";
import { digestOf } from "../base/digest.ts";
import type { LeftEffect } from "../core/run/journal.ts";
import type { RunRecord, StoreTx } from "../ports.ts";

/** The domain of Harmony's questions about effects that nobody could take back. */
export const ROLLBACK_DOMAIN = "rollback";

/**
 * Puts what was left before people: an escalation in the tenant's memory, which waits there until somebody answers it.
 * It names tools and codes only: what a tool said may be anybody's words.
 */
export async function escalateLeft(
  tx: StoreTx,
  run: RunRecord,
  left: readonly LeftEffect[],
  at: Date,
): Promise<void> {
  const actor = AgentProvenance.agent(run.agent, run.model);
  const what = left.map(({ seq, tool, code }) => `step ${seq} (${tool}, ${code})`).join(", ");
  const pattern = newPattern({
    domain: ROLLBACK_DOMAIN,
    scope: `${run.tenant}/${run.agent}`,
    conflictType: ConflictType.APPROVAL,
    blobFingerprint: digestOf("effects left", { run: run.id, left }),
    path: left[0]?.tool ?? "",
    recordedAt: at,
    recordedBy: actor,
  });
  await memory.recordPattern(tx.memory, pattern);
  const reason = `Run ${run.id} could not take back: ${what}. Look, and take it back by hand.`;
  await memory.escalate(tx.memory, pattern.patternId, reason, { at, actor }, { run_id: run.id });
}
