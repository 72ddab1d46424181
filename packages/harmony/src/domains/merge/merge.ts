// What `harmony merge` does, without a command line: learn from what was decided, answer what is open, undo, import.

import { answerFile, type FileReport } from "./answer-file.ts";
import { Experience } from "./experience.ts";
import { learnFile, type LearnedConflict, type LearningRun } from "./learn-file.ts";
import type { MergeSetting } from "./memory.ts";
import type { PendingFile } from "./pending.ts";
import { undoFile, type UndoneConflict } from "./undo-file.ts";
import type { FileRefusal } from "./workspace.ts";

export type LearnedFile =
  | { readonly path: string; readonly refusal: FileRefusal }
  | { readonly path: string; readonly refusal: null; readonly conflicts: readonly LearnedConflict[] };

export type UndoneFile =
  | { readonly path: string; readonly refusal: FileRefusal }
  | { readonly path: string; readonly refusal: null; readonly conflicts: readonly UndoneConflict[] };

export type MergeReport = { readonly files: readonly FileReport[]; readonly learned: readonly LearnedFile[] };

/** Days after which a file that nobody came back to is no longer learned from or undone. */
const PENDING_AGE_DAYS_MAX = 60;
const DAY_MS = 86_400_000;

/**
 * `decidable`: what stands in the file can be a decision about this conflict, for its merge is under way or was
 * concluded. After `git merge --abort` the file holds our side again, and nobody has decided for it.
 */
type Progress = "under_way" | "decidable";

function dropStale(setting: MergeSetting): void {
  const oldest = new Date(setting.now()).getTime() - PENDING_AGE_DAYS_MAX * DAY_MS;
  for (const { path, seen_at } of setting.workspace.listPending()) {
    // A time that cannot be read is older than any.
    if (!(Date.parse(seen_at) >= oldest)) setting.workspace.dropPending(path);
  }
}

/** The records of these files, or (null) of all whose merge has come so far. */
function recordsOf(
  paths: readonly string[] | null,
  progress: Progress,
  { workspace }: MergeSetting,
): PendingFile[] {
  if (paths !== null) return [...new Set(paths)].flatMap((path) => workspace.loadPending(path) ?? []);
  const current = workspace.commitBeingMerged();
  const merged = new Map<string, boolean>();
  const head = workspace.head();
  return workspace.listPending().filter(({ merging, onto }) => {
    if (current === undefined) return true;
    if (merging === null) return false;
    if (merging === current && (onto === null || onto === head)) return true;
    if (progress === "under_way") return false;
    // Merged into another branch, or aborted there: what this one's file holds is no decision about it.
    if (onto !== null && !workspace.isMerged(onto)) return false;
    if (merging === current) return false;
    const known = merged.get(merging) ?? workspace.isMerged(merging);
    merged.set(merging, known);
    return known;
  });
}

async function learnFrom(
  records: readonly PendingFile[],
  run: LearningRun,
  setting: MergeSetting,
): Promise<LearnedFile[]> {
  const learned: LearnedFile[] = [];
  for (const record of records) {
    const { path } = record;
    const read = setting.workspace.readText(path);
    if (!read.ok) learned.push({ path, refusal: read.refusal });
    else if (read.value === record.before) learned.push({ path, refusal: null, conflicts: [] });
    else learned.push({ path, refusal: null, conflicts: await learnFile(record, read.value, run, setting) });
  }
  return learned;
}

const newRun = ({ workspace }: MergeSetting): LearningRun => ({
  counted: new Set(),
  experience: new Experience(workspace.loadOutcomes()),
});

/** Learns from the named files, or (null) from every file whose merge is under way or concluded. */
export async function learnMerge(
  paths: readonly string[] | null,
  setting: MergeSetting,
): Promise<readonly LearnedFile[]> {
  return await learnFrom(recordsOf(paths, "decidable", setting), newRun(setting), setting);
}

/**
 * Answers the conflicts of these files, in order. First it learns from every file of this merge that a person has
 * changed meanwhile, so that what was decided in one file answers the next.
 */
export async function answerMerge(
  paths: readonly string[],
  setting: MergeSetting,
  options: { readonly dryRun: boolean },
): Promise<MergeReport> {
  const run = newRun(setting);
  let learned: LearnedFile[] = [];
  if (!options.dryRun) {
    dropStale(setting);
    // What Harmony wrote and nobody touched is not yet anybody's decision: it is learned when asked for, or changed.
    const changed = recordsOf(null, "decidable", setting).filter((record) => {
      const read = setting.workspace.readText(record.path);
      return read.ok && read.value !== record.after;
    });
    learned = await learnFrom(changed, run, setting);
  }
  const { experience } = run;
  const merging = setting.workspace.commitBeingMerged() ?? null;
  const session = setting.workspace.session();
  const onto = setting.workspace.head();
  const files: FileReport[] = [];
  const oneSided = new Set(
    (setting.workspace.listUnmerged() ?? []).flatMap(({ path, sides }) => (sides < 2 ? [path] : [])),
  );
  for (const path of new Set(paths)) {
    // Such a file has no markers, and without them would look resolved.
    if (oneSided.has(path)) files.push({ path, status: "refused", refusal: { reason: "modify_delete" } });
    else files.push(await answerFile(path, { ...options, experience, merging, session, onto }, setting));
  }
  return { files, learned };
}

/** Takes back what Harmony applied in the named files, or (null) in every file of the merge under way. */
export async function undoMerge(
  paths: readonly string[] | null,
  setting: MergeSetting,
): Promise<readonly UndoneFile[]> {
  const undone: UndoneFile[] = [];
  for (const record of recordsOf(paths, "under_way", setting)) {
    const result = await undoFile(record, setting);
    if (result.ok) undone.push({ path: record.path, refusal: null, conflicts: result.value });
    else undone.push({ path: record.path, refusal: result.refusal });
  }
  return undone;
}
