// Taking back what Harmony applied in this merge: the conflicted text comes back byte for byte, a person's edits stay.

import type { ContentId } from "../../ids.ts";
import {
  listConflicts,
  parseConflicts,
  renderConflicts,
  splitLines,
  type ConflictedText,
} from "./conflict.ts";
import { extractAnswers } from "./extract.ts";
import type { MergeSetting } from "./memory.ts";
import type { PendingFile } from "./pending.ts";
import { audit } from "./record.ts";
import type { Result } from "./result.ts";
import { ok } from "./result.ts";
import type { FileRefusal } from "./workspace.ts";

export type UndoneConflict = {
  readonly patternId: ContentId;
  /** Line of the conflict in the file as it was. */
  readonly line: number;
  /** `left`: the text at its place is no longer Harmony's, or its place is not certain. */
  readonly status: "restored" | "left";
};

type Restored = { readonly text: string; readonly restored: readonly boolean[] };

/** The file as Harmony alone left it: every place is known. */
function restoreUntouched(record: PendingFile, before: ConflictedText, now: string): Restored | null {
  const applied = record.conflicts.map((conflict) => conflict.applied ?? undefined);
  if (renderConflicts(before, applied) !== now) return null;
  return { text: record.before, restored: applied.map((text) => text !== undefined) };
}

/** A file edited since: only answers that stand unchanged at a certain place are taken back. */
function restoreAmongEdits(record: PendingFile, before: ConflictedText, now: string): Restored {
  const lines: (string | undefined)[] = splitLines(now);
  const conflicts = listConflicts(before);
  const restored = extractAnswers(before, now).map((found, index) => {
    const conflict = conflicts[index];
    const applied = record.conflicts[index]?.applied ?? null;
    if (conflict === undefined || applied === null || !found.certain || found.text !== applied) return false;
    // An answer of no lines stands before a line; the conflict comes back before it.
    const next = lines[found.from];
    const empty = found.from === found.to;
    for (let line = found.from; line < found.to; line += 1) lines[line] = "";
    lines[found.from] = empty ? conflict.raw + (next ?? "") : conflict.raw;
    return true;
  });
  return { text: lines.join(""), restored };
}

/**
 * In: the record of a file. Out: what became of each conflict that Harmony had answered; the file is written when some
 * came back. An undone answer is not given to this file again while its conflicts are the same.
 */
export async function undoFile(
  record: PendingFile,
  setting: MergeSetting,
): Promise<Result<readonly UndoneConflict[], FileRefusal>> {
  const { workspace } = setting;
  const before = parseConflicts(record.before, record.marker_size);
  const read = workspace.readText(record.path);
  if (!read.ok) return read;
  if (!before.ok) return ok([]);
  const { text, restored } =
    restoreUntouched(record, before.value, read.value) ?? restoreAmongEdits(record, before.value, read.value);
  const written = workspace.writeText(record.path, text, read.value);
  if (!written.ok) return written;
  const reports: UndoneConflict[] = [];
  const conflicts = record.conflicts.slice();
  for (const [index, conflict] of listConflicts(before.value).entries()) {
    const pending = conflicts[index];
    if (pending === undefined || pending.applied === null) continue;
    const place = { patternId: pending.pattern_id, line: conflict.line };
    if (restored[index] !== true) {
      reports.push({ ...place, status: "left" });
      continue;
    }
    conflicts[index] = { ...pending, applied: null, resolution_id: null, undone: true };
    const metadata = { path: record.path, line: conflict.line, resolution_id: pending.resolution_id };
    await audit("resolution_undone", pending.pattern_id, metadata, setting);
    reports.push({ ...place, status: "restored" });
  }
  if (reports.some(({ status }) => status === "restored"))
    workspace.savePending({ ...record, after: text, conflicts });
  return ok(reports);
}
