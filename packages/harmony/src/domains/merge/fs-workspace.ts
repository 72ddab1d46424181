// The work tree and the merge domain's notes under `.muse/harmony/merge/`:
//   files/<sha256 of path>.json   pending files       texts/<pattern>.json   base, ours, theirs
//   places/<pattern>.jsonl        one line for each place where a person stood by an answer
//   experience.jsonl              one line for each decided conflict: appended, so that clones merge it by union

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import * as z from "zod";
import { parseBoundedJson } from "../../bounded-json.ts";
import { HarmonyError } from "../../errors.ts";
import { isId, splitId, type ContentId } from "../../ids.ts";
import { harmonyDir } from "../../paths.ts";
import {
  codeOf,
  decode,
  drop,
  ensureFolder,
  isBelow,
  MISSING,
  readBytes,
  readJson,
  readTail,
  realFolder,
  replaceFile,
} from "./bounded-files.ts";
import type { Outcome } from "./experience.ts";
import { conflictSizeBytes, type ConflictTexts } from "./fingerprint.ts";
import * as git from "./git.ts";
import * as limits from "./limits.ts";
import { readPending, type PendingFile } from "./pending.ts";
import type { DecidedPlace } from "./reach.ts";
import { ok, refuse, type Result } from "./result.ts";
import type { FileRefusal, MergeWorkspace } from "./workspace.ts";

const side = z.string().max(limits.REMEMBERED_TEXT_BYTES_MAX);
const textsSchema = z.strictObject({ base: side.nullable(), ours: side, theirs: side });
const words = z.array(z.string().max(limits.SITUATION_WORD_LENGTH_MAX)).max(limits.SITUATION_WORDS_MAX);
const label = z.string().max(limits.PATH_LENGTH_MAX);
const outcomeSchema = z.strictObject({
  version: z.literal(2),
  path: label,
  oursLabel: label,
  theirsLabel: label,
  merge: label,
  traits: z.string().max(limits.SITUATION_WORD_LENGTH_MAX),
  texts: z.array(words).max(limits.SITUATION_TEXTS_MAX),
  right: z.int().min(0).nullable(),
});

const placeSchema = z.strictObject({
  resolution_id: z.custom<ContentId>(isId),
  path: label,
  merge: label,
});

export class FsMergeWorkspace implements MergeWorkspace {
  readonly #root: string;
  readonly #cwd: string;
  readonly #notes: string;

  /** In: the folder that holds `.muse`, and the folder that typed paths are relative to. */
  constructor(root: string, cwd: string = root) {
    this.#root = fs.realpathSync(root);
    this.#cwd = cwd;
    this.#notes = join(harmonyDir(this.#root), "merge");
  }

  locate(file: string): Result<string, FileRefusal> {
    const typed = resolve(this.#cwd, file);
    let folder: string;
    try {
      folder = fs.realpathSync(dirname(typed));
    } catch (error) {
      if (MISSING.includes(codeOf(error))) return refuse({ reason: "not_found" });
      throw error;
    }
    const path = relative(this.#root, join(folder, typed.slice(dirname(typed).length)))
      .split(sep)
      .join("/");
    const inside =
      path !== "" && path !== ".." && !path.startsWith("../") && path.length <= limits.PATH_LENGTH_MAX;
    if (!inside) return refuse({ reason: "outside" });
    const exists = fs.lstatSync(join(this.#root, path), { throwIfNoEntry: false }) !== undefined;
    return exists ? ok(path) : refuse({ reason: "not_found" });
  }

  readText(path: string): Result<string, FileRefusal> {
    const bytes = readBytes(this.#fileAt(path), limits.FILE_SIZE_BYTES_MAX);
    if (bytes === null) return refuse({ reason: "not_found" });
    if (bytes === "other") return refuse({ reason: "not_a_file" });
    if (bytes === "too_large") return refuse({ reason: "too_large" });
    const text = decode(bytes);
    return text === null ? refuse({ reason: "not_utf8" }) : ok(text);
  }

  writeText(path: string, text: string, expected: string): Result<null, FileRefusal> {
    const now = this.readText(path);
    if (!now.ok) return now;
    if (now.value !== expected) return refuse({ reason: "changed_meanwhile" });
    const file = this.#fileAt(path);
    if (text !== expected) replaceFile(file, Buffer.from(text, "utf8"), fs.lstatSync(file).mode & 0o777);
    return ok(null);
  }

  markerSizeOf(path: string): number | undefined {
    return git.markerSizeOfPath(this.#root, path);
  }

  listUnmerged(): readonly git.UnmergedPath[] | undefined {
    return git.listUnmergedPaths(this.#root);
  }

  commitBeingMerged(): string | null | undefined {
    return git.commitBeingMerged(this.#root);
  }

  session(): string | null {
    return git.sessionOf(this.#root);
  }

  head(): string | null {
    return git.headOf(this.#root);
  }

  isMerged(commit: string): boolean {
    return git.isMerged(this.#root, commit);
  }

  rrCacheFolder(): string | undefined {
    const folder = git.rrCacheFolder(this.#root);
    return folder === undefined ? undefined : resolve(this.#root, folder);
  }

  loadPending(path: string): PendingFile | null {
    const pending = readPending(readJson(this.#pendingAt(path), limits.PENDING_SIZE_BYTES_MAX));
    return pending?.path === path ? pending : null;
  }

  savePending(pending: PendingFile): void {
    // Precedents are for every clone, a file in the middle of one's merge for nobody else.
    const ignore = join(this.#notes, "files", ".gitignore");
    if (!fs.existsSync(ignore)) this.#write(ignore, "*\n");
    this.#write(this.#pendingAt(pending.path), JSON.stringify(pending));
  }

  dropPending(path: string): boolean {
    return drop(this.#pendingAt(path));
  }

  listPending(): readonly PendingFile[] {
    const folder = join(this.#notes, "files");
    const names = fs.existsSync(folder) ? fs.readdirSync(folder).toSorted() : [];
    if (names.length > limits.PENDING_FILES_MAX)
      throw new HarmonyError("too_many", "too many conflicted files");
    return names
      .filter((name) => /^[0-9a-f]{64}\.json$/u.test(name))
      .flatMap((name) => {
        const pending = readPending(readJson(join(folder, name), limits.PENDING_SIZE_BYTES_MAX));
        // A record under another name than its path's was put there by somebody else.
        return pending !== null && this.#pendingAt(pending.path) === join(folder, name) ? [pending] : [];
      })
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  loadTexts(patternId: ContentId): ConflictTexts | null {
    const parsed = textsSchema.safeParse(
      readJson(this.#textsAt(patternId), 8 * limits.REMEMBERED_TEXT_BYTES_MAX),
    );
    return parsed.success ? parsed.data : null;
  }

  saveTexts(patternId: ContentId, texts: ConflictTexts): void {
    if (conflictSizeBytes(texts) > limits.REMEMBERED_TEXT_BYTES_MAX || this.loadTexts(patternId) !== null)
      return;
    const { base, ours, theirs } = texts;
    this.#write(this.#textsAt(patternId), JSON.stringify({ base, ours, theirs }));
  }

  listPlaces(patternId: ContentId): readonly DecidedPlace[] {
    const text = readTail(this.#placesAt(patternId), limits.PLACES_SIZE_BYTES_MAX);
    return text.split("\n").flatMap((line) => {
      const parsed = placeSchema.safeParse(parseLine(line));
      return parsed.success ? [parsed.data] : [];
    });
  }

  addPlace(patternId: ContentId, place: DecidedPlace): void {
    this.#append(this.#placesAt(patternId), place);
  }

  forget(patternId: ContentId): void {
    drop(this.#textsAt(patternId));
    drop(this.#placesAt(patternId));
  }

  clear(): void {
    if (fs.lstatSync(this.#notes, { throwIfNoEntry: false }) === undefined) return;
    // Through a link, other people's files would be removed.
    ensureFolder(this.#root, this.#notes);
    fs.rmSync(this.#notes, { recursive: true });
  }

  loadOutcomes(): readonly Outcome[] {
    const path = join(this.#notes, "experience.jsonl");
    const bytes = readTail(path, limits.EXPERIENCE_SIZE_BYTES_MAX);
    // A line that is no outcome (a torn last line, a merge marker, a stranger's) tells nothing and harms nothing.
    const outcomes = bytes.split("\n").flatMap((line) => {
      const parsed = outcomeSchema.safeParse(parseLine(line));
      return parsed.success ? [parsed.data] : [];
    });
    return outcomes.slice(-limits.OUTCOMES_MAX);
  }

  appendOutcome(outcome: Outcome): void {
    this.#append(join(this.#notes, "experience.jsonl"), outcome);
  }

  #fileAt(path: string): string {
    const file = join(this.#root, ...path.split("/"));
    // A pending record names paths too; whoever wrote it cannot lead us out of the repository, not even by a link.
    if (path.split("/").includes("..") || !isBelow(this.#root, dirname(file))) {
      throw new HarmonyError("untrusted_path", "a path leads out of the repository");
    }
    // What git obeys lies there, and no file of a merge. Some file systems know no case.
    const places = [
      path,
      relative(this.#root, realFolder(dirname(file)))
        .split(sep)
        .join("/"),
    ];
    if (places.some((place) => place.toLowerCase().split("/").includes(".git"))) {
      throw new HarmonyError("untrusted_path", "a path leads into git's own folder");
    }
    return file;
  }

  #pendingAt(path: string): string {
    return join(this.#notes, "files", `${createHash("sha256").update(path, "utf8").digest("hex")}.json`);
  }

  #textsAt(patternId: ContentId): string {
    return join(this.#notes, "texts", `${splitId(patternId)[1]}.json`);
  }

  #placesAt(patternId: ContentId): string {
    return join(this.#notes, "places", `${splitId(patternId)[1]}.jsonl`);
  }

  #append(path: string, line: object): void {
    ensureFolder(this.#root, dirname(path));
    const flags =
      fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW;
    const handle = fs.openSync(path, flags, 0o644);
    try {
      // One write with O_APPEND, a line end before it as well: a line that a crash tore never swallows the next one.
      fs.writeSync(handle, `\n${JSON.stringify(line)}\n`);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
  }

  #write(path: string, text: string): void {
    ensureFolder(this.#root, dirname(path));
    replaceFile(path, Buffer.from(text, "utf8"), 0o644);
  }
}

function parseLine(line: string): unknown {
  if (line === "") return null;
  try {
    return parseBoundedJson(Buffer.from(line, "utf8"));
  } catch (error) {
    if (error instanceof HarmonyError) return null;
    throw error;
  }
}
