// A disk that is really full: a folder of so many bytes (a tmpfs in a mount namespace of its own), and a script that works on it.

import { execFile } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compiledBefore } from "../compiled.ts";

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Runs a script of ours with the small disk's folder as its first argument and as its folder for temporary files.
 * @returns the last line of its output, as JSON
 */
export async function onSmallDisk(script: URL, bytes: number): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "assent-small-disk-"));
  try {
    const mounts = ["--dev-bind", "/", "/", "--size", String(bytes), "--perms", "0755", "--tmpfs", folder];
    // Root stays root in there: the database's server runs as another user.
    const rights = process.getuid?.() === 0 ? ["--cap-add", "ALL"] : [];
    const program = [process.execPath, "--conditions=assent-source", fileURLToPath(script), folder];
    const { stdout } = await promisify(execFile)(
      "bwrap",
      [...mounts, ...rights, "--die-with-parent", "--", ...program],
      { maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, ...compiledBefore(), TMPDIR: folder } },
    );
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Larger ones are somebody's. */
const DISK_BYTES_MAX = 1024 * 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024);

/** What takes up the room of a small disk. */
export class Ballast implements Disposable {
  readonly #folder: string;
  readonly #file: string;

  constructor(folder: string) {
    const { blocks, bsize } = statfsSync(folder);
    if (blocks * bsize > DISK_BYTES_MAX) throw new Error(`${folder} is on a disk that is not small`);
    this.#folder = folder;
    this.#file = join(folder, "ballast");
  }

  get #free(): number {
    const { bavail, bsize } = statfsSync(this.#folder);
    return bavail * bsize;
  }

  /** Takes all the room there is now, but for so many bytes. */
  fill(leftBytes = 0): void {
    const file = openSync(this.#file, "a");
    try {
      for (let room = this.#free - leftBytes; room > 0; room = this.#free - leftBytes)
        writeSync(file, PIECE, 0, Math.min(PIECE.byteLength, room));
    } catch (error) {
      // Somebody else was faster.
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      closeSync(file);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#file, { force: true });
  }
}
