// Steps of a tier, each a command of package.json, carried out one after the other however those before it ended: one run
// tells everything. What each said is kept beside the verdict, under its digest, as evidence.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

/** `not_known`: it could not be told, which never counts as ok. */
export type StepVerdict = "ok" | "failed" | "not_known";

export type StepResult = {
  readonly step: string;
  readonly verdict: StepVerdict;
  /** One line for people. */
  readonly says: string;
  readonly seconds: number;
  /** Of what the step said; null where it is told by something else. */
  readonly evidence: { readonly file: string; readonly sha256: string } | null;
};

export function git(...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync("git", ["-C", ROOT, ...args], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}

/** The commit that is checked out, with nothing changed since; else why there is none. */
export function cleanCommit(): { readonly commit: string } | { readonly why: string } {
  const commit = git("rev-parse", "HEAD");
  if (commit === null) return { why: "git does not say which commit this is" };
  if (git("status", "--porcelain") !== "") return { why: "files were changed since the commit" };
  return { commit };
}

/** How large an output may be; a night of nothing but failures says less. */
const OUTPUT_BYTES_MAX = 512 * 1_024 * 1_024;

/**
 * Carries one command out and keeps what it said.
 * @param folder where evidence is kept, from the root
 * @param unknownExit a code by which the command says that it cannot tell
 */
export function carryOut(
  step: string,
  command: readonly [string, ...string[]],
  folder: string,
  unknownExit: number | null = null,
): StepResult {
  process.stdout.write(`${step} … ${command.join(" ")}\n`);
  const begun = performance.now();
  const [program, ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: OUTPUT_BYTES_MAX,
    env: { ...process.env, NO_COLOR: "1" },
    shell: process.platform === "win32",
  });
  const output = `$ ${command.join(" ")}\n${stdout}${stderr}${error === undefined ? "" : `${error.message}\n`}`;
  const file = join(folder, `${step}.log`);
  mkdirSync(join(ROOT, folder), { recursive: true });
  writeFileSync(join(ROOT, file), output);
  const verdict: StepVerdict =
    status === 0 ? "ok" : status !== null && status === unknownExit ? "not_known" : "failed";
  const last = output.trimEnd().split("\n").at(-1)?.trim() ?? "";
  return {
    step,
    verdict,
    says: status === 0 ? last : `exit ${status ?? "by a signal"}: ${last}`,
    seconds: Math.round((performance.now() - begun) / 1_000),
    evidence: { file, sha256: createHash("sha256").update(output).digest("hex") },
  };
}

const WORDS = { ok: "ok       ", failed: "FAILED   ", not_known: "not known" };

export const lineOfStep = ({ step, verdict, says, seconds, evidence }: StepResult): string =>
  `${WORDS[verdict]} ${step} (${seconds} s): ${says}${evidence === null ? "" : ` [${evidence.file}]`}`;

/** 0: all ok; 1: one failed; 4: none failed, and not all can be told. */
export function exitOfSteps(results: readonly StepResult[]): 0 | 1 | 4 {
  if (results.some(({ verdict }) => verdict === "failed")) return 1;
  return results.length > 0 && results.every(({ verdict }) => verdict === "ok") ? 0 : 4;
}
