// Descriptors that our own starter left open in us. Node gives them on to every child, past all namespaces: a folder
// or socket of the machine in a sandbox's hand.

import { readdirSync, readFileSync } from "node:fs";
import { systemCode } from "../files/file-error.ts";

/** fcntl.h, octal, as /proc/self/fdinfo shows it. */
const CLOSE_ON_EXEC = 0o2_000_000;

/** Numbers above the standard three that would survive the start of another program. Node's own never do. */
export function inheritedDescriptors(): readonly number[] {
  return readdirSync("/proc/self/fdinfo")
    .map(Number)
    .filter((descriptor) => descriptor > 2 && survives(descriptor));
}

function survives(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/mu.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch (error) {
    // The one that listed the folder is closed by now.
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}
