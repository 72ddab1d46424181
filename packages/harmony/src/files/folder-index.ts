// What a folder of records holds, kept in memory and checked against the folder at every look. It rebuilds itself and
// is never trusted over the files:
//  - names: every file that is added, removed or put in another's place (which is how all of our writers write, in any
//    process) changes the folder's own stat; when that changed, the names are read again, every file's stat is
//    compared, and those that are new or differ are read.
//  - content changed in place (by an editor, or an attacker): the stat of each file is compared. In a folder of up to
//    CHECKED_AT_ONCE files all of them, at every look; in a larger one that many at a time, round robin, so that a
//    change is seen within (files / CHECKED_AT_ONCE) looks. What a decision rests on is read by its id, never from here.
//  - a stat younger than the clock's granularity may hide a second change in the same tick, so it counts as unknown
//    until it is older than SETTLED_MS (git's "racily clean" entries).

import { HarmonyError } from "../errors.ts";
import { FOLDER_ENTRIES_MAX } from "../limits.ts";
import type { DurableFiles } from "./durable-files.ts";
import type { FileStat } from "./operations.ts";
import { SortedRecords } from "./sorted-records.ts";

const CHECKED_AT_ONCE = 2_048;
/** File systems stamp times by the kernel's tick (1 to 10 ms). */
const SETTLED_MS = 50;

const NO_BYTES = new Uint8Array(0);

type Entry<T> = { stat: FileStat | null; settled: boolean; record: T | null };

export type RecordFolder<T> = {
  readonly path: string;
  readonly namePattern: RegExp;
  readonly sizeBytesMax: number;
  /** That a file exists says everything: nothing is opened, and `decode` gets no bytes. */
  readonly namesOnly?: boolean;
  /** The record, or null for a file that is not one of ours: it is skipped. */
  readonly decode: (name: string, bytes: Uint8Array) => T | null;
  readonly compare: (a: T, b: T) => number;
};

const sameStat = (a: FileStat, b: FileStat): boolean =>
  a.inode === b.inode &&
  a.changedMs === b.changedMs &&
  a.modifiedMs === b.modifiedMs &&
  a.sizeBytes === b.sizeBytes &&
  a.device === b.device;

export class FolderIndex<T> {
  readonly #files: DurableFiles;
  readonly #folder: RecordFolder<T>;
  readonly #entries = new Map<string, Entry<T>>();
  #names: string[] = [];
  #stat: FileStat | null = null;
  #cursor = 0;
  readonly #records: SortedRecords<T>;

  constructor(files: DurableFiles, folder: RecordFolder<T>) {
    this.#files = files;
    this.#folder = folder;
    this.#records = new SortedRecords(folder.compare);
  }

  /** All records, sorted. The same array until something changes. Throws HarmonyError `too_many`, `untrusted_path`. */
  records(): readonly T[] {
    this.#refresh();
    return this.#records.all();
  }

  #refresh(): void {
    const stat = this.#files.hasFolder(this.#folder.path)
      ? this.#files.operations.statAt(this.#folder.path)
      : null;
    if (stat === null) {
      this.#keepOnly([]);
      this.#stat = null;
      return;
    }
    if (this.#stat !== null && sameStat(this.#stat, stat)) {
      this.#checkSome();
      return;
    }
    this.#stat = this.#readAgain(stat);
  }

  /** Compares every file; returns the folder's stat if a change since is sure to show in it, else null. */
  #readAgain(before: FileStat): FileStat | null {
    const { operations } = this.#files;
    let stat: FileStat | null = before;
    // Taken before the names are read: what changes while they are must count as later.
    let ageMs = operations.nowMs() - stat.changedMs;
    const isLarge = (count: number): boolean => ageMs <= SETTLED_MS && count > CHECKED_AT_ONCE;
    // In a large folder it is worth waiting until the times can be believed, for else the next look would compare every
    // file once more. That it is large is known from before, or else from its names.
    const names = isLarge(this.#names.length) ? null : this.#readNames();
    if (isLarge(names?.length ?? this.#names.length)) {
      operations.pause(Math.min(SETTLED_MS, SETTLED_MS - ageMs) + 1);
      stat = operations.statAt(this.#folder.path);
      ageMs = operations.nowMs() - (stat?.changedMs ?? 0);
      this.#keepOnly(this.#readNames());
    } else this.#keepOnly(names ?? []);
    for (const name of this.#names) this.#look(name);
    return ageMs > SETTLED_MS ? stat : null;
  }

  #readNames(): string[] {
    const names = this.#files.operations.names(this.#folder.path, FOLDER_ENTRIES_MAX) ?? [];
    if (names.length > FOLDER_ENTRIES_MAX) {
      throw new HarmonyError(
        "too_many",
        `${this.#folder.path} holds more than ${FOLDER_ENTRIES_MAX} entries`,
        {
          path: this.#folder.path,
        },
      );
    }
    return names.filter((name) => this.#entries.has(name) || this.#folder.namePattern.test(name));
  }

  #keepOnly(names: string[]): void {
    const kept = new Set(names);
    for (const name of this.#entries.keys()) {
      if (!kept.has(name)) this.#set(name, null);
    }
    this.#names = names;
  }

  #checkSome(): void {
    const count = Math.min(CHECKED_AT_ONCE, this.#names.length);
    for (let i = 0; i < count; i += 1) {
      this.#cursor = (this.#cursor + 1) % this.#names.length;
      const name = this.#names[this.#cursor];
      if (name !== undefined) this.#look(name);
    }
  }

  #set(name: string, entry: Entry<T> | null): void {
    const before = this.#entries.get(name)?.record ?? null;
    if (before !== null) this.#records.remove(before);
    if (entry === null) this.#entries.delete(name);
    else this.#entries.set(name, entry);
    if (entry !== null && entry.record !== null) this.#records.add(entry.record);
  }

  #look(name: string): void {
    if (this.#folder.namesOnly === true) {
      if (this.#entries.has(name)) return;
      this.#set(name, { stat: null, settled: true, record: this.#folder.decode(name, NO_BYTES) });
      return;
    }
    const path = `${this.#folder.path}/${name}`;
    const stat = this.#files.operations.statAt(path);
    const entry = this.#entries.get(name);
    if (stat === null) {
      if (entry !== undefined) this.#set(name, null);
      return;
    }
    if (entry?.settled === true && entry.stat !== null && sameStat(entry.stat, stat)) return;
    const settled = this.#files.operations.nowMs() - stat.changedMs > SETTLED_MS;
    const bytes = stat.kind === "file" ? this.#files.read(path, this.#folder.sizeBytesMax) : null;
    const record = bytes === null ? null : this.#folder.decode(name, bytes);
    this.#set(name, { stat, settled, record });
  }
}
