// What a command gets where nobody asks for less.

import type { SandboxLimits } from "../../ports.ts";

const MIB = 1024 * 1024;

/** Room for a build or a test run of a middle-sized project; nothing that could starve the harness beside it. */
export const SANDBOX_LIMITS: SandboxLimits = {
  wallClockMs: 60_000,
  cpuSeconds: 60,
  memoryBytes: 2_048 * MIB,
  addressSpaceBytes: 8_192 * MIB,
  processes: 128,
  openFiles: 512,
  fileBytes: 256 * MIB,
  diskBytes: 512 * MIB,
  diskEntries: 50_000,
  temporaryBytes: 128 * MIB,
  outputBytes: 128 * 1024,
};
