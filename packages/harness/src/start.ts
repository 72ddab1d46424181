// Starts a harness for the command line: the environment read, the log opened.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createLog } from "./adapters/telemetry/log.ts";
import { systemClock } from "./adapters/system/clock.ts";
import { type Running, startHarness, type StartOptions } from "./assemble.ts";
import { openLog } from "./assemble/open-log.ts";
import { checkEnvironment } from "./assemble/refused-environment.ts";
import type { StartRefusal } from "./assemble/refusal.ts";
import type { Result } from "./base/result.ts";
import { processEnvironment } from "./config.ts";
import { checkCredentials, makeHome } from "./home.ts";

export async function startFromCommandLine(
  options: Omit<StartOptions, "environment" | "log">,
  onProgress: (line: string) => void,
): Promise<Result<Running, StartRefusal>> {
  const environment = processEnvironment();
  const checked = checkEnvironment(environment);
  if (!checked.ok) return checked;
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
