// One process of a fleet, server or worker, as its operator would start it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { z } from "zod";
import { compiledBefore } from "../compiled.ts";
import { until } from "../until.ts";
import type { Installation } from "./installation.ts";
import { PRESENT_PROGRAM } from "./program-copy.ts";

const START_MS_MAX = 600_000;
const ERROR_CHARS_MAX = 2_000;

export type Member = {
  readonly role: "server" | "worker";
  child: ChildProcess;
  url: string;
  isReady: boolean;
  /** It has heard that it is to end. */
  isStopping: boolean;
  /** The end of what it wrote to its standard error: why it ended, if it did so by itself. */
  errors: string;
};

const lineSchema = z.looseObject({ event: z.string(), url: z.string().optional() });

/** Spawned at once; ready when it says so, which it never does when it is killed before. */
export function spawnMember(
  { home, configFile, folder, environment }: Installation,
  role: Member["role"],
  program: string = PRESENT_PROGRAM,
): Member {
  const flags = ["--json", ...(role === "server" ? ["--port", "0"] : [])];
  const child = spawn(process.execPath, [program, role, ...flags, "--home", home, "--config", configFile], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      ...compiledBefore(),
      ...environment,
    },
  });
  const member: Member = { role, child, url: "", isReady: false, isStopping: false, errors: "" };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    member.errors = (member.errors + text).slice(-ERROR_CHARS_MAX);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const parsed = lineSchema.safeParse(JSON.parse(line));
    if (parsed.success && parsed.data.event === "stopping") member.isStopping = true;
    if (!parsed.success || !["listening", "working"].includes(parsed.data.event)) return;
    member.url = parsed.data.url ?? "";
    member.isReady = true;
  });
  return member;
}

export async function untilReady(member: Member): Promise<void> {
  const isDecided = (): boolean => member.isReady || hasEnded(member);
  await until(() => `a ${member.role} is ready: ${member.errors}`, isDecided, START_MS_MAX);
  if (!member.isReady) throw new Error(`a ${member.role} ended before it was ready: ${member.errors}`);
}

export const hasEnded = ({ child }: Member): boolean => child.exitCode !== null || child.signalCode !== null;

export async function endMember(member: Member, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(member)) return;
  const exited = once(member.child, "exit");
  member.child.kill(signal);
  await exited;
}
