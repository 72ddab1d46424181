// The numbers of a log's subjects, one behind the other, and what happens to runs, by the table of their transitions; from one log
// of a tenant to the next as well.

import { type BegunLog, type FirstEvent, holdContinued, nameUnbegun } from "./begun-log.ts";
import type { Hole } from "./pruning.ts";
import type { LeafLayout } from "./leaf-layout.ts";
import { kindOfEvent, runEventOf } from "./run-events.ts";
import { createRunTable } from "./run-table.ts";
import { createSubjectVersions } from "./subject-versions.ts";
import type { LogFinding } from "./verify-source.ts";

/** The same bytes, as text and as words. */
export type Held = { readonly bytes: Buffer; readonly view: DataView };

export type VersionChecks = {
  /** @returns what has happened to a run, see `runEventOf` */
  check(layout: LeafLayout, held: Held, from: number, index: number): number;
  /** Whether what happened to the run cannot have, as far as the kinds of its entries tell. */
  wasIllegal(): boolean;
  nameIllegal(layout: LeafLayout, held: Held, from: number, index: number, event: number): void;
  /** Of these entries nothing is known: what comes next may be any number of its subject. */
  forget(hole: Hole): void;
  /** After the last entry. @returns see `LeafTotals` */
  end(): readonly BegunLog[];
};

/** Of what follows nothing is known. */
const NEVER = -1;

type Known = { readonly begun?: readonly BegunLog[]; readonly kept?: number };

export function createVersionChecks(
  epoch: number,
  { begun = [], kept = NEVER }: Known,
  add: (finding: LogFinding) => void,
): VersionChecks {
  let beginsAnywhere = epoch > 1;
  let table = createRunTable(beginsAnywhere);
  let subjects = createSubjectVersions(table);
  const isLater = epoch > 1;
  let isWhole = true;
  const continued = new Map<string, FirstEvent>();
  let left: readonly BegunLog[] | null = null;
  let reached = 0;
  const hold = (isExact: boolean): void => {
    left = holdContinued(begun, { subjects, table, isExact }, add);
  };
  return {
    check(layout, { bytes, view }, from, index): number {
      // What this log has from here on the database had not when the next one began.
      if (index === kept && left === null) hold(true);
      reached = index + 1;
      const version = versionOf(layout, bytes, from);
      const subjectAt = from + layout.subjectAt;
      const subjectEnd = from + layout.subjectEnd;
      const event = runEventOf(view, subjectAt, from + layout.kindAt, from + layout.kindEnd);
      const last = subjects.exchange(bytes, subjectAt, subjectEnd, version, event);
      if (last === 0 && isLater && isWhole && version > 1)
        continued.set(textOf(bytes, subjectAt, subjectEnd), { version, event, index });
      if (version === last + 1 || (last === 0 && beginsAnywhere)) return event;
      const expected = last + 1;
      add({
        code: version < expected ? "version_repeated" : "version_missing",
        at: `entry ${index}`,
        detail: `it is number ${version} of ${textOf(bytes, subjectAt, subjectEnd)}, after number ${last}: entries were ${version < expected ? "inserted or moved" : "removed or moved"}`,
      });
      return event;
    },
    wasIllegal: () => subjects.wasIllegal(),
    nameIllegal({ subjectAt, subjectEnd }, { bytes }, from, index, event): void {
      const run = textOf(bytes, from + subjectAt, from + subjectEnd);
      const why = table.whyNot(subjects.stateBefore(), event);
      add({
        code: "illegal_transition",
        at: `entry ${index}`,
        detail: `in epoch ${epoch}, no ${kindOfEvent(event)} can follow when ${run} ${why}`,
      });
    },
    forget({ first, end }): void {
      if (left === null && kept !== NEVER && kept <= end) hold(kept <= first);
      reached = end;
      isWhole = false;
      if (!beginsAnywhere) table = createRunTable(true);
      beginsAnywhere = true;
      subjects = createSubjectVersions(table);
    },
    end(): readonly BegunLog[] {
      if (left === null && kept !== NEVER) hold(reached === kept);
      const rest = left ?? begun;
      // Whoever has all of the first log has all that there was.
      if (!isLater && isWhole && kept !== NEVER && kept <= reached) nameUnbegun(rest, add);
      return isLater && isWhole
        ? [{ epoch, continued, has: (subject) => subjects.has(subject) }, ...rest]
        : [];
    },
  };
}

const ZERO = 0x30;

function versionOf({ versionAt, length }: LeafLayout, bytes: Uint8Array, from: number): number {
  let version = 0;
  // The last byte is the closing brace.
  for (let i = from + versionAt; i < from + length - 1; i += 1)
    version = version * 10 + (bytes[i] ?? ZERO) - ZERO;
  return version;
}

const textOf = (bytes: Buffer, from: number, to: number): string => bytes.toString("latin1", from, to);
