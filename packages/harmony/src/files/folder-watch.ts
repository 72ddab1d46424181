// Which files a folder holds and when each was last changed, checked against the folder at every look and never trusted
// over it:
//  - names: every file that is added, removed or put in another's place (which is how all of our writers write, in any
//    process) changes the folder's own stat; when that changed, the names are read again, every file's stat is
//    compared, and those that are new or differ are read.
//  - content changed in place (by an editor, or an attacker): the stat of each file is compared. In a folder of up to
//    CHECKED_AT_ONCE files all of them, at every look; in a larger one that many at a time, round robin, so that a
//    change is seen within (files / CHECKED_AT_ONCE) looks. What a decision rests on is read by its id, never from here.
//  - a stat younger than the clock's granularity may hide a second change in the same tick, so it counts as unknown
//    until it is older than SETTLED_MS (git's "racily clean" entries).
// Comparing every file after a change is most of what a listing then costs, and cannot be saved: that a folder changed
// does not say which of its names was put in another's place. The inode numbers of the names would (Node does not tell
// them); a journal of our own writers would not, for others write here too (git, editors, an attacker).
// A file takes a place in columns of numbers, not objects: a million files are told apart in 200 MB, names included.

import { HarmonyError } from "../errors.ts";
import { FOLDER_ENTRIES_MAX } from "../limits.ts";
import type { DurableFiles } from "./durable-files.ts";
import type { FileStat } from "./operations.ts";

const CHECKED_AT_ONCE = 2_048;
/** File systems stamp times by the kernel's tick (1 to 10 ms). */
const SETTLED_MS = 50;
const SLOTS_INITIAL = 64;
/** Inode, time of change, time of modification, size. */
const STAT_COLUMNS = 4;

const NO_BYTES = new Uint8Array(0);

export type WatchedFolder = {
  readonly path: string;
  readonly namePattern: RegExp;
  readonly sizeBytesMax: number;
  /** That a file exists says everything: nothing is opened, and `put` gets no bytes. */
  readonly namesOnly?: boolean;
};

/** What is told about files, each by its slot: a small number that is its own while it is there. */
export type FolderSink = {
  /** A file that is new or was changed. Bytes are null where nothing that stands there could be a record. */
  put(slot: number, name: string, bytes: Uint8Array | null): void;
  drop(slot: number): void;
};

const sameStat = (a: FileStat, b: FileStat): boolean =>
  a.inode === b.inode &&
  a.changedMs === b.changedMs &&
  a.modifiedMs === b.modifiedMs &&
  a.sizeBytes === b.sizeBytes &&
  a.device === b.device;

export class FolderWatch {
  readonly #files: DurableFiles;
  readonly #folder: WatchedFolder;
  readonly #sink: FolderSink;
  readonly #slots = new Map<string, number>();
  #names: (string | null)[] = [];
  #free: number[] = [];
  #stats: Float64Array = new Float64Array(SLOTS_INITIAL * STAT_COLUMNS);
  /** 1: the columns are those of the file as it was last read, and old enough to be believed. */
  #settled: Uint8Array = new Uint8Array(SLOTS_INITIAL);
  #stat: FileStat | null = null;
  #device = 0;
  #cursor = 0;

  constructor(files: DurableFiles, folder: WatchedFolder, sink: FolderSink) {
    this.#files = files;
    this.#folder = folder;
    this.#sink = sink;
  }

  /** Tells the sink what changed since the last time. Throws HarmonyError `too_many`, `untrusted_path`. */
  refresh(): void {
    const stat = this.#files.hasFolder(this.#folder.path)
      ? this.#files.operations.statAt(this.#folder.path)
      : null;
    if (stat === null) {
      this.#stat = null;
      this.#keepOnly([]);
      return;
    }
    this.#device = stat.device;
    if (this.#stat !== null && sameStat(this.#stat, stat)) this.#checkSome();
    else this.#stat = this.#readAgain(stat);
  }

  /** Files there are; slots are numbered below `slotCount`, with gaps. */
  get slotCount(): number {
    return this.#names.length;
  }

  nameOf(slot: number): string | null {
    return this.#names[slot] ?? null;
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
    const names = isLarge(this.#slots.size) ? null : this.#readNames();
    if (isLarge(names?.length ?? this.#slots.size)) {
      operations.pause(Math.min(SETTLED_MS, SETTLED_MS - ageMs) + 1);
      stat = operations.statAt(this.#folder.path);
      ageMs = operations.nowMs() - (stat?.changedMs ?? 0);
      this.#keepOnly(this.#readNames());
    } else this.#keepOnly(names ?? []);
    for (let slot = 0; slot < this.#names.length; slot += 1) this.#look(slot);
    return ageMs > SETTLED_MS ? stat : null;
  }

  #readNames(): readonly string[] {
    const names = this.#files.operations.names(this.#folder.path, FOLDER_ENTRIES_MAX) ?? [];
    if (names.length > FOLDER_ENTRIES_MAX) {
      throw new HarmonyError(
        "too_many",
        `${this.#folder.path} holds more than ${FOLDER_ENTRIES_MAX} entries`,
        { path: this.#folder.path },
      );
    }
    return names;
  }

  #keepOnly(names: readonly string[]): void {
    const seen = new Uint8Array(this.#names.length + names.length);
    for (const name of names) {
      const known = this.#slots.get(name);
      if (known !== undefined) seen[known] = 1;
      else if (this.#folder.namePattern.test(name)) seen[this.#take(name)] = 1;
    }
    for (let slot = 0; slot < this.#names.length; slot += 1) {
      if (seen[slot] !== 1) this.#release(slot);
    }
  }

  #take(name: string): number {
    const slot = this.#free.pop() ?? this.#names.length;
    if (slot === this.#settled.length) this.#grow();
    this.#names[slot] = name;
    this.#slots.set(name, slot);
    this.#settled[slot] = 0;
    // No file has this size: the first look reads it.
    this.#stats[slot * STAT_COLUMNS + 3] = -1;
    return slot;
  }

  #release(slot: number): void {
    const name = this.nameOf(slot);
    if (name === null) return;
    this.#slots.delete(name);
    this.#names[slot] = null;
    this.#free.push(slot);
    this.#sink.drop(slot);
  }

  #grow(): void {
    const stats = new Float64Array(2 * this.#stats.length);
    stats.set(this.#stats);
    this.#stats = stats;
    const settled = new Uint8Array(2 * this.#settled.length);
    settled.set(this.#settled);
    this.#settled = settled;
  }

  #checkSome(): void {
    const count = Math.min(CHECKED_AT_ONCE, this.#names.length);
    for (let i = 0; i < count; i += 1) {
      this.#cursor = (this.#cursor + 1) % this.#names.length;
      this.#look(this.#cursor);
    }
  }

  #look(slot: number): void {
    const name = this.nameOf(slot);
    if (name === null) return;
    const at = slot * STAT_COLUMNS;
    if (this.#folder.namesOnly === true) {
      if (this.#settled[slot] !== 1) this.#sink.put(slot, name, NO_BYTES);
      this.#settled[slot] = 1;
      return;
    }
    const path = `${this.#folder.path}/${name}`;
    if (this.#stats[at + 3] !== -1) {
      const stat = this.#files.operations.statAt(path);
      if (stat === null) this.#release(slot);
      if (stat === null || (this.#settled[slot] === 1 && this.#isSame(at, stat))) return;
    }
    this.#read(slot, name, path);
  }

  #isSame(at: number, { device, inode, changedMs, modifiedMs, sizeBytes }: FileStat): boolean {
    const stats = this.#stats;
    return (
      // What lies on another device than its folder (a mount) is never taken for known.
      device === this.#device &&
      stats[at] === inode &&
      stats[at + 1] === changedMs &&
      stats[at + 2] === modifiedMs &&
      stats[at + 3] === sizeBytes
    );
  }

  #read(slot: number, name: string, path: string): void {
    const opened = this.#files.readWithStat(path, this.#folder.sizeBytesMax);
    const stat = opened?.stat ?? this.#files.operations.statAt(path);
    if (stat === null) {
      this.#release(slot);
      return;
    }
    this.#settled[slot] = this.#files.operations.nowMs() - stat.changedMs > SETTLED_MS ? 1 : 0;
    this.#stats.set([stat.inode, stat.changedMs, stat.modifiedMs, stat.sizeBytes], slot * STAT_COLUMNS);
    this.#sink.put(slot, name, opened?.bytes ?? null);
  }
}
