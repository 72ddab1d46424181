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

const ASK = `
import json, runpy, sys
verify = runpy.run_path(sys.argv[1], run_name="vectors")
for line in sys.stdin:
    kind, *parts = json.loads(line)
    print(int(verify["is_signature" if kind == 1 else "is_mldsa_signature"](*map(bytes.fromhex, parts))))
`;

export type PlainSignature = readonly [
  type: 0x01 | 0x06,
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
];

/** What its own arithmetic says of bare signatures. */
export function secondVerifierAccepts(signatures: readonly PlainSignature[]): readonly boolean[] {
  const input = signatures
    .map(([type, ...parts]) =>
      JSON.stringify([type, ...parts.map((part) => Buffer.from(part).toString("hex"))]),
    )
    .join("\n");
  const said = execFileSync("python3", ["-I", "-c", ASK, SECOND_VERIFIER], { input, encoding: "utf8" });
  return said
    .trimEnd()
    .split("\n")
    .map((line) => line === "1");
}
