// For tests: many processes that make the same calls at the same moment.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EscalationRecord } from "../escalations.ts";
import type { Resolution } from "../resolutions.ts";

const RECORDER: string = fileURLToPath(new URL("racing-recorder.ts", import.meta.url));

const COUNTER: string = fileURLToPath(new URL("racing-counter.ts", import.meta.url));

export type Race = { readonly processes: number; readonly calls: number };

/** Starts the processes, lets them go at the same moment, and returns what each printed. */
async function race(words: readonly string[], processes: number): Promise<unknown[]> {
  const children = Array.from({ length: processes }, () => {
    const child = spawn(process.execPath, ["--conditions=assent-source", ...words], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    return { child, output: () => output };
  });
  // All are loaded and waiting before the first may start.
  await Promise.all(children.map(async ({ child }) => await once(child.stdout, "data")));
  for (const { child } of children) child.stdin.end("go\n");
  return await Promise.all(
    children.map(async ({ child, output }): Promise<unknown> => {
      await once(child, "close");
      return JSON.parse(output().split("\n")[1] ?? "null");
    }),
  );
}

/** For each process, whether each of its calls opened an occurrence; call i records `records[i % records.length]`. */
export async function raceRecorders(
  root: string,
  records: readonly EscalationRecord[],
  { processes, calls }: Race,
): Promise<boolean[][]> {
  const work = `${root}/work.json`;
  writeFileSync(work, JSON.stringify({ root, records, calls }));
  const printed = await race([RECORDER, work], processes);
  return printed.map((answers) => {
    if (!Array.isArray(answers)) throw new Error("a recorder did not end well");
    return answers.map((answer) => answer === true);
  });
}

/** Every process counts the same experience so many times. */
export async function raceCounters(
  root: string,
  { patternId, resolutionId }: Resolution,
  { processes, calls }: Race,
): Promise<void> {
  const printed = await race([COUNTER, root, patternId, resolutionId, String(calls)], processes);
  if (printed.some((answer) => answer !== "done")) throw new Error("a counter did not end well");
}

const VICTIM: string = fileURLToPath(new URL("kill-victim.ts", import.meta.url));

/** How a process ended that was to die at its k-th file operation, and what it printed. */
export async function runVictim(
  root: string,
  act: string,
  k: number,
): Promise<{ readonly signal: string | null; readonly output: string }> {
  const child = spawn(process.execPath, ["--conditions=assent-source", VICTIM, root, act, String(k)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  await once(child, "close");
  return { signal: child.signalCode, output };
}
