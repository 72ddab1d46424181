// Names of what is half made, such that a later process can tell whether its maker is dead and sweep it away, and
// never takes what a living one is still making.

import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { Random } from "../../ports.ts";
import { systemCode } from "./file-error.ts";

/** Older leftovers of other machines are swept: everything that is made here has a time limit far below. */
const FOREIGN_LEFTOVER_HOURS_MAX = 24;

const HOST: string = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
const NAME = /^\.making-(?<host>[0-9a-f]{8})-(?<pid>\d{1,10})-[0-9a-f]{32}$/u;

// What this process is making now. A leftover under its process id that is not in here is of an earlier process.
const ours = new Set<string>();

/** Makes something under a staging name; the name counts as abandoned as soon as the work has ended. */
export async function withStagingName<T>(random: Random, work: (name: string) => Promise<T>): Promise<T> {
  const name = `.making-${HOST}-${process.pid}-${Buffer.from(random.bytes(16)).toString("hex")}`;
  ours.add(name);
  try {
    return await work(name);
  } finally {
    ours.delete(name);
  }
}

/** @param modifiedAtMs when the thing was last changed; only asked for names of other machines */
export function isAbandoned(name: string, modifiedAtMs: number): boolean {
  const parts = NAME.exec(name)?.groups;
  if (parts === undefined) return false;
  if (parts["host"] !== HOST) return Date.now() - modifiedAtMs > FOREIGN_LEFTOVER_HOURS_MAX * 3_600_000;
  const pid = Number(parts["pid"]);
  return pid === process.pid ? !ours.has(name) : !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}
