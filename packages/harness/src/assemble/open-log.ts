// The log of a process, where its operator wants it: the home's file, or standard error.

import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../adapters/system/clock.ts";
import { type KeptLines, keepLines } from "../adapters/telemetry/kept-lines.ts";
import { createLog } from "../adapters/telemetry/log.ts";
import type { StartRefusal } from "./refusal.ts";
import { ok, type Result } from "../base/result.ts";
import type { LogTarget } from "../config.ts";
import { refuseHome } from "../home.ts";

const STDERR = 2;

/** Refuses a home whose log cannot be opened; what can only not be written later on stops nobody. */
export function openLog(target: LogTarget, home: string): Result<KeptLines, StartRefusal> {
  const path = join(home, "assent.log");
  let file: number;
  try {
    file = target === "stderr" ? STDERR : openSync(path, "a", 0o600);
  } catch (error) {
    return refuseHome(path, error);
  }
  // Written at once: what was logged before a crash is there after it.
  const lines = keepLines(
    (bytes) => writeSync(file, bytes),
    missingRecords,
    // Servers and workers of one home write into one file.
    target === "stderr" ? "one" : "several",
  );
  process.once("exit", () => lines.flush());
  return ok(lines);
}

function missingRecords(records: number): string {
  let line = "";
  const log = createLog(systemClock, (text) => {
    line = text;
  });
  log("warn", "records of the log are missing here: they could not be written", { records });
  return line;
}
