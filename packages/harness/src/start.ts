// Starts a harness for the command line: the environment read, the log opened.

import { existsSync, openSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { type KeptLines, keepLines } from "./adapters/telemetry/kept-lines.ts";
import { createLog } from "./adapters/telemetry/log.ts";
import { systemClock } from "./adapters/system/clock.ts";
import { type Running, startHarness, type StartOptions } from "./assemble.ts";
import type { StartRefusal } from "./assemble/refusal.ts";
import { ok, type Result } from "./base/result.ts";
import { type LogTarget, processEnvironment } from "./config.ts";
import { checkCredentials, makeHome, refuseHome } from "./home.ts";

export async function startFromCommandLine(
  options: Omit<StartOptions, "environment" | "log">,
  onProgress: (line: string) => void,
): Promise<Result<Running, StartRefusal>> {
  const environment = processEnvironment();
  const made = makeHome(options.home);
  if (!made.ok) return made;
  const credentials = checkCredentials(options.home);
  if (!credentials.ok) return credentials;
  const opened = openLog(environment.logTarget, options.home);
  if (!opened.ok) return opened;
  const log = createLog(systemClock, opened.value.write);
  const configFile = options.configFile ?? findConfig();
  return await startHarness({ ...options, configFile, environment, log }, onProgress);
}

const findConfig = (): string | null => {
  const file = resolve("assent.config.json");
  return existsSync(file) ? file : null;
};

const STDERR = 2;

// Written at once: what was logged before a crash is there after it.
function openLog(target: LogTarget, home: string): Result<KeptLines, StartRefusal> {
  const path = join(home, "assent.log");
  let file: number;
  try {
    file = target === "stderr" ? STDERR : openSync(path, "a", 0o600);
  } catch (error) {
    return refuseHome(path, error);
  }
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
