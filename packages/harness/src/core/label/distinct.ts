// The places that a label names, each once.

import type { SourceRef } from "../decide/action-request.ts";

/** Each place once, in the order in which they come first. */
export function distinctSources(sources: readonly SourceRef[]): readonly SourceRef[] {
  const seen = new Set<string>();
  return sources.filter(({ source, start, end }) => {
    const place = `${start}-${end} ${source}`;
    const isNew = !seen.has(place);
    seen.add(place);
    return isNew;
  });
}
