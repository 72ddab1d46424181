// One copy of a log before both verifiers: the one that is shipped, and the one in another language.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Policy, signerKey, type SignerKey } from "@assent/tlog";
import { readLaterLogs } from "../../packages/harness/src/cli/verify/later-logs.ts";
import { openLogFolder } from "../../packages/harness/src/cli/verify/log-folder.ts";
import {
  type Files,
  found,
  LOG,
  ORIGIN,
  seed,
} from "../../packages/harness/src/core/audit/testing/made-export.ts";
import { verifyLog } from "../../packages/harness/src/core/audit/verify-log.ts";
import { folderOf } from "./folder-of.ts";
import { isPythonHere, secondVerifier } from "./second-verifier.ts";

export const LATER = `${ORIGIN}/e2`;
export const LATER_KEY: SignerKey = signerKey(LATER, 0x01, seed(7));

export type Copy = {
  readonly files: Files;
  readonly keys?: readonly SignerKey[];
  readonly later?: Files;
  readonly remembered?: Uint8Array | string;
  readonly policy?: Policy;
  readonly isPublished?: boolean;
  /** What is done to the folder beside its files. */
  readonly change?: (folder: string) => void;
};

/** What each says: codes with places of the first, and the lines of the second. */
export async function judge(copy: Copy): Promise<{ readonly ours: string[]; readonly second: string }> {
  const { files, keys = [LOG], later, remembered, policy = null, isPublished = false, change } = copy;
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
    policy,
    now,
    isPublished,
    cosignedSince: null,
  });
  const ours = [...found(report), ...known.findings.map(({ code }) => code)];
  if (!isPythonHere) return { ours, second: "not run" };
  const kept = join(folderOf(new Map()), "kept");
  if (remembered !== undefined) writeFileSync(kept, remembered);
  const { said } = await secondVerifier(
    "export",
    folder,
    ...all.flatMap(({ vkey }) => ["--key", vkey]),
    ...folders.flatMap((path) => ["--later", path]),
    ...(isPublished ? ["--published"] : []),
    ...(remembered === undefined ? [] : ["--remembered", kept]),
  );
  return { ours, second: said.trim() };
}
