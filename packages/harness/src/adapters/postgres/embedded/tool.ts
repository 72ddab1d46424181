// Runs one of Postgres's own programs to its end: never through a shell, never with our environment (it may hold
// keys, and PG* variables would redirect the program), and as another user when we are root.

import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import { errorCode } from "./refusal.ts";

/** Whom a child runs as; undefined is ourselves. */
export type Identity = { readonly uid: number; readonly gid: number };

export type ToolRun =
  | { readonly started: true; readonly exitCode: number | undefined; readonly output: string }
  | { readonly started: false; readonly errno: string };

/** Enough for every message of initdb; more is cut from the front. */
const OUTPUT_CHARS_MAX = 16_384;

// Messages are matched in English, and useradd and getent may live in sbin.
export const TOOL_ENVIRONMENT: NodeJS.ProcessEnv = {
  LC_ALL: "C",
  TZ: "UTC",
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
};

export async function runTool(
  file: string,
  args: readonly string[],
  options: { identity?: Identity | undefined; signal?: AbortSignal | undefined },
): Promise<ToolRun> {
  const { promise, resolve, reject } = Promise.withResolvers<ToolRun>();
  // Our own working folder may be closed to the other user.
  const child = spawn(file, [...args], {
    cwd: "/",
    env: TOOL_ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
    ...options.identity,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder("utf8");
    stream?.on("data", (chunk: Buffer) => {
      output = (output + decoder.write(chunk)).slice(-OUTPUT_CHARS_MAX);
    });
  }
  child.once("error", (error) => {
    if (options.signal?.aborted === true) reject(error);
    else resolve({ started: false, errno: errorCode(error) ?? error.message });
  });
  child.once("close", (code) => {
    resolve({ started: true, exitCode: code ?? undefined, output });
  });
  return await promise;
}
