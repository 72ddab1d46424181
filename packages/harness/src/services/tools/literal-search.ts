/**
 * Where a text occurs in another, overlapping occurrences included, up to a limit; in code units.
 * Knuth, Morris and Pratt: time is linear in both lengths whatever they hold. `indexOf` may take their product, and
 * both come from whoever writes the files and the queries.
 */
export function findOccurrences(text: string, wanted: string, limit: number): readonly number[] {
  // Before anything is made for it: of a file that is searched line by line each may be shorter than what is wanted.
  if (wanted === "" || wanted.length > text.length) return [];
  const found: number[] = [];
  const back = fallbacks(wanted);
  let matched = 0;
  for (let at = 0; at < text.length && found.length < limit; at += 1) {
    const unit = text.charCodeAt(at);
    while (matched > 0 && wanted.charCodeAt(matched) !== unit) matched = back[matched - 1] ?? 0;
    if (wanted.charCodeAt(matched) === unit) matched += 1;
    if (matched === wanted.length) {
      found.push(at - wanted.length + 1);
      matched = back[matched - 1] ?? 0;
    }
  }
  return found;
}

// For each prefix: the length of its longest proper border, where the search goes on after a mismatch.
function fallbacks(wanted: string): Uint32Array {
  const back = new Uint32Array(wanted.length);
  let border = 0;
  for (let at = 1; at < wanted.length; at += 1) {
    while (border > 0 && wanted.charCodeAt(border) !== wanted.charCodeAt(at)) border = back[border - 1] ?? 0;
    if (wanted.charCodeAt(border) === wanted.charCodeAt(at)) border += 1;
    back[at] = border;
  }
  return back;
}
