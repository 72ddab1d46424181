// First starts of a server on a disk with ever more room, and on each once more when there is enough of it.
// Prints one line of JSON: what became of each.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { PRESENT_PROGRAM } from "../target/program-copy.ts";
import { until } from "../until.ts";
import { Ballast } from "./small-disk.ts";

const MIB = 1024 * 1024;
/** From not even a draft of a database to all migrations, and a little beyond. */
const ROOMS: readonly number[] = [
  0.5, 8, 20, 30, 36, 38.5, 38.6, 39, 40, 41, 41.5, 42, 42.5, 43, 43.5, 44, 45, 48,
].map((mib) => Math.round(mib * MIB));

type Outcome = {
  /** "listening", or the code of the refusal. */
  readonly said: string;
  readonly exitCode: number | null;
  /** Processes that are still in the home's folders. */
  readonly left: number;
};

const errorSchema = z.object({ error: z.object({ code: z.string() }) });

const [folder = ""] = process.argv.slice(2);
const report: { room: number; full: Outcome; mended: Outcome }[] = [];

function server(home: string): ChildProcess & { output: string } {
  const child = spawn(
    process.execPath,
    [PRESENT_PROGRAM, "--home", home, "server", "--port", "0", "--json"],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const told = Object.assign(child, { output: "" });
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    told.output += text;
  });
  return told;
}

async function start(home: string): Promise<Outcome> {
  const child = server(home);
  const exited = once(child, "exit");
  const isListening = (): boolean => child.output.includes('"listening"');
  await until(`${home} starts or refuses`, () => isListening() || child.exitCode !== null);
  if (isListening()) child.kill("SIGINT");
  await exited;
  const lines = child.output.trim().split("\n");
  const refused = lines.map((line) => errorSchema.safeParse(JSON.parse(line))).find(({ success }) => success);
  return {
    said: isListening() ? "listening" : (refused?.data?.error.code ?? "nothing"),
    exitCode: child.exitCode,
    left: countWithin(home),
  };
}

function countWithin(home: string): number {
  const isWithin = (pid: string): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(home);
    } catch {
      // It has ended.
      return false;
    }
  };
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isWithin(name)).length;
}

for (const room of ROOMS) {
  const home = join(folder, `home-${room}`);
  mkdirSync(home, { mode: 0o711 });
  writeFileSync(join(folder, "assent.config.json"), "{}");
  let full: Outcome;
  {
    using ballast = new Ballast(folder);
    ballast.fill(room);
    full = await start(home);
  }
  report.push({ room, full, mended: await start(home) });
  rmSync(home, { recursive: true });
}
process.stdout.write(`${JSON.stringify(report)}\n`);
