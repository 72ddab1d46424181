// Pages of a log are read one after the other, and an erasure may come between two of them: then a payload is gone whose
// record stands behind the checkpoint that is copied, or a record is copied for a payload that was read before it. Neither
// is anything that was done to the log, and both would look so.

import type { AuditEntry } from "@assent/contract";
import { decodeLeaf, ERASED_KIND } from "../../core/audit/leaf.ts";

export type CopiedErasures = {
  see(entries: readonly AuditEntry[]): void;
  /** Whether a payload is gone that no entry seen so far records as erased. */
  isUnrecorded(): boolean;
  /** Places whose payload was seen, and which a record says is gone. */
  outdated(): readonly number[];
};

export function createCopiedErasures(epoch: number): CopiedErasures {
  const gone = new Set<number>();
  const recorded = new Set<number>();
  const prefix = `entry:${epoch}:`;
  return {
    see(entries): void {
      for (const { index, leaf, salt } of entries) {
        if (salt === null) gone.add(index);
        // Few entries are records, and to read each would take longer than to copy it.
        if (!leaf.includes(`"kind":"${ERASED_KIND}"`)) continue;
        const subject = decodeLeaf(Buffer.from(leaf, "latin1"))?.subject ?? "";
        if (subject.startsWith(prefix)) recorded.add(Number(subject.slice(prefix.length)));
      }
    },
    isUnrecorded: () => [...gone].some((index) => !recorded.has(index)),
    outdated: () => [...recorded].filter((index) => !gone.has(index)),
  };
}
