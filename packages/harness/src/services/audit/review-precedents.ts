// Answers that are given again, held against the digest that their newest event took of them, and against what the memory
// recorded of giving them and taking them back: a row that was written by hand is a yes that nobody gave.

import { AuditEventType, isHarmonyError, Resolution } from "@assent/harmony";
import type { LogFinding } from "../../core/audit/verify-source.ts";
import type { ExactTime, MemoryEvent, ReviewedPrecedent, ReviewTx } from "../../ports.ts";
import { REVIEW_FINDINGS_MAX } from "./review-log.ts";

export type ReviewedPrecedents = {
  readonly held: number;
  /** Of how many of them an event of the memory's that was erased or pruned may be the one that says why they are as they are. */
  readonly erased: number;
  readonly findings: readonly LogFinding[];
};

const CHANGES = {
  unrecorded: ["row_added", "no event says that it was stored"],
  removed: ["row_removed", "its newest event says that it is there, and there is no such row"],
  altered: [
    "row_altered",
    "its row, or until when and for which rules it is given, is not what it was when its newest event was recorded",
  ],
  "still there": ["row_added", "its newest event says that it was removed"],
  "terms of nothing": ["row_added", "there are terms of it, and no such answer"],
} as const;

const place = (id: string): string => `precedent ${id}`;

export async function reviewPrecedents(tx: ReviewTx, tenant: string): Promise<ReviewedPrecedents> {
  const findings: LogFinding[] = (await tx.changedPrecedents(tenant, REVIEW_FINDINGS_MAX)).map(
    ({ id, what }) => ({ code: CHANGES[what][0], at: place(id), detail: CHANGES[what][1] }),
  );
  const rows = await tx.precedents(tenant);
  const told = toldBy(await tx.memoryEvents(tenant));
  let erased = 0;
  for (const row of rows) {
    const { problem, mayBeErased } = compare(row, told);
    if (mayBeErased) erased += 1;
    if (problem !== null) findings.push({ ...problem, at: place(row.id) });
  }
  return { held: rows.length, erased, findings };
}

type Told = {
  /** Of each answer the last that the memory recorded: that it was given, or taken back. */
  readonly last: ReadonlyMap<string, "given" | "taken back">;
  /** When something was recorded that nobody can read any more. */
  readonly erased: ReadonlySet<number>;
};

function toldBy(events: readonly MemoryEvent[]): Told {
  const last = new Map<string, "given" | "taken back">();
  const erased = new Set<number>();
  for (const { at, data } of events) {
    if (data === null) erased.add(milliseconds(at));
    const { event_type: type, metadata } = data ?? {};
    const id = isObject(metadata) ? metadata["resolution_id"] : null;
    if (typeof id !== "string") continue;
    if (type === AuditEventType.RESOLUTION_SAVED) last.set(id, "given");
    if (type === AuditEventType.RESOLUTION_REVOKED) last.set(id, "taken back");
  }
  return { last, erased };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** The memory's own times have milliseconds. */
const milliseconds = (at: ExactTime): number => Math.round(Number(at) * 1000);

type Compared = {
  readonly problem: Pick<LogFinding, "code" | "detail"> | null;
  readonly mayBeErased: boolean;
};
const AS_TOLD: Compared = { problem: null, mayBeErased: false };
const ERASED: Compared = { problem: null, mayBeErased: true };
const differs = (code: string, detail: string): Compared => ({
  problem: { code, detail },
  mayBeErased: false,
});

function compare({ id, isRevoked, record }: ReviewedPrecedent, { last, erased }: Told): Compared {
  const resolution = read(record);
  // What says nothing that could be held is named by its digest, and answers nobody.
  if (resolution === null) return AS_TOLD;
  const was = last.get(id);
  const isErased = (at: string | null): boolean => at !== null && erased.has(Date.parse(at));
  if (was === undefined)
    return isErased(resolution.resolvedAt)
      ? ERASED
      : differs("row_added", "nothing that the memory recorded says that anybody gave this answer");
  if (was === "taken back" && !isRevoked)
    return differs("state_differs", "the memory recorded that it was taken back, and its row is in force");
  if (was === "given" && isRevoked)
    return isErased(resolution.revokedAt)
      ? ERASED
      : differs(
          "state_differs",
          "its row says that it was taken back, and the memory recorded nothing of it",
        );
  return AS_TOLD;
}

function read(record: unknown): Resolution | null {
  try {
    return Resolution.fromJSON(record);
  } catch (error) {
    if (isHarmonyError(error)) return null;
    throw error;
  }
}
