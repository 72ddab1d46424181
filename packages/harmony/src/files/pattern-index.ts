// What is needed to find patterns without reading them all again: of each one its time, whose it is, and the signature of
// its tokens, in columns of numbers. What is handed out is read from its own file (or was, and is kept as long as the
// file's stat is the same), and compared by what that file says: this index can miss something, never answer for a file.

import { comparePatterns, type ConflictPattern } from "../patterns.ts";
import { SIMILARITY_MIN, similarityOf } from "../similarity/likeness.ts";
import { SignatureIndex, type Described } from "../similarity/signature-index.ts";
import type { PatternFilter } from "../store.ts";
import type { DurableFiles } from "./durable-files.ts";
import type { Answers } from "./resolution-files.ts";
import { FolderWatch, type FolderSink, type WatchedFolder } from "./folder-watch.ts";

export type Neighbour = { readonly pattern: ConflictPattern; readonly similarity: number };

export type PatternFolder = WatchedFolder & {
  readonly decode: (name: string, bytes: Uint8Array) => ConflictPattern | null;
  /** Bytes of files whose patterns are kept as they are, so that small memories need no second reading. */
  readonly keptBytesMax: number;
};

type Group = Pick<ConflictPattern, "scope" | "domain" | "conflictType">;
type Kept = { readonly pattern: ConflictPattern; readonly sizeBytes: number };

const SLOTS_INITIAL = 64;
/** No pattern: the slot is free, or its file is not one of ours. */
const NOTHING = -1;

export class PatternIndex {
  readonly #files: DurableFiles;
  readonly #folder: PatternFolder;
  readonly #watch: FolderWatch;
  readonly #signatures: SignatureIndex = new SignatureIndex();
  readonly #groups: Group[] = [];
  readonly #groupNumbers = new Map<string, number>();
  readonly #kept = new Map<number, Kept>();
  #keptBytes = 0;
  #groupAt: Int32Array = new Int32Array(SLOTS_INITIAL).fill(NOTHING);
  /** Time of recording, as milliseconds and the microseconds beyond them: no double holds both for every year. */
  #recordedMs: Float64Array = new Float64Array(SLOTS_INITIAL);
  #recordedMicros: Uint16Array = new Uint16Array(SLOTS_INITIAL);
  #newestFirst: Int32Array | null = null;

  constructor(files: DurableFiles, folder: PatternFolder) {
    this.#files = files;
    this.#folder = folder;
    const sink: FolderSink = {
      put: (slot, name, bytes) => this.#put(slot, bytes === null ? null : folder.decode(name, bytes), bytes),
      drop: (slot) => this.#put(slot, null, null),
    };
    this.#watch = new FolderWatch(files, folder, sink);
  }

  /** Newest first. Throws HarmonyError `too_many`, `untrusted_path`. */
  list(filter: PatternFilter = {}): readonly ConflictPattern[] {
    this.#watch.refresh();
    const limit = filter.limit ?? Number.POSITIVE_INFINITY;
    const found: ConflictPattern[] = [];
    for (const slot of this.#slotsNewestFirst()) {
      if (found.length >= limit) break;
      const group = this.#groups[this.#groupAt[slot] ?? NOTHING];
      if (group === undefined || !isMeant(group, filter)) continue;
      const pattern = this.#load(slot);
      if (pattern !== null && isMeant(pattern, filter) && hasShape(pattern, filter)) found.push(pattern);
    }
    return found;
  }

  /**
   * At most `count` patterns like this one that have an answer in force, without itself, best first: those without any take
   * nobody's place. Throws as `list`.
   */
  neighboursOf(pattern: ConflictPattern, count: number, answers: Answers): readonly Neighbour[] {
    this.#watch.refresh();
    const met = new Map<number, ConflictPattern>();
    const isMeant = (slot: number): boolean => answers.mayHave(idNameOf(this.#watch.nameOf(slot) ?? ""));
    const exact = (slot: number): number | null => {
      const other = this.#load(slot);
      if (other === null || other.patternId === pattern.patternId || !isOfGroup(other, pattern)) return null;
      met.set(slot, other);
      return similarityOf(pattern, other);
    };
    const accepts = (slot: number): boolean => answers.has(met.get(slot)?.patternId ?? "");
    const older = (a: number, b: number): number => this.#compare(b, a);
    const search = { count, similarityMin: SIMILARITY_MIN, isMeant, exact, accepts, older };
    return this.#signatures
      .query(this.#describe(pattern), search)
      .flatMap(({ owner, similarity }) => {
        const other = met.get(owner);
        return other === undefined ? [] : [{ pattern: other, similarity }];
      })
      .toSorted((a, b) => b.similarity - a.similarity || comparePatterns(a.pattern, b.pattern));
  }

  #load(slot: number): ConflictPattern | null {
    const kept = this.#kept.get(slot);
    if (kept !== undefined) return kept.pattern;
    const name = this.#watch.nameOf(slot);
    if (name === null) return null;
    const bytes = this.#files.read(`${this.#folder.path}/${name}`, this.#folder.sizeBytesMax);
    return bytes === null ? null : this.#folder.decode(name, bytes);
  }

  #put(slot: number, pattern: ConflictPattern | null, bytes: Uint8Array | null): void {
    while (slot >= this.#groupAt.length) this.#grow();
    this.#release(slot);
    if (pattern === null || bytes === null) {
      if (this.#groupAt[slot] !== NOTHING) this.#newestFirst = null;
      this.#groupAt[slot] = NOTHING;
      this.#signatures.remove(slot);
      return;
    }
    if (this.#keptBytes + bytes.length <= this.#folder.keptBytesMax) {
      this.#kept.set(slot, { pattern, sizeBytes: bytes.length });
      this.#keptBytes += bytes.length;
    }
    const described = this.#describe(pattern);
    const ms = Date.parse(`${pattern.recordedAt.slice(0, 23)}Z`);
    const micros = Number(pattern.recordedAt.slice(23, 26));
    const isPlaced = this.#recordedMs[slot] === ms && this.#recordedMicros[slot] === micros;
    // Seen again, it stands where it stood: to sort a million costs more than a second.
    if (this.#groupAt[slot] === NOTHING || !isPlaced) this.#newestFirst = null;
    this.#groupAt[slot] = described.group;
    this.#recordedMs[slot] = ms;
    this.#recordedMicros[slot] = micros;
    this.#signatures.add(slot, described);
  }

  #release(slot: number): void {
    this.#keptBytes -= this.#kept.get(slot)?.sizeBytes ?? 0;
    this.#kept.delete(slot);
  }

  #describe({ scope, domain, conflictType, tokens, semanticFingerprint }: ConflictPattern): Described {
    const key = JSON.stringify([scope, domain, conflictType]);
    let group = this.#groupNumbers.get(key);
    if (group === undefined) {
      group = this.#groups.push({ scope, domain, conflictType }) - 1;
      this.#groupNumbers.set(key, group);
    }
    return { group, tokens, shape: semanticFingerprint };
  }

  #slotsNewestFirst(): Int32Array {
    this.#newestFirst ??= Int32Array.from({ length: this.#watch.slotCount }, (_, slot) => slot)
      .filter((slot) => (this.#groupAt[slot] ?? NOTHING) !== NOTHING)
      .toSorted((a, b) => this.#compare(a, b));
    return this.#newestFirst;
  }

  /** As `comparePatterns`: the name of a pattern's file begins with its id. */
  #compare(a: number, b: number): number {
    const byMs = (this.#recordedMs[b] ?? 0) - (this.#recordedMs[a] ?? 0);
    if (byMs !== 0) return byMs;
    const byMicros = (this.#recordedMicros[b] ?? 0) - (this.#recordedMicros[a] ?? 0);
    if (byMicros !== 0) return byMicros;
    const [first, second] = [this.#watch.nameOf(a) ?? "", this.#watch.nameOf(b) ?? ""];
    return first < second ? -1 : Number(first > second);
  }

  #grow(): void {
    const length = 2 * this.#groupAt.length;
    const groupAt = new Int32Array(length).fill(NOTHING);
    groupAt.set(this.#groupAt);
    const recordedMs = new Float64Array(length);
    recordedMs.set(this.#recordedMs);
    const recordedMicros = new Uint16Array(length);
    recordedMicros.set(this.#recordedMicros);
    this.#groupAt = groupAt;
    this.#recordedMs = recordedMs;
    this.#recordedMicros = recordedMicros;
  }
}

/** Of a pattern's file: the hexadecimal digits of its id. */
const idNameOf = (name: string): string => name.slice(0, name.indexOf("."));

const isOfGroup = (a: Group, b: Group): boolean =>
  a.scope === b.scope && a.domain === b.domain && a.conflictType === b.conflictType;

const isMeant = (group: Group, { scope, domain, conflictType }: PatternFilter): boolean =>
  (domain === undefined || group.domain === domain) &&
  (scope === undefined || group.scope === scope) &&
  (conflictType === undefined || group.conflictType === conflictType);

const hasShape = (pattern: ConflictPattern, { semanticFingerprint }: PatternFilter): boolean =>
  semanticFingerprint === undefined || pattern.semanticFingerprint === semanticFingerprint;
