// Which classes of data a run holds, from what the harness saw: its workspace, and what its tools returned. They only
// ever become more.

import { isToolStep, type Journal } from "../run/journal.ts";
import type { ModelSettings } from "./settings.ts";

/** The class of everything that nobody vouches for. */
export const UNTRUSTED = "untrusted";

export function dataClassesOf(
  { data }: Pick<ModelSettings, "data">,
  workspace: string | null,
  journal: Journal,
): ReadonlySet<string> {
  const classes = new Set<string>(workspace === null ? [] : classesIn(data.workspaces, workspace));
  for (const step of journal) {
    // A call that was refused told nothing but our own words; one that failed may quote anybody.
    if (!isToolStep(step) || (step.outcome === null && step.state !== "failed")) continue;
    for (const name of classesIn(data.tools, step.request.action.tool)) classes.add(name);
    if ((step.outcome?.label ?? UNTRUSTED) === UNTRUSTED) classes.add(UNTRUSTED);
  }
  return classes;
}

const classesIn = (table: Readonly<Record<string, readonly string[]>>, name: string): readonly string[] =>
  Object.hasOwn(table, name) ? (table[name] ?? []) : [];
