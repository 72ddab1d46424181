// A log that follows another goes on with the numbers of its subjects: the database gives them, and what it had of the earlier log
// when the later one began is known (`database_size`, in the later one's first entry). So the first number of a subject in the
// later log is the one behind the last that it had there. A restored backup takes numbers away, and they are given once more;
// what nothing takes away is not given twice, and none is left out.

import type { RunTable } from "./run-table.ts";
import type { SubjectVersions } from "./subject-versions.ts";
import type { LogFinding } from "./verify-source.ts";

/** With what a log goes on that followed another one. */
export type BegunLog = {
  readonly epoch: number;
  /** Subjects that did not begin in it, by their first number there, and what happened then (see `runEventOf`). */
  readonly continued: ReadonlyMap<string, FirstEvent>;
  /** Whether the subject is in it at all. */
  has(subject: string): boolean;
};

export type FirstEvent = { readonly version: number; readonly event: number; readonly index: number };

type Add = (finding: LogFinding) => void;

/** What an earlier log had when the next one began. */
export type EarlierSubjects = {
  readonly subjects: SubjectVersions;
  /** By which their states were followed. */
  readonly table: RunTable;
  /** All that the database had of it then is in this copy; else there may have been more. */
  readonly isExact: boolean;
};

/**
 * Holds what later logs go on with against what an earlier one had when the next one began.
 * @returns what of it the logs before this one have to answer for
 */
export function holdContinued(
  begun: readonly BegunLog[],
  { subjects, table, isExact }: EarlierSubjects,
  add: Add,
): readonly BegunLog[] {
  const known = new Set<string>();
  subjects.each((subject, last, state) => {
    // Several may have it, where what one of them had was lost before the next one began.
    for (const log of begun) {
      if (!log.has(subject)) continue;
      known.add(subject);
      checkNext(log, subject, log.continued.get(subject), { last, state, isExact, table }, add);
    }
  });
  return begun.map((log) => ({
    epoch: log.epoch,
    continued: new Map([...log.continued].filter(([subject]) => !known.has(subject))),
    has: (subject) => !known.has(subject) && log.has(subject),
  }));
}

type Before = Omit<EarlierSubjects, "subjects"> & { readonly last: number; readonly state: number };

function checkNext(
  { epoch }: BegunLog,
  subject: string,
  first: FirstEvent | undefined,
  { last, state, isExact, table }: Before,
  add: Add,
): void {
  const version = first?.version ?? 1;
  const at = first === undefined ? subject : `entry ${first.index} of log ${epoch}`;
  const said = `in epoch ${epoch}, ${subject} goes on with number ${version}`;
  if (version <= last)
    add({
      code: "version_repeated",
      at,
      detail: `${said}, and the log before it had number ${last} of it when the next one began`,
    });
  else if (version > last + 1 && isExact)
    add({
      code: "version_missing",
      at,
      detail: `${said}, and the log before it had no more than number ${last} of it when the next one began`,
    });
  else if (first !== undefined && isExact) {
    const why = table.whyNot(state, first.event);
    if (why === null) return;
    const detail = `in epoch ${epoch}, what happens to ${subject} cannot follow when it ${why}`;
    add({ code: "illegal_transition", at, detail });
  }
}

/** Of what is left when the first log of all was read: nothing came before it. */
export function nameUnbegun(left: readonly BegunLog[], add: Add): void {
  for (const { epoch, continued } of left)
    for (const [subject, { version, index }] of continued)
      add({
        code: "version_missing",
        at: `entry ${index} of log ${epoch}`,
        detail: `in epoch ${epoch}, ${subject} goes on with number ${version}, and no log before it has it`,
      });
}
