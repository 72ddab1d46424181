// What an owner of the database can do to a log that somebody has a copy of, and what a verifier says to each of it.

import {
  type CopiedEntry,
  findingsOf,
  type KeptHashes,
  type LogCopy,
  type LogPin,
  placeOfChange,
  rehash,
  signAnew,
} from "../../log-copy.ts";

/** @param place where the history is another one from on */
export type Tampering = readonly [what: string, tampered: LogCopy, remembered: string | null, place: number];

/** Each is one that somebody with the database in hand could do. @param before the log's earlier state */
export function tamperings(before: LogCopy, after: LogCopy, pin: LogPin): readonly Tampering[] {
  const { entries } = after;
  // Of what was pruned there is nothing to edit.
  const kept = entries.findIndex(({ hash }) => hash === undefined);
  const middle = Math.floor((kept + before.entries.length) / 2);
  const [one, other] = [entries[middle], entries[middle + 1]];
  if (one === undefined || other === undefined) return [];
  const edited = { ...one, leaf: one.leaf.replace(/"commit":"./, (found) => flipLast(found)) };
  const change = (from: number, removed: number, ...added: readonly CopiedEntry[]): LogCopy => ({
    ...after,
    entries: entries.toSpliced(from, removed, ...added),
  });
  const { length } = entries;
  const inPlace: readonly (readonly [string, LogCopy, number])[] = [
    ["an edited entry", change(middle, 1, edited), middle],
    ["a deleted entry", change(middle, 1), middle],
    ["two entries in the other order", change(middle, 2, other, one), middle],
    // It stands twice then, and the second time is the first that is wrong.
    ["an inserted entry", change(middle, 0, one), middle + 1],
    ["an entry in another's place", change(middle, 1, other), middle],
    ["a tail that was cut off", change(length - 1, 1), length - 1],
    ["an entry at the end that nobody signed", change(length, 0, one), length],
  ];
  return [
    ...inPlace.map(([what, copy, place]) => [what, copy, null, place] as const),
    ...inPlace.map(
      ([what, copy, place]) => [`${what}, hashes made anew`, rehash(copy, pin), null, place] as const,
    ),
    ...inPlace.map(
      ([what, copy, place]) => [`${what}, signed by a stranger`, signAnew(copy, pin), null, place] as const,
    ),
    // A state that was signed once verifies by itself: only whoever remembers a later one finds out.
    ["a log set back to an earlier checkpoint", before, after.note, before.entries.length],
  ];
}

// The same character would be no edit.
const flipLast = (text: string): string => `${text.slice(0, -1)}${text.endsWith("0") ? "1" : "0"}`;

export type Verifier = {
  readonly findingsOf: typeof findingsOf;
  readonly placeOfChange: typeof placeOfChange;
};

export type Judged = {
  readonly what: string;
  readonly place: number;
  /** Where the verifier says that the change begins. */
  readonly named: number | null;
  readonly findings: readonly string[];
};

/** @param verifier the suite's own; a test puts worse ones in its place */
export const judgeTamperings = (
  attempts: readonly Tampering[],
  kept: KeptHashes,
  pin: LogPin,
  verifier: Verifier = { findingsOf, placeOfChange },
): readonly Judged[] =>
  attempts.map(([what, copy, remembered, place]) => ({
    what,
    place,
    named: verifier.placeOfChange(copy, kept, pin),
    findings: verifier.findingsOf(copy, pin, remembered).slice(0, 3),
  }));
