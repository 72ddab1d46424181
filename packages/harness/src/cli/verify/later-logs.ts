// Erasures of a log that goes on no more are recorded in the one that follows it. Whoever verifies a copy of the earlier
// one shows a copy of the later one with it, which counts only as far as it is verified itself.

import { parseCheckpoint, parseNote, type VerifierKey } from "@assent/tlog";
import type { BegunLog } from "../../core/audit/begun-log.ts";
import type { EarlierLog } from "../../core/audit/epoch-link.ts";
import type { PrunedLog } from "../../core/audit/pruning.ts";
import { type ErasedEntry, epochOf } from "../../core/audit/verify-leaf.ts";
import { verifyLog, type VerifyOptions } from "../../core/audit/verify-log.ts";
import type { LogFinding } from "../../core/audit/verify-source.ts";
import { openLogFolder } from "./log-folder.ts";

export type LaterLogs = {
  readonly erased: readonly ErasedEntry[];
  readonly pruned: readonly PrunedLog[];
  /** Where logs ended that one of these followed. */
  readonly ended: readonly EarlierLog[];
  /** See `VerifyReport`. */
  readonly begun: readonly BegunLog[];
  readonly findings: readonly LogFinding[];
  /** See `TakenTime`. */
  readonly ahead: number;
};

const baseOf = (origin: string): string => origin.replace(/\/e[1-9]\d*$/, "");

/** Whether the one is a later log of the same tenant than the other. */
export const isLater = (name: string, origin: string): boolean =>
  baseOf(name) === baseOf(origin) && epochOf(name) > epochOf(origin);

/** @param folders of copies, in any order; @param keys that were pinned, those of the later logs among them */
export function readLaterLogs(
  folders: readonly string[],
  origin: string,
  keys: readonly VerifierKey[],
  time: Pick<VerifyOptions, "now" | "clock">,
): LaterLogs {
  const erased: ErasedEntry[] = [];
  const pruned: PrunedLog[] = [];
  const ended: EarlierLog[] = [];
  const findings: LogFinding[] = [];
  let begun: readonly BegunLog[] = [];
  let ahead = 0;
  const logs = folders.map((folder) => {
    const source = openLogFolder(folder);
    return { folder, source, named: namedBy(source.read("checkpoint")) };
  });
  // The last one first: what was erased and pruned in a log, and where it ended, a log after it says.
  for (const { folder, source, named } of logs.toSorted(
    (a, b) => epochOf(b.named ?? "") - epochOf(a.named ?? ""),
  )) {
    const pinned = keys.filter(({ name }) => name === named && isLater(name, origin));
    if (named === null || pinned.length === 0) {
      const detail = `it is a copy of ${named ?? "no log"}: no key of a log that follows ${origin} was given for it`;
      findings.push({ code: "later_log_unknown", at: folder, detail });
      continue;
    }
    const report = verifyLog({
      source,
      origin: named,
      keys: pinned,
      remembered: null,
      policy: null,
      ...time,
      cosignedSince: null,
      erased,
      pruned,
      ended,
      begun,
    });
    ({ begun } = report);
    erased.push(...report.erasedElsewhere);
    pruned.push(...report.prunedElsewhere);
    if (report.earlier !== null) ended.push(report.earlier);
    ahead += report.time.ahead;
    findings.push(...report.findings.map((one) => ({ ...one, at: `${folder}, ${one.at}` })));
  }
  return { erased, pruned, ended, begun, findings, ahead };
}

// Which of the pinned keys are meant; what it says is believed once one of them has signed it.
function namedBy(note: Uint8Array | null): string | null {
  const parsed = note === null ? null : parseNote(note);
  const checkpoint = parsed?.ok === true ? parseCheckpoint(parsed.value.text) : null;
  return checkpoint?.ok === true ? checkpoint.value.origin : null;
}
