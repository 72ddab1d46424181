// What runs a program that nobody trusts. The program works on a copy of the run's files, owned by somebody who may
// touch nothing else; what it changed is taken over by the harness afterwards, under the rules for every write.

import type { Result } from "../../base/result.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Workspace } from "../../ports.ts";

/** What a sandbox needs of a workspace. Without `remove` files that a command deleted stay, and the outcome says so. */
export type SandboxWorkspace = Pick<Workspace, "walk" | "read" | "write"> & {
  readonly remove?: (path: string) => Promise<Result<null, StepError>>;
};

export type SandboxLimits = {
  readonly wallClockMs: number;
  /** Processor time of each process. */
  readonly cpuSeconds: number;
  /** Resident memory of all processes together (watched), and private writable memory of each (by the kernel). */
  readonly memoryBytes: number;
  /** Address space of each process: runtimes reserve far more than they use. */
  readonly addressSpaceBytes: number;
  /** Processes and threads of the command at one time. */
  readonly processes: number;
  readonly openFiles: number;
  /** Of one file. */
  readonly fileBytes: number;
  /** Of the copy of the workspace, together (watched). */
  readonly diskBytes: number;
  /** Files and folders in the copy of the workspace (watched), and in the temporary folders. */
  readonly diskEntries: number;
  /** Each of /tmp, /dev/shm and the home folder; they are memory. */
  readonly temporaryBytes: number;
  /** Kept of each of standard output and standard error; the rest is read and thrown away. */
  readonly outputBytes: number;
};

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

export type SandboxRequest = {
  /** Program and arguments; no shell reads them. */
  readonly argv: readonly string[];
  /** A folder of the workspace; empty for its root. */
  readonly cwd: string;
  readonly stdin?: Uint8Array;
  readonly limits?: Partial<SandboxLimits>;
  readonly signal: AbortSignal;
};

/** `exited`: by itself; a signal shows as 128 + its number, as in a shell. All others: killed by the sandbox. */
export type SandboxEnd =
  | { readonly how: "exited"; readonly code: number }
  | { readonly how: "timed_out" }
  | { readonly how: "aborted" }
  | { readonly how: "limit"; readonly limit: "memory" | "disk" | "output" };

export type CappedText = { readonly text: string; readonly bytesDropped: number };

/** Something that the command left behind and that the workspace did not take. */
export type LeftOver = { readonly path: string; readonly because: string };

export type SandboxOutcome = {
  readonly end: SandboxEnd;
  readonly stdout: CappedText;
  readonly stderr: CappedText;
  /** What the workspace took over. Nothing is taken of a command that was killed. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly leftOver: readonly LeftOver[];
  /** Files of the workspace that the command could not see: links, and files above the size limit. */
  readonly unseen: readonly string[];
};

export type Sandbox = {
  /** An error: nothing was run. Rejects only when the sandbox itself is broken or cannot end what it started. */
  run(request: SandboxRequest, workspace: SandboxWorkspace): Promise<Result<SandboxOutcome, StepError>>;
};

export type SandboxRefusal = {
  readonly reason:
    | "platform_unsupported"
    | "bubblewrap_missing"
    | "limiter_missing"
    | "account_missing"
    | "namespaces_forbidden"
    | "does_not_block";
  /** One line: why commands cannot be run here. */
  readonly message: string;
  /** One line: what to do about it. */
  readonly remedy: string;
};
