// Resolutions as files, one folder for each pattern, so that an exact answer costs the same among ten patterns and ten
// million. A revocation is a file of its own beside the answer, which can be created only once and which no count
// written at the same time can undo; whatever stands at its name, the answer is no longer given.

import * as z from "zod";
import { HarmonyError } from "../errors.ts";
import { longId, parseId } from "../ids.ts";
import { RESOLUTION_SIZE_BYTES_MAX } from "../limits.ts";
import { patternResolutionsDir, resolutionPath, resolutionsDir, revocationPath } from "../paths.ts";
import { AgentProvenance, provenanceSchema } from "../provenance.ts";
import { experienced, Resolution, type Experience } from "../resolutions.ts";
import { parseTimestamp, type Timestamp } from "../timestamps.ts";
import type { DurableFiles } from "./durable-files.ts";
import { FolderWatch } from "./folder-watch.ts";
import { withHold } from "./hold.ts";
import { decodeRecord, encodeRecord, idOfName, inTheWay, RECORD_NAME } from "./record-codec.ts";

/** Answers to one question that are looked at. More cannot be of use, and bound what a planted folder costs. */
const ANSWERS_MAX = 1_000;
const REVOCATION_SIZE_BYTES_MAX = 16_384;
const REVOCATION_NAME = /^[0-9a-f]{64}\.revoked\.json$/;
const PATTERN_FOLDER_NAME = /^[0-9a-f]{64}$/;
/** An unreadable revocation revokes all the same, from the beginning of time. */
const UNREADABLE_SINCE = "0001-01-01T00:00:00.000000+00:00";

const revocationSchema = z.object({
  resolution_id: z.string(),
  revoked_at: z.string(),
  revoked_by: provenanceSchema,
  revoked_reason: z.string(),
});
type Revocation = { resolutionId: string; at: Timestamp; by: AgentProvenance | null; reason: string };

function revocationFromJson(value: unknown): Revocation {
  const parsed = revocationSchema.safeParse(value);
  if (!parsed.success) throw new HarmonyError("invalid_record", "not a revocation");
  return {
    resolutionId: parsed.data.resolution_id,
    at: parseTimestamp(parsed.data.revoked_at),
    by: AgentProvenance.fromJSON(parsed.data.revoked_by),
    reason: parsed.data.revoked_reason,
  };
}

const fromJson = (json: unknown): Resolution => Resolution.fromJSON(json);
const withoutRevocation = (resolution: Resolution): Resolution =>
  resolution.with({ revokedAt: null, revokedBy: null, revokedReason: null });

/** Which questions have answers. */
export type Answers = {
  /** Whether it ever had one; tells without opening anything. @param name its id without the kind */
  mayHave(name: string): boolean;
  /** Whether it has one in force. */
  has(patternId: string): boolean;
};

export class ResolutionFiles {
  readonly #files: DurableFiles;
  readonly #folders: FolderWatch;
  /** Questions that have a folder of answers, by its name. */
  readonly #answered = new Set<string>();
  readonly #names: string[] = [];

  constructor(files: DurableFiles) {
    this.#files = files;
    this.#folders = new FolderWatch(
      files,
      {
        path: resolutionsDir(files.root),
        namePattern: PATTERN_FOLDER_NAME,
        sizeBytesMax: 0,
        namesOnly: true,
      },
      {
        put: (slot, name) => {
          this.#names[slot] = name;
          this.#answered.add(name);
        },
        drop: (slot) => void this.#answered.delete(this.#names[slot] ?? ""),
      },
    );
  }

  /** As it is now. Throws HarmonyError `too_many`, `untrusted_path`. */
  answers(): Answers {
    this.#folders.refresh();
    return {
      mayHave: (name) => this.#answered.has(name),
      has: (patternId) => this.list(patternId).some(({ revokedAt }) => revokedAt === null),
    };
  }

  save(resolution: Resolution): boolean {
    const { root } = this.#files;
    // What was revoked is kept in its own file only.
    const bytes = encodeRecord(withoutRevocation(resolution), RESOLUTION_SIZE_BYTES_MAX, fromJson);
    const { patternId, resolutionId } = resolution;
    const path = resolutionPath(root, patternId, resolutionId);
    if (this.#files.create(patternResolutionsDir(root, patternId), path, bytes)) return true;
    if (this.load(patternId, resolutionId) === null && this.#files.operations.statAt(path) !== null)
      throw inTheWay(path, "this answer");
    return false;
  }

  load(patternId: string, resolutionId: string): Resolution | null {
    const { root } = this.#files;
    const path = resolutionPath(root, patternId, resolutionId);
    if (!this.#files.hasFolder(patternResolutionsDir(root, patternId))) return null;
    return this.#read(path, patternId, parseId(resolutionId, "resolution_id"));
  }

  #read(path: string, patternId: string, resolutionId: string): Resolution | null {
    const bytes = this.#files.read(path, RESOLUTION_SIZE_BYTES_MAX);
    if (bytes === null) return null;
    const isNamed = (r: Resolution): boolean => r.patternId === patternId && r.resolutionId === resolutionId;
    const stored = decodeRecord(bytes, fromJson, isNamed);
    return stored === null ? null : this.#withRevocation(stored);
  }

  #withRevocation(stored: Resolution): Resolution {
    const revocation = this.#revocation(stored);
    if (revocation === null) return stored;
    return stored.with({
      revokedAt: revocation.at,
      revokedBy: revocation.by,
      revokedReason: revocation.reason,
    });
  }

  #revocation(resolution: Resolution): Revocation | null {
    const path = revocationPath(this.#files.root, resolution.patternId, resolution.resolutionId);
    if (this.#files.operations.statAt(path) === null) return null;
    const bytes = this.#files.read(path, REVOCATION_SIZE_BYTES_MAX);
    const isNamed = (r: Revocation): boolean => r.resolutionId === resolution.resolutionId;
    const revocation = bytes === null ? null : decodeRecord(bytes, revocationFromJson, isNamed);
    const unreadable = {
      reason: "the revocation cannot be read",
      by: null,
      at: parseTimestamp(UNREADABLE_SINCE),
    };
    return revocation ?? { resolutionId: resolution.resolutionId, ...unreadable };
  }

  list(patternId: string): readonly Resolution[] {
    const folder = patternResolutionsDir(this.#files.root, patternId);
    return this.#namesOf(patternId).flatMap(
      (name) => this.#read(`${folder}/${name}`, patternId, idOfName(name)) ?? [],
    );
  }

  /** The paths of what stands among the answers to a pattern and is none: half of a merge by git, a later version's, a link. */
  unreadable(patternId: string): readonly string[] {
    const folder = patternResolutionsDir(this.#files.root, patternId);
    return this.#namesOf(patternId).flatMap((name) => {
      const path = `${folder}/${name}`;
      if (this.#read(path, patternId, idOfName(name)) !== null) return [];
      // One that is forgotten at this moment was read no more, and is not there.
      return this.#files.operations.statAt(path) === null ? [] : [path];
    });
  }

  #namesOf(patternId: string): readonly string[] {
    const folder = patternResolutionsDir(this.#files.root, patternId);
    if (!this.#files.hasFolder(folder)) return [];
    const names = this.#files.operations.names(folder, 2 * ANSWERS_MAX) ?? [];
    if (names.length > 2 * ANSWERS_MAX) {
      throw new HarmonyError("too_many", `${folder} holds too many entries`, { path: folder });
    }
    return names.filter((name) => RECORD_NAME.test(name)).toSorted();
  }

  addExperience(
    patternId: string,
    resolutionId: string,
    experience: Experience,
    actor: AgentProvenance,
    at: Date | string,
  ): Resolution | null {
    const moment = parseTimestamp(at);
    if (this.load(patternId, resolutionId) === null) return null;
    return withHold(this.#files, longId(resolutionId, { strip: true }), () => {
      const stored = this.load(patternId, resolutionId);
      if (stored === null) return null;
      const next = experienced(stored, experience, actor, moment);
      const bytes = encodeRecord(withoutRevocation(next), RESOLUTION_SIZE_BYTES_MAX, fromJson);
      const { root } = this.#files;
      this.#files.replace(
        patternResolutionsDir(root, patternId),
        resolutionPath(root, patternId, resolutionId),
        bytes,
      );
      return next;
    });
  }

  revoke(
    patternId: string,
    resolutionId: string,
    actor: AgentProvenance,
    at: Date | string,
    reason: string,
  ): Resolution | null {
    const { root } = this.#files;
    if (this.load(patternId, resolutionId) === null) return null;
    const json = {
      resolution_id: parseId(resolutionId, "resolution_id"),
      revoked_at: parseTimestamp(at),
      revoked_by: actor.toJSON(),
      revoked_reason: reason,
    };
    const bytes = encodeRecord(json, REVOCATION_SIZE_BYTES_MAX, revocationFromJson);
    this.#files.create(
      patternResolutionsDir(root, patternId),
      revocationPath(root, patternId, resolutionId),
      bytes,
    );
    return this.load(patternId, resolutionId);
  }

  /** A resolution whose pattern is not at hand, by looking through the folders; null when unknown. */
  find(resolutionId: string): Resolution | null {
    const { root, operations } = this.#files;
    const id = parseId(resolutionId, "resolution_id");
    if (!this.#files.hasFolder(resolutionsDir(root))) return null;
    const folders = operations.names(resolutionsDir(root), Number.MAX_SAFE_INTEGER) ?? [];
    const patternIds = folders
      .filter((name) => PATTERN_FOLDER_NAME.test(name))
      .map((name) => `sha256:${name}`);
    const holder = patternIds.find(
      (patternId) => operations.statAt(resolutionPath(root, patternId, id)) !== null,
    );
    return holder === undefined ? null : this.load(holder, id);
  }

  /** Removes all answers to a pattern; returns how many files. */
  removeAll(patternId: string): number {
    const folder = patternResolutionsDir(this.#files.root, patternId);
    if (!this.#files.hasFolder(folder)) return 0;
    const removed = this.#empty(folder);
    this.#files.syncFolder(resolutionsDir(this.#files.root));
    return removed;
  }

  /** Removes every answer there is; returns how many. */
  clear(): number {
    const { root, operations } = this.#files;
    if (!this.#files.hasFolder(resolutionsDir(root))) return 0;
    const names = operations.names(resolutionsDir(root), Number.MAX_SAFE_INTEGER) ?? [];
    const folders = names
      .filter((name) => PATTERN_FOLDER_NAME.test(name))
      .map((name) => patternResolutionsDir(root, `sha256:${name}`))
      .filter((folder) => this.#files.hasFolder(folder));
    const removed = folders.reduce((sum, folder) => sum + this.#empty(folder), 0);
    // Once for all: a folder that is gone for good takes what was in it along.
    this.#files.syncFolder(resolutionsDir(root));
    return removed;
  }

  /** Takes the answers out of a folder, and the folder away; that it is away is for the caller to make durable. */
  #empty(folder: string): number {
    const { operations } = this.#files;
    const names = operations.names(folder, Number.MAX_SAFE_INTEGER) ?? [];
    const answers = names.filter((name) => RECORD_NAME.test(name));
    const removed = answers.filter((name) => operations.unlink(`${folder}/${name}`)).length;
    const revocations = names.filter((name) => REVOCATION_NAME.test(name));
    // Revocations after the answers, so that a crash in between leaves no revoked answer in force.
    if (revocations.length > 0) this.#files.syncFolder(folder);
    for (const name of revocations) operations.unlink(`${folder}/${name}`);
    if (!operations.removeFolder(folder)) this.#files.syncFolder(folder);
    return removed;
  }
}
