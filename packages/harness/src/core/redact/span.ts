/** A part of a text that must go: UTF-16 units from `start` up to `end`, and what it is taken for. */
export type Span = { readonly start: number; readonly end: number; readonly kind: string };

/** In order and without overlaps. Of spans that overlap, the one that began first, or is the longer, names the whole. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (span.end <= span.start) continue;
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) merged.push(span);
    else if (span.end > last.end) merged[merged.length - 1] = { ...last, end: span.end };
  }
  return merged;
}
