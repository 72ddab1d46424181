// One `assent up` as a child process, as an operator would start it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Installation } from "./installation.ts";

const PROGRAM = fileURLToPath(new URL("../../../packages/harness/bin/assent.mjs", import.meta.url));

/** The first start unpacks and makes a database cluster, on a machine that is busy with other tests. */
const START_MS_MAX = 600_000;
/** A clean end gives back work and stops the database; past this it hangs. */
const STOP_MS_MAX = 30_000;

export type ServerProcess = {
  readonly url: string;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

type Listening = { readonly event: "listening"; readonly url: string };

const isListening = (value: unknown): value is Listening =>
  typeof value === "object" &&
  value !== null &&
  "event" in value &&
  value.event === "listening" &&
  "url" in value &&
  typeof value.url === "string";

async function awaitListening(child: ChildProcess, errors: () => string): Promise<string> {
  if (child.stdout === null) throw new Error("the server has no output");
  const lines = createInterface({ input: child.stdout });
  const listening = (async (): Promise<string> => {
    for await (const line of lines) {
      if (!line.startsWith("{")) continue;
      const event: unknown = JSON.parse(line);
      if (!isListening(event)) continue;
      return event.url;
    }
    throw new Error(`assent up ended before it listened: ${errors()}`);
  })();
  const late = new Promise<never>((_, reject) => {
    AbortSignal.timeout(START_MS_MAX).addEventListener("abort", () => {
      reject(new Error(`assent up does not listen after ${START_MS_MAX} ms: ${errors()}`));
    });
  });
  return await Promise.race([listening, late]);
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, "exit", { signal: AbortSignal.timeout(STOP_MS_MAX) });
  child.kill(signal);
  await exited;
}

export async function startServerProcess(installation: Installation): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [
      PROGRAM,
      "up",
      "--json",
      "--port",
      "0",
      "--home",
      installation.home,
      "--config",
      installation.configFile,
    ],
    {
      cwd: installation.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...cleanEnvironment(), ...installation.environment },
    },
  );
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  try {
    const url = await awaitListening(child, () => errors.slice(-4_000));
    child.stdout.resume();
    return {
      url,
      stop: async () => {
        await end(child, "SIGTERM");
      },
      kill: async () => {
        await end(child, "SIGKILL");
      },
    };
  } catch (error) {
    await end(child, "SIGKILL");
    throw error;
  }
}

// A key or database of the person who runs the tests must not end up in what is tested.
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "LANG", "TMPDIR", "SystemRoot", "NODE_COMPILE_CACHE"];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
