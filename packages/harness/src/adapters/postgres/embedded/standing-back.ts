// Every statement that we send wakes one of the server's processes, and on a machine of few processors it takes the place
// of ours, which was about to send others. Linux lets a process say that it need not be let in at once (sched(7),
// SCHED_BATCH): it gets as much of the processor as before, when we have nothing to do or our share is used.

import { spawnSync } from "node:child_process";
import { TOOL_ENVIRONMENT } from "./tool.ts";

export type Command = { readonly file: string; readonly args: readonly string[] };

/** Of util-linux, which most systems have. */
const CHRT = "/usr/bin/chrt";
const BATCH = ["-b", "0"];
const ASKED_MS_MAX = 5_000;

/**
 * The same command, standing back behind us where this machine has the means and lets us; else as it is.
 * @param chrt absolute
 */
export function standingBack(command: Command, chrt: string = CHRT): Command {
  if (process.platform !== "linux") return command;
  const { status } = spawnSync(chrt, [...BATCH, chrt, "--version"], {
    cwd: "/",
    env: TOOL_ENVIRONMENT,
    stdio: "ignore",
    timeout: ASKED_MS_MAX,
  });
  if (status !== 0) return command;
  return { file: chrt, args: [...BATCH, command.file, ...command.args] };
}
