/** Exact Jaccard similarity of two token sets, 0 to 1; two empty sets are equal. */
export function jaccardOf(a: Iterable<string>, b: Iterable<string>): number {
  const left = new Set(a);
  const right = new Set(b);
  const shared = [...left].filter((word) => right.has(word)).length;
  const union = left.size + right.size - shared;
  return union === 0 ? 1 : shared / union;
}
