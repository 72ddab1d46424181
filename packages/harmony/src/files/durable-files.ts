// Whole files, written so that a crash at any point leaves the old content or the new, and many processes may write at
// once. A file is first complete and synced under a name nobody can guess in `.muse/harmony/tmp`, then linked (create:
// the kernel lets exactly one process succeed) or renamed (replace) to its place, then its folder is synced.

import { HarmonyError } from "../errors.ts";
import { harmonyDir, museDir, temporaryDir } from "../paths.ts";
import { unless, type FileOperations, type FileStat } from "./operations.ts";

/** A temporary file of another machine or container is left alone this long: its process cannot be asked. */
const FOREIGN_TEMPORARY_AGE_MS_MAX = 3_600_000;
/** Tries when somebody removes our folder or temporary file between two operations. */
const ATTEMPTS_MAX = 5;
const TEMPORARIES_MAX = 10_000;
const TEMPORARY = /^([0-9a-z]+)-(\d+)-[0-9a-f]{32}\.tmp$/;

export class DurableFiles {
  readonly root: string;
  readonly operations: FileOperations;

  constructor(root: string, operations: FileOperations) {
    this.root = root;
    this.operations = operations;
  }

  /** Folders from `.muse` down to this one, outermost first. */
  #chain(folder: string): string[] {
    const chain = [museDir(this.root), harmonyDir(this.root)];
    const rest = folder.slice(harmonyDir(this.root).length + 1);
    for (const part of rest === "" ? [] : rest.split("/")) chain.push(`${chain.at(-1)}/${part}`);
    return chain;
  }

  /**
   * Whether the folder is there, as a folder of ours. A link in its place could lead every read and write anywhere, and
   * a repository that one clones may contain one. Throws HarmonyError `untrusted_path`.
   */
  hasFolder(folder: string): boolean {
    for (const path of this.#chain(folder)) {
      const stat = this.operations.statAt(path);
      if (stat === null) return false;
      if (stat.kind !== "folder")
        throw new HarmonyError("untrusted_path", `${path} is not a folder`, { path });
    }
    return true;
  }

  #makeFolder(folder: string): void {
    let parent = this.root;
    for (const path of this.#chain(folder)) {
      if (this.operations.statAt(path) === null && this.operations.makeFolder(path)) this.syncFolder(parent);
      parent = path;
    }
    if (!this.hasFolder(folder))
      throw new HarmonyError("untrusted_path", `${folder} vanished`, { path: folder });
  }

  syncFolder(folder: string): void {
    const handle = this.operations.openFolder(folder);
    if (handle === null) return;
    try {
      this.operations.sync(handle);
    } finally {
      this.operations.close(handle);
    }
  }

  /** Content of a regular file of at most `sizeBytesMax`; null for anything else: absent, larger, link, FIFO, device. */
  read(path: string, sizeBytesMax: number): Uint8Array | null {
    return this.readWithStat(path, sizeBytesMax)?.bytes ?? null;
  }

  /** The same with the stat of what was opened, taken before it was read; null for what cannot be opened, as a link. */
  readWithStat(path: string, sizeBytesMax: number): { stat: FileStat; bytes: Uint8Array | null } | null {
    const handle = this.operations.openForRead(path);
    if (handle === null) return null;
    try {
      const stat = this.operations.statOf(handle);
      if (stat.kind !== "file" || stat.sizeBytes > sizeBytesMax) return { stat, bytes: null };
      // One byte more than it should have: a file that grows while it is read is too large as well.
      const bytes = new Uint8Array(Math.min(stat.sizeBytes, sizeBytesMax) + 1);
      let length = 0;
      for (let got = -1; got !== 0 && length < bytes.length; length += got) {
        got = this.operations.read(handle, bytes, length);
      }
      return { stat, bytes: length === bytes.length ? null : bytes.subarray(0, length) };
    } finally {
      this.operations.close(handle);
    }
  }

  /** True when this call created the file; false when there was one (of whatever kind), which is left as it is. */
  create(folder: string, path: string, bytes: Uint8Array): boolean {
    return this.#place(folder, bytes, true, (temporary) => {
      const linked = this.#link(temporary, path);
      // Also when another was first: whoever hears "it is there" may rely on it.
      this.syncFolder(folder);
      return linked;
    });
  }

  /** The same for what means nothing after a power cut: nothing waits for the disk. */
  createVolatile(folder: string, path: string, bytes: Uint8Array): boolean {
    return this.#place(folder, bytes, false, (temporary) => this.#link(temporary, path));
  }

  #link(from: string, to: string): boolean {
    return unless(["EEXIST"], () => this.operations.link(from, to)) !== null;
  }

  /** Puts new content in the place of a file's, or of nothing. */
  replace(folder: string, path: string, bytes: Uint8Array): void {
    this.replaceMirror(folder, path, bytes);
    this.syncFolder(folder);
  }

  /** The same for what can be made again from elsewhere: a power cut may bring back the old content, whole. */
  replaceMirror(folder: string, path: string, bytes: Uint8Array): void {
    this.#place(folder, bytes, true, (temporary) => {
      this.operations.rename(temporary, path);
      return true;
    });
  }

  /** False when there was no file. */
  remove(folder: string, path: string): boolean {
    if (!this.hasFolder(folder) || !this.operations.unlink(path)) return false;
    this.syncFolder(folder);
    return true;
  }

  /** Removes every file whose name matches; returns how many. */
  removeMatching(folder: string, name: RegExp): number {
    if (!this.hasFolder(folder)) return 0;
    const names = this.operations.names(folder, Number.MAX_SAFE_INTEGER) ?? [];
    const removed = names.filter((n) => name.test(n) && this.operations.unlink(`${folder}/${n}`)).length;
    this.syncFolder(folder);
    return removed;
  }

  /** Runs `use` on a complete and, where durable, synced temporary file, which is gone afterwards. */
  #place(
    folder: string,
    bytes: Uint8Array,
    isDurable: boolean,
    use: (temporary: string) => boolean,
  ): boolean {
    for (let attempt = 1; ; attempt += 1) {
      this.#makeFolder(temporaryDir(this.root));
      this.#makeFolder(folder);
      this.#sweep();
      const temporary = this.temporaryPath();
      try {
        this.#write(temporary, bytes, isDurable);
        return use(temporary);
      } catch (error) {
        const gone = error instanceof Error && "code" in error && error.code === "ENOENT";
        if (!gone || attempt >= ATTEMPTS_MAX) throw error;
      } finally {
        this.operations.unlink(temporary);
      }
    }
  }

  temporaryPath(): string {
    const { pid, place } = this.operations.process;
    return `${temporaryDir(this.root)}/${place}-${pid}-${this.operations.randomName()}.tmp`;
  }

  #write(path: string, bytes: Uint8Array, isDurable: boolean): void {
    const handle = this.operations.createExclusive(path);
    try {
      for (let at = 0; at < bytes.length;) at += this.operations.write(handle, bytes.subarray(at));
      if (isDurable) this.operations.sync(handle);
    } finally {
      this.operations.close(handle);
    }
  }

  /** Removes what killed processes left behind; the folder holds only what is being written just now. */
  #sweep(): void {
    const folder = temporaryDir(this.root);
    for (const name of this.operations.names(folder, TEMPORARIES_MAX) ?? []) {
      const [, place, pid] = TEMPORARY.exec(name) ?? [];
      if (place === undefined || Number(pid) === this.operations.process.pid) continue;
      if (this.#isAbandoned(`${folder}/${name}`, place, Number(pid)))
        this.operations.unlink(`${folder}/${name}`);
    }
  }

  #isAbandoned(path: string, place: string, pid: number): boolean {
    const { process } = this.operations;
    if (place === process.place) return !process.isAlive(pid);
    const stat = this.operations.statAt(path);
    return stat !== null && this.operations.nowMs() - stat.modifiedMs > FOREIGN_TEMPORARY_AGE_MS_MAX;
  }
}
