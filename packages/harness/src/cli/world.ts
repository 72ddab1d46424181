// What a command sees of the world outside. The process gives the real one, a test its own.

import type { Environment } from "./environment.ts";
import type { StartHarness } from "./start.ts";

export type Io = {
  /** Standard output and standard error, as they come: nothing is added. */
  out(text: string): void;
  err(text: string): void;
  readonly inIsTerminal: boolean;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Asks on standard error. Null: the input ended, or the signal was aborted. */
  ask(question: string, signal: AbortSignal): Promise<string | null>;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** Calls back for each SIGINT or SIGTERM until the returned function is called. */
  onStopSignal(handle: (name: string) => void): () => void;
  /** Ends the process there and then. */
  exitNow(code: number): void;
};

export type GitOutcome = { readonly ok: boolean; readonly output: string };

export type Deps = {
  readonly startHarness: StartHarness;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: { now(): Date; sleep(ms: number, signal: AbortSignal): Promise<void> };
  /** A new idempotency key: never given twice. */
  readonly newKey: () => string;
  readonly environment: Environment;
  /** Takes what this process was told in confidence out of what it says of its failures. */
  readonly redact: (text: string) => string;
  /** Runs git with exactly these arguments, no shell; `index` is a private index file for this call. */
  readonly git: (args: readonly string[], options: { cwd: string; index?: string }) => Promise<GitOutcome>;
  /** Where the command was started; absolute. */
  readonly cwd: string;
  readonly pid: number;
  readonly version: string;
};
