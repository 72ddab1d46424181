// Cuts a text into the pieces that are searched and shown by themselves.

/** Characters of one passage: a few paragraphs, so that twenty of them fit a prompt. */
export const PASSAGE_CHARS_MAX = 1_200;

/** What a passage repeats of the one before: a sentence that is cut in two can still be found whole. */
export const PASSAGE_OVERLAP_CHARS = 160;

/** Half-open range of UTF-16 code units of the text, and what stands there. */
export type CutPassage = { readonly start: number; readonly text: string };

/**
 * Ranges in order; together they cover the whole text, each begins inside or right after the one before, none splits a
 * surrogate pair, and none is longer than PASSAGE_CHARS_MAX. A cut falls where a paragraph, line, sentence or word
 * ends, the first of these that lies in the second half of the passage.
 */
export function cutPassages(text: string): readonly CutPassage[] {
  const passages: CutPassage[] = [];
  let start = 0;
  while (start < text.length) {
    const end = endOf(text, start);
    passages.push({ start, text: text.slice(start, end) });
    if (end >= text.length) break;
    start = nextStart(text, start, end);
  }
  return passages;
}

const ENDS: readonly RegExp[] = [/\n\s*\n/gu, /\n/gu, /[.!?。！？]\s/gu, /\s/gu];

function endOf(text: string, start: number): number {
  const furthest = start + PASSAGE_CHARS_MAX;
  if (furthest >= text.length) return text.length;
  const half = start + PASSAGE_CHARS_MAX / 2;
  const room = text.slice(half, furthest);
  for (const end of ENDS) {
    const last = [...room.matchAll(end)].at(-1);
    if (last !== undefined) return half + last.index + last[0].length;
  }
  return splitsPair(text, furthest) ? furthest - 1 : furthest;
}

// The overlap begins with a whole word where there is one.
function nextStart(text: string, start: number, end: number): number {
  const earliest = Math.max(start + 1, end - PASSAGE_OVERLAP_CHARS);
  const space = /\s/u.exec(text.slice(earliest, end));
  const next = space === null ? end : earliest + space.index + 1;
  return splitsPair(text, next) ? next + 1 : next;
}

const splitsPair = (text: string, at: number): boolean =>
  isBetween(text.charCodeAt(at - 1), 0xd800, 0xdbff) && isBetween(text.charCodeAt(at), 0xdc00, 0xdfff);

const isBetween = (unit: number, low: number, high: number): boolean => unit >= low && unit <= high;
