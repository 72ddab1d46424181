// Patterns as files, and the index that finds those of the same shape.

import { longId, parseId } from "../ids.ts";
import { PATTERN_SIZE_BYTES_MAX } from "../limits.ts";
import { patternPath, patternsDir } from "../paths.ts";
import {
  comparePatterns,
  patternFromJson,
  patternToJson,
  sighted,
  type ConflictPattern,
} from "../patterns.ts";
import type { PatternFilter } from "../store.ts";
import type { DurableFiles } from "./durable-files.ts";
import { FolderIndex } from "./folder-index.ts";
import { withHold } from "./hold.ts";
import { decodeRecord, encodeRecord, idOfName, RECORD_NAME } from "./record-codec.ts";

const decode = (name: string, bytes: Uint8Array): ConflictPattern | null =>
  decodeRecord(bytes, patternFromJson, (pattern) => pattern.patternId === idOfName(name));

export class PatternFiles {
  readonly #files: DurableFiles;
  readonly #index: FolderIndex<ConflictPattern>;

  constructor(files: DurableFiles) {
    this.#files = files;
    this.#index = new FolderIndex(files, {
      path: patternsDir(files.root),
      namePattern: RECORD_NAME,
      sizeBytesMax: PATTERN_SIZE_BYTES_MAX,
      decode,
      compare: comparePatterns,
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

  all(): readonly ConflictPattern[] {
    return this.#index.records();
  }

  list(filter: PatternFilter = {}): readonly ConflictPattern[] {
    const matches = (pattern: ConflictPattern): boolean =>
      (filter.domain === undefined || pattern.domain === filter.domain) &&
      (filter.scope === undefined || pattern.scope === filter.scope) &&
      (filter.conflictType === undefined || pattern.conflictType === filter.conflictType) &&
      (filter.semanticFingerprint === undefined ||
        pattern.semanticFingerprint === filter.semanticFingerprint);
    return this.all().filter(matches).slice(0, filter.limit);
  }

  remove(patternId: string): boolean {
    return this.#files.remove(patternsDir(this.#files.root), patternPath(this.#files.root, patternId));
  }
}
