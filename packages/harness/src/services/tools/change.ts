// A change of one file: what an approver sees of it, what it rests on, and how it is carried out once and no more.

import type { StructuredPatch } from "diff";
// Past the package's own entry, which loads fifteen ways to compare that nobody asks for.
import { formatPatch, OMIT_HEADERS, structuredPatch } from "diff/lib/patch/create.js";
import { sha256Hex } from "../../base/digest.ts";
import { PREVIEW_CHARS_MAX, TOOL_FILE_BYTES_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import { parsePath, quotedPath } from "../../core/path/workspace-path.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Plan, ToolResult, Workspace } from "../../ports.ts";
import { readText } from "./text-file.ts";

/** Past as many changed lines the shortest difference takes too long to find; the whole file is shown replaced. */
const CHANGED_LINES_MAX = 2_000;

/** What the file is to become, from what it is (null: absent). Asked again when the change is carried out. */
export type Rewrite = (before: string | null) => Result<string, StepError>;

/** @param verb what the summary says where the file exists already: "Edit", "Replace" */
export async function planChange(
  workspace: Workspace,
  path: string,
  verb: string,
  rewrite: Rewrite,
): Promise<Result<Plan, StepError>> {
  const writable = parsePath(path, "write");
  if (!writable.ok) return writable;
  const before = await currentText(workspace, path);
  if (!before.ok) return before;
  const after = rewrite(before.value);
  if (!after.ok) return after;
  if (after.value === before.value)
    return err({
      code: "no_change",
      detail: `${quotedPath(path)} is already like that; nothing would change.`,
    });
  if (Buffer.byteLength(after.value) > TOOL_FILE_BYTES_MAX)
    return err({
      code: "file_too_large",
      detail: `${quotedPath(path)} would be larger than ${TOOL_FILE_BYTES_MAX} bytes.`,
    });
  const difference = differenceOf(before.value ?? "", after.value);
  const preview = previewOf(path, before.value === null, difference);
  if (preview.length > PREVIEW_CHARS_MAX)
    return err({
      code: "preview_too_large",
      detail: `The change is longer than ${PREVIEW_CHARS_MAX} characters; nobody could review it. Make it in parts.`,
    });
  return ok({
    summary: summaryOf(before.value === null ? "Create" : verb, path, difference),
    preview,
    precondition: preconditionOf(before.value, after.value),
  });
}

/**
 * Invariant 2: never writes twice. A file that already is what was approved is left alone; one that is neither that
 * nor what the approval rested on is not touched.
 */
export async function carryOut(
  workspace: Workspace,
  path: string,
  precondition: string | null,
  rewrite: Rewrite,
): Promise<Result<ToolResult, StepError>> {
  const expected = parsePrecondition(precondition);
  if (expected === null)
    return err({
      code: "precondition_invalid",
      detail: "The change was never planned: what it rests on is missing.",
    });
  const current = await currentText(workspace, path);
  if (!current.ok) return current;
  if (stateOf(current.value) === expected.after) return ok(DONE_BEFORE);
  if (stateOf(current.value) !== expected.before) return err(changedError(path));
  const after = rewrite(current.value);
  if (!after.ok) return after;
  // The arguments are not the ones that were planned.
  if (stateOf(after.value) !== expected.after) return err(changedError(path));
  const written = await workspace.write(path, new TextEncoder().encode(after.value));
  return written.ok ? ok(DONE) : written;
}

// Our own fixed words, with nothing of the file in them: reading them taints no run.
const DONE: ToolResult = { output: "Done: the file was written.", label: "trusted" };
const DONE_BEFORE: ToolResult = { output: "Done: the file is as it should be.", label: "trusted" };

async function currentText(workspace: Workspace, path: string): Promise<Result<string | null, StepError>> {
  const text = await readText(workspace, path);
  if (!text.ok && text.error.code === "not_found") return ok(null);
  return text;
}

// --- what a change rests on ------------------------------------------------------------------------------------

const PRECONDITION = /^(?<before>absent|sha256:[0-9a-f]{64})->(?<after>sha256:[0-9a-f]{64})$/u;

const stateOf = (text: string | null): string => (text === null ? "absent" : `sha256:${sha256Hex(text)}`);

// Both ends: after a crash the file may be changed already, and then its old content cannot be asked any more.
function preconditionOf(before: string | null, after: string): string {
  return `${stateOf(before)}->${stateOf(after)}`;
}

function parsePrecondition(text: string | null): { readonly before: string; readonly after: string } | null {
  const { before, after } = PRECONDITION.exec(text ?? "")?.groups ?? {};
  return before === undefined || after === undefined ? null : { before, after };
}

function changedError(path: string): StepError {
  return {
    code: "file_changed",
    detail: `${quotedPath(path)} has changed since this was planned; read it again and make a new call.`,
  };
}

// --- what an approver sees -------------------------------------------------------------------------------------

function differenceOf(before: string, after: string): StructuredPatch {
  const options = { context: 3, maxEditLength: CHANGED_LINES_MAX };
  return (
    structuredPatch("", "", before, after, undefined, undefined, options) ?? {
      oldFileName: "",
      newFileName: "",
      oldHeader: undefined,
      newHeader: undefined,
      hunks: [replacement(before, after)],
    }
  );
}

function replacement(before: string, after: string): StructuredPatch["hunks"][number] {
  const removed = signed("-", before);
  const added = signed("+", after);
  return {
    oldStart: 1,
    oldLines: count([...removed], "-"),
    newStart: 1,
    newLines: count([...added], "+"),
    lines: [...removed, ...added],
  };
}

function signed(sign: "+" | "-", text: string): readonly string[] {
  if (text === "") return [];
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n").map((line) => `${sign}${line}`);
  return text.endsWith("\n") ? lines : [...lines, "\\ No newline at end of file"];
}

function count(lines: readonly string[], sign: "+" | "-"): number {
  return lines.filter((line) => line.startsWith(sign)).length;
}

// File names as people read them and not quoted in octal, as git would: this is for eyes, `changes.patch` for git.
function previewOf(path: string, absent: boolean, difference: StructuredPatch): string {
  const name = visibleText(path);
  // An empty new file has no lines to show.
  const body = difference.hunks.length === 0 ? "" : visibleText(formatPatch(difference, OMIT_HEADERS));
  return `--- ${absent ? "/dev/null" : `a/${name}`}\n+++ b/${name}\n${body}`;
}

function summaryOf(verb: string, path: string, difference: StructuredPatch): string {
  const lines = difference.hunks.flatMap((hunk) => hunk.lines);
  const removed = count(lines, "-");
  const added = count(lines, "+");
  const parts = [
    ...(added > 0 || removed === 0 ? [`+${added}`] : []),
    ...(removed > 0 ? [`−${removed}`] : []),
  ];
  return `${verb} ${namedPath(path)} (${parts.join(" ")} lines)`;
}

// In full, and in quotation marks where it holds anything that could be taken for the rest of the sentence.
function namedPath(path: string): string {
  if (/^[\p{L}\p{N}._/@+-]+$/u.test(path)) return path;
  return `"${visibleText(path).replaceAll('"', '\\"')}"`;
}
