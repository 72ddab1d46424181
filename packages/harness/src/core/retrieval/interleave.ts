// Two ways of finding have scores that cannot be compared; places can be.

import type { Passage } from "@assent/contract";

/** Reciprocal rank fusion (Cormack, Clarke, Buettcher 2009): how much the first places count over later ones. */
const RANK_OFFSET = 60;

/** Passages by the sum of 1/(60 + place) over the lists; each once, as its best place found it. */
export function interleave(lists: readonly (readonly Passage[])[]): readonly Passage[] {
  const found = new Map<string, { passage: Passage; best: number; sum: number }>();
  for (const list of lists)
    for (const [place, passage] of list.entries()) {
      const worth = 1 / (RANK_OFFSET + place + 1);
      const key = `${passage.document_id}#${passage.passage}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { passage, best: worth, sum: worth });
      else {
        known.sum += worth;
        if (worth > known.best) Object.assign(known, { passage, best: worth });
      }
    }
  return [...found.values()].toSorted((a, b) => b.sum - a.sum).map(({ passage }) => passage);
}
