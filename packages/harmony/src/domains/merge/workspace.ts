// The port to the work tree and to the merge domain's own notes. One implementation on files (fs-workspace.ts).

import type { ContentId } from "../../ids.ts";
import type { Outcome } from "./experience.ts";
import type { ConflictTexts } from "./fingerprint.ts";
import type { UnmergedPath } from "./git.ts";
import type { PendingFile } from "./pending.ts";
import type { DecidedPlace } from "./reach.ts";
import type { Result } from "./result.ts";

export type FileRefusal = {
  readonly reason:
    | "not_found"
    | "not_a_file" // a folder, a link, a device
    | "outside" // not below the repository
    | "too_large"
    | "not_utf8"
    | "modify_delete" // one side changed it, the other deleted it: there is no text to merge
    | "changed_meanwhile"; // somebody wrote the file between our reading and writing it
};

export interface MergeWorkspace {
  /** In: a path as the person typed it. Out: relative to the repository, with `/`; equal files have equal paths. */
  locate(file: string): Result<string, FileRefusal>;
  /** In: a located path. Out: the file's text, exactly (a byte order mark stays a character). */
  readText(path: string): Result<string, FileRefusal>;
  /** Replaces the file in one step, keeping its mode, and only while it still holds `expected`. */
  writeText(path: string, text: string, expected: string): Result<null, FileRefusal>;
  /** `conflict-marker-size` of a path; undefined where nobody says. */
  markerSizeOf(path: string): number | undefined;
  /** Paths that git holds for unmerged; undefined where there is no git. */
  listUnmerged(): readonly UnmergedPath[] | undefined;

  /** The commit being merged now; null where no merge is under way, undefined where there is no git. */
  commitBeingMerged(): string | null | undefined;
  /** The merge or the whole rebase under way, the same at all of its stops; null where nothing is, or git is not. */
  session(): string | null;
  /** The commit merged into; null where git does not say. */
  head(): string | null;
  /** True when that commit has become part of the current branch. */
  isMerged(commit: string): boolean;
  /** The folder of git's own memory; undefined where there is no git. */
  rrCacheFolder(): string | undefined;

  loadPending(path: string): PendingFile | null;
  savePending(pending: PendingFile): void;
  dropPending(path: string): boolean;
  listPending(): readonly PendingFile[];

  /** The texts of a conflict that came up, kept for likeness; null where they were too large. */
  loadTexts(patternId: ContentId): ConflictTexts | null;
  saveTexts(patternId: ContentId, texts: ConflictTexts): void;

  /** Where people stood by answers to this conflict, oldest first. */
  listPlaces(patternId: ContentId): readonly DecidedPlace[];
  addPlace(patternId: ContentId, place: DecidedPlace): void;

  /** Drops the texts and places of a conflict. */
  forget(patternId: ContentId): void;
  /** Drops every note: texts, places, pending files, experience. */
  clear(): void;

  loadOutcomes(): readonly Outcome[];
  appendOutcome(outcome: Outcome): void;
}
