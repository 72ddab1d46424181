// How people decide, for who looks after it: too many questions, or a yes to all of them within seconds, is no assent.

import type { Quality } from "@assent/contract";
import type { Caller, Clock, Store } from "../ports.ts";

const DAY_MS = 86_400_000;
/** Told at once; who decides at all is a handful of people. */
const APPROVERS_MAX = 200;

export async function getQuality(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  caller: Caller,
  days: number,
): Promise<Quality> {
  const since = new Date(clock.now().getTime() - days * DAY_MS);
  const { approvers, unanswered, isWhole } = await store.transaction(
    caller.tenant,
    async (tx) => await tx.questions.counts(since, APPROVERS_MAX + 1),
    { isRepeatable: true },
  );
  return {
    since: since.toISOString(),
    data: approvers
      .slice(0, APPROVERS_MAX)
      .map(({ approver, answered, approved, medianSeconds, reversed }) => ({
        id: approver.id,
        name: approver.name,
        kind: approver.kind,
        answered,
        approved,
        approved_share: approved / answered,
        median_seconds: medianSeconds,
        reversed,
      })),
    unanswered,
    complete: isWhole && approvers.length <= APPROVERS_MAX,
  };
}
