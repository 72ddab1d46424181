// Patterns as files, found by id, by what they are of, and by likeness.

import { longId, parseId } from "../ids.ts";
import { PATTERN_SIZE_BYTES_MAX } from "../limits.ts";
import { patternPath, patternsDir } from "../paths.ts";
import { patternFromJson, patternToJson, sighted, type ConflictPattern } from "../patterns.ts";
import type { PatternFilter } from "../store.ts";
import type { DurableFiles } from "./durable-files.ts";
import { withHold } from "./hold.ts";
import { PatternIndex, type Neighbour } from "./pattern-index.ts";
import { decodeRecord, encodeRecord, idOfName, RECORD_NAME } from "./record-codec.ts";
import type { Answers } from "./resolution-files.ts";

/** About 20,000 patterns of the usual size; they take three times as much in memory. */
const KEPT_BYTES_MAX = 33_554_432;

const decode = (name: string, bytes: Uint8Array): ConflictPattern | null =>
  decodeRecord(bytes, patternFromJson, (pattern) => pattern.patternId === idOfName(name));

export class PatternFiles {
  readonly #files: DurableFiles;
  readonly #index: PatternIndex;

  constructor(files: DurableFiles, keptBytesMax: number = KEPT_BYTES_MAX) {
    this.#files = files;
    this.#index = new PatternIndex(files, {
      path: patternsDir(files.root),
      namePattern: RECORD_NAME,
      sizeBytesMax: PATTERN_SIZE_BYTES_MAX,
      decode,
      keptBytesMax,
    });
  }

  record(pattern: ConflictPattern): boolean {
    const { root } = this.#files;
    const path = patternPath(root, pattern.patternId);
    const stored = this.load(pattern.patternId);
    if (stored === null) {
      const bytes = encodeRecord(patternToJson(pattern), PATTERN_SIZE_BYTES_MAX, patternFromJson);
      if (this.#files.create(patternsDir(root), path, bytes)) return true;
    } else if (sighted(stored, pattern) === null) return false;
    withHold(this.#files, longId(pattern.patternId, { strip: true }), () => {
      const now = this.load(pattern.patternId);
      const next = now === null ? null : sighted(now, pattern);
      if (next !== null) {
        this.#files.replace(
          patternsDir(root),
          path,
          encodeRecord(patternToJson(next), PATTERN_SIZE_BYTES_MAX, patternFromJson),
        );
      }
    });
    return false;
  }

  load(patternId: string): ConflictPattern | null {
    const { root } = this.#files;
    const id = parseId(patternId, "pattern_id");
    if (!this.#files.hasFolder(patternsDir(root))) return null;
    const bytes = this.#files.read(patternPath(root, id), PATTERN_SIZE_BYTES_MAX);
    return bytes === null ? null : decode(`${longId(id, { strip: true })}.json`, bytes);
  }

  list(filter: PatternFilter = {}): readonly ConflictPattern[] {
    return this.#index.list(filter);
  }

  /** Answered patterns of the same scope, domain and type that are like this one, best first, without itself. */
  neighboursOf(pattern: ConflictPattern, count: number, answers: Answers): readonly Neighbour[] {
    return this.#index.neighboursOf(pattern, count, answers);
  }

  remove(patternId: string): boolean {
    return this.#files.remove(patternsDir(this.#files.root), patternPath(this.#files.root, patternId));
  }
}
