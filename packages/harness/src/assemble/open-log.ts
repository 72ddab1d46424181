// The log of a process, where its operator wants it: the home's file, or standard error.

import { closeSync, fstatSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../adapters/system/clock.ts";
import { type KeptLines, keepLines } from "../adapters/telemetry/kept-lines.ts";
import { createLog } from "../adapters/telemetry/log.ts";
import type { StartRefusal } from "./refusal.ts";
import { ok, type Result } from "../base/result.ts";
import type { LogTarget } from "../config.ts";
import { refuseHome } from "../home.ts";

const STDERR = 2;
/** Between two looks whether the file is still where the log is to be. */
const LOOK_MS = 1_000;

/**
 * Refuses a home whose log cannot be opened; what can only not be written later on stops nobody.
 * @param steadyMs time that nobody can set
 */
export function openLog(
  target: LogTarget,
  home: string,
  steadyMs: () => number = () => performance.now(),
): Result<KeptLines, StartRefusal> {
  const path = join(home, "assent.log");
  let write: (bytes: Uint8Array) => number;
  try {
    write = target === "stderr" ? (bytes) => writeSync(STDERR, bytes) : followFile(path, steadyMs);
  } catch (error) {
    return refuseHome(path, error);
  }
  // Servers and workers of one home write into one file.
  const lines = keepLines(write, missingRecords, target === "stderr" ? "one" : "several");
  process.once("exit", () => lines.flush());
  return ok(lines);
}

/** Writes at once: what was logged before a crash is there after it. A file that was moved away is begun anew. */
function followFile(path: string, steadyMs: () => number): (bytes: Uint8Array) => number {
  const open = (): number => openSync(path, "a", 0o600);
  let file = open();
  let lookedMs = steadyMs();
  return (bytes) => {
    if (steadyMs() - lookedMs >= LOOK_MS) {
      lookedMs = steadyMs();
      if (isElsewhere(file, path)) {
        const next = open();
        closeSync(file);
        file = next;
      }
    }
    return writeSync(file, bytes);
  };
}

function isElsewhere(file: number, path: string): boolean {
  const there = statSync(path, { bigint: true, throwIfNoEntry: false });
  const { dev, ino } = fstatSync(file, { bigint: true });
  return there?.ino !== ino || there.dev !== dev;
}

function missingRecords(records: number): string {
  let line = "";
  const log = createLog(systemClock, (text) => {
    line = text;
  });
  log("warn", "records of the log are missing here: they could not be written", { records });
  return line;
}
