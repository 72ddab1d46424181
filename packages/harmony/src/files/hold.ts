// A hold makes read-then-write of one record a single step among processes: a file that can be created only once, in the
// temporary folder. Node offers no flock, so a hold can outlive its process; one whose process is dead, or that is
// absurdly old, is taken away. Two processes that take the same dead hold away in the same microseconds could both go
// on: therefore only counts rest on holds (seen, applied, confirmed, overridden). Decisions and revocations rest on
// link(2) alone.

import { HarmonyError } from "../errors.ts";
import { temporaryDir } from "../paths.ts";
import type { DurableFiles } from "./durable-files.ts";

/** A hold is kept for milliseconds; one this old belongs to a process that is stopped, or on another machine. */
const HOLD_AGE_MS_MAX = 5_000;
/** How long to wait for living processes before giving up; above the age, so that a dead hold never wins. */
const HOLD_WAIT_MS_MAX = 20_000;
const PAUSE_MS_MAX = 8;
const HOLD_SIZE_BYTES_MAX = 512;
const OWNER = /^([0-9a-z]+)-(\d+)-[0-9a-f]{32}\.tmp$/;

function ownerOf(files: DurableFiles, path: string): string | null {
  const bytes = files.read(path, HOLD_SIZE_BYTES_MAX);
  return bytes === null ? null : Buffer.from(bytes).toString("latin1");
}

function isDead(files: DurableFiles, path: string, owner: string): boolean {
  const { process } = files.operations;
  const [, place, pid] = OWNER.exec(owner) ?? [];
  if (place === process.place && !process.isAlive(Number(pid))) return true;
  const stat = files.operations.statAt(path);
  return stat !== null && files.operations.nowMs() - stat.modifiedMs > HOLD_AGE_MS_MAX;
}

function takeAway(files: DurableFiles, path: string, owner: string): void {
  // Looked at once more just before, so that a hold taken anew in between is left alone.
  if (ownerOf(files, path) === owner) files.operations.unlink(path);
}

function acquire(files: DurableFiles, path: string): string {
  const folder = temporaryDir(files.root);
  const owner = files.temporaryPath().slice(folder.length + 1);
  const startedMs = files.operations.nowMs();
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    if (files.createVolatile(folder, path, Buffer.from(owner, "latin1"))) return owner;
    const other = ownerOf(files, path);
    if (other !== null && isDead(files, path, other)) takeAway(files, path, other);
    else if (files.operations.nowMs() - startedMs > HOLD_WAIT_MS_MAX) {
      throw new HarmonyError("contended", "another process keeps this record; try again", { path });
    } else files.operations.pause(pauseMs);
  }
}

/** Runs `step` while no other process runs one for the same name (64 hex digits). Throws HarmonyError `contended`. */
export function withHold<T>(files: DurableFiles, name: string, step: () => T): T {
  const path = `${temporaryDir(files.root)}/${name}.hold`;
  const owner = acquire(files, path);
  try {
    return step();
  } finally {
    takeAway(files, path, owner);
  }
}
