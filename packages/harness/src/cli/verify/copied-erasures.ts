// Pages of a log are read one after the other, and an erasure may come between two of them: then a payload is gone whose
// record stands behind the checkpoint that is copied, or a record is copied for a payload that was read before it. Neither
// is anything that was done to the log, and both would look so.

import type { AuditEntry } from "@assent/contract";
import { decodeLeaf, ERASED_KIND } from "../../core/audit/leaf.ts";
import { PRUNED_KIND, prunedBy } from "../../core/audit/pruning.ts";

/** What a page of the log has: entries, or, below the minimum index, their hashes. */
export type CopiedPage = {
  readonly from: number;
  readonly entries: readonly AuditEntry[];
  readonly hashes: readonly Uint8Array[];
};

export type CopiedErasures = {
  see(page: CopiedPage): void;
  /** Whether something is gone that no entry seen so far records as erased or pruned. */
  isUnrecorded(): boolean;
  /** Places whose payload was seen, and which a record says is gone. */
  outdated(): readonly number[];
};

const RECORDS = [`"kind":"${ERASED_KIND}"`, `"kind":"${PRUNED_KIND}"`];

export function createCopiedErasures(epoch: number): CopiedErasures {
  const gone = new Set<number>();
  const recorded = new Set<number>();
  const prefix = `entry:${epoch}:`;
  let [prunedTo, minimum] = [0, 0];
  return {
    see({ from, entries, hashes }): void {
      if (hashes.length > 0) prunedTo = Math.max(prunedTo, from + hashes.length);
      for (const { index, leaf, salt } of entries) {
        if (salt === null) gone.add(index);
        // Few entries are records, and to read each would take longer than to copy it.
        if (!RECORDS.some((kind) => leaf.includes(kind))) continue;
        const subject = decodeLeaf(Buffer.from(leaf, "latin1"))?.subject ?? "";
        if (subject.startsWith(prefix)) recorded.add(Number(subject.slice(prefix.length)));
        const pruned = prunedBy(subject);
        if (pruned?.epoch === epoch) minimum = Math.max(minimum, pruned.minimum);
      }
    },
    isUnrecorded: () => prunedTo > minimum || [...gone].some((index) => !recorded.has(index)),
    // What was pruned since has no payload to be read anew.
    outdated: () => [...recorded].filter((index) => !gone.has(index) && index >= prunedTo),
  };
}
