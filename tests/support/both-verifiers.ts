// One copy of a log before both verifiers: the one that is shipped, and the one in another language.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { signerKey, type SignerKey } from "@assent/tlog";
import { reportLines } from "../../packages/harness/src/cli/verify/report-lines.ts";
import { readLaterLogs } from "../../packages/harness/src/cli/verify/later-logs.ts";
import { openLogFolder } from "../../packages/harness/src/cli/verify/log-folder.ts";
import {
  type Files,
  found,
  LOG,
  ORIGIN,
  policyOf,
  seed,
} from "../../packages/harness/src/core/audit/testing/made-export.ts";
import { type VerifyReport, verifyLog } from "../../packages/harness/src/core/audit/verify-log.ts";
import { folderOf } from "./folder-of.ts";
import { isPythonHere, secondVerifier } from "./second-verifier.ts";

export const LATER = `${ORIGIN}/e2`;
export const LATER_KEY: SignerKey = signerKey(LATER, 0x01, seed(7));

export type Copy = {
  readonly files: Files;
  readonly keys?: readonly SignerKey[];
  readonly later?: Files;
  readonly remembered?: Uint8Array | string;
  /** A policy file's text. */
  readonly policy?: string;
  /** How old the newest cosignature may be. */
  readonly cosignedWithinMinutes?: number;
  readonly isPublished?: boolean;
  /** What is done to the folder beside its files. */
  readonly change?: (folder: string) => void;
};

export type Judged = {
  /** Codes with places of the first, and what it says of them in words. */
  readonly ours: string[];
  readonly words: string[];
  /** The lines of the second, without what it would not notice. */
  readonly second: string;
  /** Lines of each in which it says what it would not notice, where nothing is wrong. */
  readonly unnoticed: { readonly ours: readonly string[]; readonly second: readonly string[] };
};

const saysUnnoticed = (line: string): boolean => line.endsWith(UNNOTICED);
const UNNOTICED = "looks whole";

const unnoticedBy = (report: VerifyReport): string[] =>
  reportLines(report)
    .map((line) => line.trim().replace(/\.$/u, ""))
    .filter(saysUnnoticed);

export async function judge(copy: Copy): Promise<Judged> {
  const { files, keys = [LOG], later, remembered, policy, isPublished = false, change } = copy;
  const within = copy.cosignedWithinMinutes;
  const folder = folderOf(files);
  change?.(folder);
  const folders = later === undefined ? [] : [folderOf(later)];
  const all = later === undefined ? keys : [...keys, LATER_KEY];
  const [first = LOG] = keys;
  const now = new Date();
  const known = readLaterLogs(folders, first.name, all, { now });
  const report = verifyLog({
    ...known,
    source: openLogFolder(folder),
    origin: first.name,
    keys,
    remembered: remembered === undefined ? null : Buffer.from(remembered).toString(),
    policy: policy === undefined ? null : policyOf(policy),
    now,
    isPublished,
    cosignedSince: within === undefined ? null : new Date(now.getTime() - within * 60_000),
  });
  const ours = [...found(report), ...known.findings.map(({ code }) => code)];
  const words = report.findings.map(({ at, detail }) => `${at}: ${detail}`);
  const unnoticed = unnoticedBy(report);
  if (!isPythonHere) return { ours, words, second: "not run", unnoticed: { ours: unnoticed, second: [] } };
  const beside = folderOf(new Map());
  const [kept, rules] = [join(beside, "kept"), join(beside, "policy")];
  if (policy !== undefined) writeFileSync(rules, policy);
  if (remembered !== undefined) writeFileSync(kept, remembered);
  const { said } = await secondVerifier(
    "export",
    folder,
    ...all.flatMap(({ vkey }) => ["--key", vkey]),
    ...folders.flatMap((path) => ["--later", path]),
    ...(isPublished ? ["--published"] : []),
    ...(remembered === undefined ? [] : ["--remembered", kept]),
    ...(policy === undefined ? [] : ["--policy", rules]),
    ...(within === undefined ? [] : ["--cosigned-within", String(within)]),
  );
  const lines = said.trim().split("\n");
  return {
    ours,
    words,
    second: lines.filter((line) => !saysUnnoticed(line)).join("\n"),
    unnoticed: { ours: unnoticed, second: lines.filter(saysUnnoticed) },
  };
}
