// Checks the evidence of a whole database: every tenant's logs, that each event has its one place, and, where that is
// asked for, that the tables are what the events say.

import type { VerifierKey, WantedLines } from "@assent/tlog";
import type { LogFinding } from "../../core/audit/verify-source.ts";
import type { CoveredCheckpoints, OutsideKnowledge, ReviewTx } from "../../ports.ts";
import { reviewLog, REVIEW_FINDINGS_MAX, type ReviewedLog } from "./review-log.ts";
import { type ReviewedState, reviewState } from "./review-state.ts";

export type ReviewedEvidence = {
  readonly tenant: string;
  readonly logs: readonly ReviewedLog[];
  /** Checkpoints of others' logs that this tenant's log took over: those of the installation. */
  readonly covered: number;
  /** Events that wait for their place, and how long the oldest has; a keeper that runs leaves none for long. */
  readonly waiting: { readonly count: number; readonly oldestSeconds: number };
  /** About events that have no place or several. */
  readonly findings: readonly LogFinding[];
  readonly state: ReviewedState | null;
};

export type ReviewTrust = {
  readonly keysOf: (origin: string) => readonly VerifierKey[];
  /** Which lines the newest checkpoints must have: of each type of these keys where somebody pinned them. */
  readonly wanted?: WantedLines;
  readonly outsideOf: (origin: string) => OutsideKnowledge;
};

export async function reviewEvidence(
  tx: ReviewTx,
  trust: ReviewTrust,
  withState: boolean,
): Promise<readonly ReviewedEvidence[]> {
  const reviewed: ReviewedEvidence[] = [];
  for (const { id, slug } of await tx.tenants()) {
    const logs: ReviewedLog[] = [];
    for (const log of await tx.logs(id)) {
      const keys = { trusted: trust.keysOf(log.origin), wanted: trust.wanted ?? "any" };
      logs.push(await reviewLog(tx, id, log, keys, trust.outsideOf(log.origin)));
    }
    const covered = await tx.covered(id, REVIEW_FINDINGS_MAX);
    reviewed.push({
      tenant: slug,
      logs,
      covered: covered.count,
      waiting: await tx.waiting(id),
      findings: [...(await findMisplaced(tx, id)), ...covered.missing.map(uncovered)],
      state: withState ? await reviewState(tx, id) : null,
    });
  }
  return reviewed;
}

const MISPLACED = {
  lost: ["event_lost", "it is in no tree and does not wait for one"],
  twice: ["event_twice", "it has more than one place in the tree and among those that wait"],
  orphan: ["event_missing", "it has a place, and the event itself is gone"],
} as const;

async function findMisplaced(tx: ReviewTx, tenant: string): Promise<LogFinding[]> {
  return (await tx.misplaced(tenant, REVIEW_FINDINGS_MAX)).map(({ what, eventId, name }) => {
    const [code, detail] = MISPLACED[what];
    return { code, at: name ?? `event number ${eventId}`, detail };
  });
}

const uncovered = ({ subject, version, size }: CoveredCheckpoints["missing"][number]): LogFinding => ({
  code: "covered_missing",
  at: `${subject} event ${version}`,
  detail: `it took over a checkpoint of ${size} entries that no log has: a tenant's log was rewritten, cut or removed`,
});

export const findingsOf = (reviewed: readonly ReviewedEvidence[]): readonly LogFinding[] =>
  reviewed.flatMap(({ logs, findings, state }) => [
    ...logs.flatMap((log) => log.findings),
    ...findings,
    ...(state?.findings ?? []),
  ]);
