// Votes on approvals that take several people, held against the events that say who agreed, to what and when: a vote that
// somebody wrote into the table would count as one more person's word.

import type { LogFinding } from "../../core/audit/verify-source.ts";
import type { ReviewedEvent, ReviewedRun, ReviewedVote } from "../../ports.ts";

type Told = Omit<ReviewedVote, "by">;

/**
 * @param events the run's, in their order; of approvals none of them erased
 * @returns how many votes were held against their events
 */
export function checkVotes(
  run: ReviewedRun,
  events: readonly ReviewedEvent[],
  add: (finding: LogFinding) => void,
): number {
  const told = toldVotes(events);
  let held = 0;
  for (const { id, votes } of run.approvals) {
    const expected = told.get(id) ?? new Map<string, Told>();
    const place = (by: string): string => `${run.id} ${id} vote of ${by}`;
    for (const vote of votes) {
      const { by } = vote;
      const said = expected.get(by);
      held += 1;
      if (said === undefined)
        add({ code: "row_added", at: place(by), detail: "no event says that this vote was given" });
      else if (vote.actionDigest !== said.actionDigest)
        add({ code: "row_altered", at: place(by), detail: "it is for another call than its event says" });
      else if (vote.at !== said.at)
        add({ code: "row_altered", at: place(by), detail: "it has another time than its event" });
    }
    const given = new Set(votes.map(({ by }) => by));
    for (const by of expected.keys())
      if (!given.has(by))
        add({ code: "row_removed", at: place(by), detail: "an event says that this vote was given" });
  }
  return held;
}

/** By approval and principal. The last vote of an approval gives it; of one that takes one person's word there is no vote. */
function toldVotes(events: readonly ReviewedEvent[]): ReadonlyMap<string, ReadonlyMap<string, Told>> {
  const told = new Map<string, Map<string, Told>>();
  for (const { kind, actor, at, data } of events) {
    const { approval_id: approval, action_digest: actionDigest } = data;
    if (actor === null || typeof approval !== "string" || typeof actionDigest !== "string") continue;
    if (kind === "approval_voted" && !told.has(approval)) told.set(approval, new Map());
    if (kind === "approval_voted" || kind === "approval_approved")
      told.get(approval)?.set(actor, { actionDigest, at });
  }
  return told;
}
