// The verifier in another language (packages/tlog/verify.py), as a program. Where there is no python3 it says so, and nothing
// was looked at.

import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const SECOND_VERIFIER: string = fileURLToPath(
  new URL("../../packages/tlog/verify.py", import.meta.url),
);

function hasPython(): boolean {
  try {
    execFileSync("python3", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    process.stdout.write("python3 is not on this machine: the second verifier was not run\n");
    return false;
  }
}
export const isPythonHere: boolean = hasPython();

export type Ended = { readonly code: number; readonly said: string };

export async function secondVerifier(...words: readonly string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)("python3", ["-I", SECOND_VERIFIER, ...words]);
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || !("stdout" in error) || !("stderr" in error))
      throw error;
    return { code: Number(error.code), said: `${String(error.stdout)}${String(error.stderr)}` };
  }
}
