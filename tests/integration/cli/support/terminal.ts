// A terminal that a test holds both ends of.

import type { Io } from "../../../../packages/harness/src/cli/world.ts";

export type Terminal = Io & {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Questions that were asked, in order. */
  readonly questions: string[];
  readonly exits: number[];
  /** Resolves once standard output or error holds the text. */
  seen(text: string): Promise<void>;
  signal(name: string): void;
  readonly listeners: () => number;
};

export type TerminalOptions = {
  /** All three streams are terminals. */
  readonly interactive?: boolean;
  readonly stdoutIsFile?: boolean;
  /** One answer for each question; null: nobody answers until the question is withdrawn. */
  readonly answers?: readonly (string | null)[];
  readonly input?: string;
};

export function openTerminal(options: TerminalOptions = {}): Terminal {
  const interactive = options.interactive === true;
  const answers = [...(options.answers ?? [])];
  const questions: string[] = [];
  const exits: number[] = [];
  const waiters: { text: string; resolve: () => void }[] = [];
  const handlers = new Set<(name: string) => void>();
  let stdout = "";
  let stderr = "";
  const wake = (): void => {
    for (const waiter of waiters) if ((stdout + stderr).includes(waiter.text)) waiter.resolve();
  };
  return {
    inIsTerminal: interactive,
    outIsTerminal: interactive && options.stdoutIsFile !== true,
    errIsTerminal: interactive,
    out: (text) => {
      stdout += text;
      wake();
    },
    err: (text) => {
      stderr += text;
      wake();
    },
    ask: async (question, signal) => {
      questions.push(question);
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`nobody was to be asked: ${question}`);
      if (answer !== null) return answer;
      if (signal.aborted) return null;
      const { promise, resolve } = Promise.withResolvers<null>();
      signal.addEventListener("abort", () => {
        stderr += "(withdrawn)";
        wake();
        resolve(null);
      });
      return await promise;
    },
    readInput: async () => await Promise.resolve(options.input ?? ""),
    onStopSignal: (handle) => {
      handlers.add(handle);
      return () => handlers.delete(handle);
    },
    exitNow: (code) => void exits.push(code),
    stdout: () => stdout,
    stderr: () => stderr,
    questions,
    exits,
    seen: async (text) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiters.push({ text, resolve });
      wake();
      await promise;
    },
    signal: (name) => {
      for (const handle of handlers) handle(name);
    },
    listeners: () => handlers.size,
  };
}
