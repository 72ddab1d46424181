// A witness as an operator runs one: `assent audit witness`, a process of its own, on loopback.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const PROGRAM = fileURLToPath(new URL("../../packages/harness/bin/assent.mjs", import.meta.url));
const listeningSchema = z.object({ url: z.string(), vkey: z.string() });

export type WitnessProcess = {
  readonly url: string;
  readonly vkey: string;
  /** SIGKILL: what it has in memory is gone. */
  kill(): Promise<void>;
};

/** @param port 0 for any free one; @param logs verifier keys of the logs that it knows */
export async function startWitnessProcess(
  state: string,
  logs: readonly string[],
  port = 0,
): Promise<WitnessProcess> {
  const args = [
    "audit",
    "witness",
    "--state",
    state,
    "--name",
    "witness.example/one",
    "--port",
    String(port),
  ];
  const child: ChildProcess = spawn(
    process.execPath,
    [PROGRAM, ...args, ...logs.flatMap((vkey) => ["--log", vkey]), "--json"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(child, "exit");
  if (child.stdout === null) throw new Error("the witness has an output");
  for await (const line of createInterface(child.stdout)) {
    const { url, vkey } = listeningSchema.parse(JSON.parse(line));
    return {
      url,
      vkey,
      kill: async () => {
        child.kill("SIGKILL");
        await ended;
      },
    };
  }
  throw new Error("the witness ended before it listened");
}
