// One record is one line of JSON: no text of anybody's can begin a record of its own.

import type { Clock, Log, LogLevel } from "../../ports.ts";

const RANKS: { readonly [L in LogLevel]: number } = { info: 0, warn: 1, error: 2 };

/** @param write takes one line, without its end */
export function createLog(clock: Clock, write: (line: string) => void, least: LogLevel = "info"): Log {
  return (level, message, fields = {}) => {
    if (RANKS[level] < RANKS[least]) return;
    write(JSON.stringify({ at: clock.now().toISOString(), level, message, ...fields }));
  };
}
