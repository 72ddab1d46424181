// One record is one line of JSON in which every character can be seen: no text of anybody's can begin a record of its
// own, give orders to the terminal that somebody reads it on, or turn around what it shows. JSON by itself escapes only
// half of the characters that do.

import type { Clock, Log, LogLevel } from "../../ports.ts";

const RANKS: { readonly [L in LogLevel]: number } = { info: 0, warn: 1, error: 2 };

/** @param write takes one line, without its end */
export function createLog(clock: Clock, write: (line: string) => void, least: LogLevel = "info"): Log {
  return (level, message, fields = {}) => {
    if (RANKS[level] < RANKS[least]) return;
    write(visible(JSON.stringify({ at: clock.now().toISOString(), level, message, ...fields })));
  };
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const visible = (json: string): string =>
  json.replaceAll(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join(""),
  );
