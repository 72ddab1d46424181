// Questions that nobody answered in time, closed in the tenant's memory as what they are: nobody waits for an answer any more,
// and what was asked counts as denied that one time. The harness says so, never a person's name; nothing is remembered by it.

import {
  AgentProvenance,
  AuditEventType,
  computeResolutionId,
  EscalationStatus,
  type EscalationRecord,
  HarmonyError,
  newAuditEntry,
  ResolutionStrategy,
} from "@assent/harmony";
import { APPROVAL_LIFETIME_HOURS, UNANSWERED_MARGIN_HOURS, UNANSWERED_SWEEP_HOURS } from "../base/limits.ts";
import type { ApprovalRecord, Clock, ClockWatch, Log, RunRecord, Store, StoreTx } from "../ports.ts";
import { patternOf } from "./precedents.ts";
import { startSweeping, type Sweeping } from "./sweeping.ts";

const HARNESS = AgentProvenance.agent("assent");

/** Escalations that are closed in one look, each in a transaction of its own. */
const CLOSED_MAX = 200;

/**
 * Of an approval that has expired, in the transaction that says so: the question's escalation, unless somebody has put the same
 * question since, and waits for the answer still.
 */
export async function closeExpired(
  tx: StoreTx,
  run: RunRecord,
  approval: ApprovalRecord,
  at: Date,
): Promise<void> {
  if (approval.subject !== "action") return;
  const { patternId } = patternOf({ ...approval, run }, AgentProvenance.agent(run.agent, run.model), at);
  const [open] = await tx.memory.listEscalations({ patternId, status: EscalationStatus.OPEN });
  if (open === undefined || Date.parse(open.lastSeenAt) > approval.requestedAt.getTime()) return;
  await close(tx, open, { why: "expired", approval_id: approval.id }, at);
}

async function close(
  { memory }: StoreTx,
  { escalationId, patternId }: EscalationRecord,
  about: Readonly<Record<string, string>>,
  at: Date,
): Promise<boolean> {
  const resolutionId = computeResolutionId(patternId, ResolutionStrategy.DENY, escalationId);
  try {
    if (!(await memory.resolveEscalation(escalationId, resolutionId, HARNESS, at))) return false;
  } catch (error) {
    if (error instanceof HarmonyError && error.code === "already_resolved") return false;
    throw error;
  }
  const metadata = { ...about, escalation_id: escalationId, resolution_id: resolutionId, remembered: false };
  const fact = { eventType: AuditEventType.ESCALATION_RESOLVED, at, actor: HARNESS, patternId, metadata };
  await memory.appendAudit(newAuditEntry(fact));
  return true;
}

type Ports = {
  readonly store: Pick<Store, "transaction" | "unansweredEscalations">;
  readonly clock: Clock;
  readonly clockWatch: Pick<ClockWatch, "difference">;
  readonly log: Log;
};

/**
 * Closes what was put so long ago that no approval can wait for it: its run was cancelled or has failed, or an older program
 * let it expire. None by a clock that is astray.
 * @returns how many
 */
export async function closeUnanswered(
  { store, clock, clockWatch }: Omit<Ports, "log">,
  stopping: AbortSignal,
): Promise<number> {
  let closed = 0;
  for (;;) {
    if (stopping.aborted || clockWatch.difference() !== null) return closed;
    const now = clock.now();
    const hours = APPROVAL_LIFETIME_HOURS + UNANSWERED_MARGIN_HOURS;
    const before = new Date(now.getTime() - hours * 3_600_000);
    const found = await store.unansweredEscalations(before, CLOSED_MAX);
    let fewer = 0;
    for (const { tenant, id } of found) {
      if (stopping.aborted) return closed + fewer;
      const done = await store.transaction(tenant, async (tx) => {
        const open = await tx.memory.loadEscalation(id);
        // It may have been put again since.
        if (open === null || Date.parse(open.lastSeenAt) >= before.getTime()) return false;
        return await close(tx, open, { why: "nobody_waits" }, now);
      });
      if (done) fewer += 1;
    }
    closed += fewer;
    if (found.length < CLOSED_MAX || fewer === 0) return closed;
  }
}

export const startClosing = (ports: Ports): Sweeping =>
  startSweeping(
    ports,
    UNANSWERED_SWEEP_HOURS * 3_600,
    "questions that nobody answered could not be closed",
    async (stopping) => {
      const count = await closeUnanswered(ports, stopping);
      if (count > 0) ports.log("info", "questions that nobody answered were closed", { count });
    },
  );
