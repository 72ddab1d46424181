// The outcome for a person, as tables, and for a program, as JSON with a stable schema.

import type { ConflictReport, FileReport } from "./answer-file.ts";
import type { RankedCandidate } from "./candidate.ts";
import { splitLines } from "./conflict.ts";
import { visible } from "../../visible.ts";
import type { LearnedFile, MergeReport, UndoneFile } from "./merge.ts";
import type { ImportReport } from "./rr-cache.ts";

/** Lines of a candidate shown to a person; the whole text is in the JSON. */
const PREVIEW_LINES_MAX = 4;
const PREVIEW_COLUMNS_MAX = 100;

function preview(text: string, indent: string): string[] {
  const lines = splitLines(text);
  const shown = lines.slice(0, PREVIEW_LINES_MAX).map((line) => {
    return `${indent}| ${visible(line.replace(/\r?\n$/u, "")).slice(0, PREVIEW_COLUMNS_MAX)}`;
  });
  if (lines.length === 0) return [`${indent}(no lines)`];
  return lines.length > PREVIEW_LINES_MAX
    ? [...shown, `${indent}… ${lines.length - PREVIEW_LINES_MAX} more`]
    : shown;
}

const percent = (share: number): string => `${Math.round(share * 100)}%`;

function who({ provenance, decidedAt }: Pick<ConflictReport, "provenance" | "decidedAt">): string {
  if (provenance === null) return "";
  const name =
    provenance.principalId ?? provenance.agentId ?? (provenance.type === "human" ? "a person" : "an agent");
  return decidedAt === null ? name : `${name}, ${decidedAt.slice(0, 10)}`;
}

/** Columns as wide as their widest cell, two spaces apart. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function details(conflict: ConflictReport): string[] {
  const dropped = conflict.dropped.map(({ side, text }) => {
    return `        drops ${side === "ours" ? "our line" : "their line"}: ${visible(text.replace(/\r?\n$/u, ""))}`;
  });
  const candidates = conflict.candidates.flatMap(({ confidence, reasons, text }, index) => [
    `        ${index + 1}. ${percent(confidence)}  ${visible(reasons.join("; "))}`,
    ...preview(text, "           "),
  ]);
  return [...dropped, ...candidates];
}

function describeFile(file: FileReport): string[] {
  if (file.status === "refused") {
    const { refusal } = file;
    return [
      `${visible(file.path)}${"line" in refusal ? `:${refusal.line}` : ""}: ${refusal.reason.replaceAll("_", " ")}`,
    ];
  }
  if (file.status === "clean") return [`${visible(file.path)}: no conflicts`];
  const applied = file.conflicts.filter(({ status }) => status === "applied").length;
  const rows = table([
    ["LINE", "STATUS", "CONFIDENCE", "DECIDED BY", "REASON"],
    ...file.conflicts.map((conflict) => [
      String(conflict.line),
      conflict.status,
      conflict.confidence === null ? "" : percent(conflict.confidence),
      visible(who(conflict)),
      visible(conflict.explanation),
    ]),
  ]);
  const body = file.conflicts.flatMap((conflict, index) => [`  ${rows[index + 1]}`, ...details(conflict)]);
  return [`${visible(file.path)}: ${applied} of ${file.conflicts.length} resolved`, `  ${rows[0]}`, ...body];
}

function describeLearned(files: readonly LearnedFile[]): string[] {
  return files.flatMap((file) => {
    if (file.refusal !== null)
      return [`${visible(file.path)}: nothing learned: ${file.refusal.reason.replaceAll("_", " ")}`];
    return file.conflicts
      .filter(({ status }) => status !== "known")
      .map(({ line, status, reason }) => {
        const why = reason === null ? "" : `: ${reason.replaceAll("_", " ")}`;
        return `${visible(file.path)}:${line}: ${status}${why}`;
      });
  });
}

/** Lines for a person. */
export function describeMerge({ files, learned }: MergeReport): string[] {
  return [...describeLearned(learned), ...files.flatMap(describeFile)];
}

export function describeLearning(files: readonly LearnedFile[]): string[] {
  const lines = describeLearned(files);
  return lines.length > 0 ? lines : ["nothing to learn"];
}

export function describeUndo(files: readonly UndoneFile[]): string[] {
  const lines = files.flatMap((file) => {
    if (file.refusal !== null)
      return [`${visible(file.path)}: nothing undone: ${file.refusal.reason.replaceAll("_", " ")}`];
    return file.conflicts.map(({ line, status }) => {
      const left = status === "left" ? ": edited since, left as it is" : "";
      return `${visible(file.path)}:${line}: ${status}${left}`;
    });
  });
  return lines.length > 0 ? lines : ["nothing to undo"];
}

export function describeImport({ entries, imported, known, skipped }: ImportReport): string[] {
  return [`${entries} entries read: ${imported} answers imported, ${known} known, ${skipped} skipped`];
}

function candidateJson(candidate: RankedCandidate): object {
  return {
    text: candidate.text,
    makers: candidate.makers,
    reasons: candidate.reasons,
    confidence: candidate.confidence,
    resolution_id: candidate.resolutionId,
    provenance: candidate.provenance,
    resolved_at: candidate.resolvedAt,
  };
}

function conflictJson(conflict: ConflictReport): object {
  return {
    line: conflict.line,
    pattern_id: conflict.patternId,
    status: conflict.status,
    reason: conflict.reason,
    explanation: conflict.explanation,
    strategy: conflict.strategy,
    text: conflict.text,
    confidence: conflict.confidence,
    provenance: conflict.provenance,
    decided_at: conflict.decidedAt,
    resolution_id: conflict.resolutionId,
    policy_id: conflict.policyId,
    escalation_id: conflict.escalationId,
    dropped: conflict.dropped,
    candidates: conflict.candidates.map(candidateJson),
  };
}

function fileJson(file: FileReport): object {
  if (file.status === "refused")
    return { path: file.path, status: file.status, refusal: file.refusal, conflicts: [] };
  return { path: file.path, status: file.status, refusal: null, conflicts: file.conflicts.map(conflictJson) };
}

function learnedJson(file: LearnedFile): object {
  if (file.refusal !== null) return { path: file.path, refusal: file.refusal, conflicts: [] };
  const conflicts = file.conflicts.map((conflict) => ({
    line: conflict.line,
    pattern_id: conflict.patternId,
    status: conflict.status,
    reason: conflict.reason,
    resolution_id: conflict.resolutionId,
    escalations_resolved: conflict.escalationsResolved,
  }));
  return { path: file.path, refusal: null, conflicts };
}

function undoneJson(file: UndoneFile): object {
  if (file.refusal !== null) return { path: file.path, refusal: file.refusal, conflicts: [] };
  const conflicts = file.conflicts.map(({ line, patternId, status }) => ({
    line,
    pattern_id: patternId,
    status,
  }));
  return { path: file.path, refusal: null, conflicts };
}

/** Every key is always present; a newer version may add keys, and `schema` changes when one changes its meaning. */
export type MergeJson = {
  readonly schema: "assent.harmony/merge/v1";
  readonly files: readonly object[];
  readonly learned: readonly object[];
  readonly undone: readonly object[];
  readonly imported: ImportReport | null;
};

/** One JSON document for whatever the command did. */
export function mergeJson(done: {
  readonly merged?: MergeReport;
  readonly learned?: readonly LearnedFile[];
  readonly undone?: readonly UndoneFile[];
  readonly imported?: ImportReport;
}): MergeJson {
  return {
    schema: "assent.harmony/merge/v1",
    files: done.merged?.files.map(fileJson) ?? [],
    learned: (done.learned ?? done.merged?.learned ?? []).map(learnedJson),
    undone: (done.undone ?? []).map(undoneJson),
    imported: done.imported ?? null,
  };
}

/** The document of a command that could not be carried out as typed; the same for every command of `harmony`. */
export function usageJson(message: string): object {
  return { schema: "assent.harmony/error/v1", error: { code: "usage", message } };
}
