// The verifier in another language (packages/tlog/verify.py), as a program. Where there is no python3 it says so, and nothing
// was looked at.

import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { z } from "zod";

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

const endedSchema = z.object({ code: z.int(), said: z.string() });
export type Ended = z.infer<typeof endedSchema>;

// The program's own main, as often as it is asked: to start it for each would take several times as long as what it does.
const SERVE = `
import contextlib, io, json, runpy, sys
main = runpy.run_path(sys.argv[1], run_name="served")["main"]
for line in sys.stdin:
    said, code = io.StringIO(), -1
    sys.argv = [sys.argv[0], *json.loads(line)]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code
        except BaseException as error:
            print("Traceback:", repr(error))
    print(json.dumps({"code": code, "said": said.getvalue()}), flush=True)
`;

let served: ChildProcessByStdio<Writable, Readable, null> | null = null;
let last: Promise<unknown> = Promise.resolve();
let answered: PromiseWithResolvers<string> | null = null;

function serve(): ChildProcessByStdio<Writable, Readable, null> {
  const child = spawn("python3", ["-I", "-c", SERVE, SECOND_VERIFIER], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  // It ends with whoever asks it: its input ends then.
  child.unref();
  child.once("exit", (code) => {
    answered?.reject(new Error(`the second verifier ended with ${String(code)}`));
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    answered?.resolve(line);
  });
  return child;
}

/** What it says, and its exit code; -1 where it broke. One after the other. */
export async function secondVerifier(...words: readonly string[]): Promise<Ended> {
  const before = last;
  const mine = Promise.withResolvers<undefined>();
  last = mine.promise;
  await before;
  try {
    served ??= serve();
    answered = Promise.withResolvers();
    served.stdin.write(`${JSON.stringify(words)}\n`);
    return endedSchema.parse(JSON.parse(await answered.promise));
  } finally {
    mine.resolve(undefined);
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

const OPEN = `
import json, runpy, sys
opened = runpy.run_path(sys.argv[1], run_name="vectors")["opened_text"]
for line in sys.stdin:
    text = opened(*map(bytes.fromhex, json.loads(line)))
    print("none" if text is None else text.hex() or "empty")
`;

export type SealedBytes = Readonly<Record<"key" | "nonce" | "aad" | "tag" | "sealed", Uint8Array>>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What its own AES-256-GCM opens, in hex; null where it refuses to. */
export function secondVerifierOpens(all: readonly SealedBytes[]): readonly (string | null)[] {
  const input = all
    .map(({ key, nonce, aad, tag, sealed }) => JSON.stringify([key, nonce, aad, tag, sealed].map(hex)))
    .join("\n");
  const said = execFileSync("python3", ["-I", "-c", OPEN, SECOND_VERIFIER], { input, encoding: "utf8" });
  return said
    .trimEnd()
    .split("\n")
    .map((line) => (line === "none" ? null : line === "empty" ? "" : line));
}
