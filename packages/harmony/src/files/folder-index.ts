// The records of a folder, sorted, kept in memory and as fresh as folder-watch.ts says.

import type { DurableFiles } from "./durable-files.ts";
import { FolderWatch, type FolderSink, type WatchedFolder } from "./folder-watch.ts";
import { SortedRecords } from "./sorted-records.ts";

export type RecordFolder<T> = WatchedFolder & {
  /** The record, or null for a file that is not one of ours: it is skipped. */
  readonly decode: (name: string, bytes: Uint8Array) => T | null;
  /** What stands for a file of a record's name that is none; left out: nothing does. */
  readonly unreadable?: (name: string) => T;
  readonly compare: (a: T, b: T) => number;
};

export class FolderIndex<T> {
  readonly #watch: FolderWatch;
  readonly #sorted: SortedRecords<T>;

  constructor(files: DurableFiles, folder: RecordFolder<T>) {
    const sorted = new SortedRecords(folder.compare);
    const records: (T | null)[] = [];
    const set = (slot: number, record: T | null): void => {
      const before = records[slot] ?? null;
      if (before !== null) sorted.remove(before);
      records[slot] = record;
      if (record !== null) sorted.add(record);
    };
    const sink: FolderSink = {
      put: (slot, name, bytes) =>
        set(slot, (bytes === null ? null : folder.decode(name, bytes)) ?? folder.unreadable?.(name) ?? null),
      drop: (slot) => set(slot, null),
    };
    this.#sorted = sorted;
    this.#watch = new FolderWatch(files, folder, sink);
  }

  /** All records, sorted. The same array until something changes. Throws HarmonyError `too_many`, `untrusted_path`. */
  records(): readonly T[] {
    this.#watch.refresh();
    return this.#sorted.all();
  }
}
