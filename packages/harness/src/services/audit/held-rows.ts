// Rows that are held against what events say of them, one by one: those that no event knows, that are other than it is said, and that are
// gone.

import type { LogFinding } from "../../core/audit/verify-source.ts";
import type { ExactTime } from "../../ports.ts";

export type HeldRows = {
  readonly held: number;
  /** Of how many of them an older event tells less. */
  readonly loose: number;
  /** Not held, or not in all of it, since an event that may have said so was erased or pruned. */
  readonly erased: number;
  readonly findings: readonly LogFinding[];
};

type Holding<R, T> = {
  /** What a row is called, such as `webhook`. */
  readonly name: string;
  /** What the events say that rows are, by their ids. */
  readonly told: ReadonlyMap<string, T>;
  /** When events were recorded of which nobody can tell any more what they said was made. */
  readonly erasedMaking: ReadonlySet<ExactTime>;
  readonly isLoose: (told: T) => boolean;
  /** What of a row is another than it is said, and whether something of it may be so by an event that was erased. */
  readonly compare: (
    row: R,
    told: T,
  ) => { readonly others: readonly string[]; readonly mayBeErased: boolean };
};

export function holdRows<R extends { readonly id: string; readonly createdAt: ExactTime }, T>(
  rows: readonly R[],
  { name, told, erasedMaking, isLoose, compare }: Holding<R, T>,
): HeldRows {
  const findings: LogFinding[] = [];
  const counts = { held: 0, loose: 0, erased: 0 };
  for (const row of rows) {
    const known = told.get(row.id);
    if (known === undefined && erasedMaking.has(row.createdAt)) counts.erased += 1;
    else if (known === undefined)
      findings.push({ code: "row_added", at: row.id, detail: "no event says that it was made" });
    else {
      counts.held += 1;
      if (isLoose(known)) counts.loose += 1;
      const { others, mayBeErased } = compare(row, known);
      if (mayBeErased) counts.erased += 1;
      for (const other of others)
        findings.push({
          code: "row_altered",
          at: row.id,
          detail: `its ${other} is another than the events say`,
        });
    }
  }
  const ids = new Set(rows.map(({ id }) => id));
  for (const id of told.keys())
    if (!ids.has(id))
      findings.push({
        code: "row_removed",
        at: id,
        detail: `an event is about it, and there is no such ${name}`,
      });
  return { ...counts, findings };
}
