// What a command's exit code means, in one table: the help, the docs and the code read it from here.

export const EXIT_CODES = {
  ok: { code: 0, meaning: "Done. For a run that was waited for: it succeeded." },
  failed: {
    code: 1,
    meaning:
      "The run that was waited for failed, was cancelled or was parked as a dead letter; or a verification found something wrong; or a dead letter was left; or `demo` did not prove what it should.",
  },
  usage: {
    code: 2,
    meaning: "The command line cannot be carried out as it is. Nothing was sent.",
  },
  unreachable: {
    code: 3,
    meaning: "The server cannot be reached, or what answers does not speak Assent's contract.",
  },
  refused: { code: 4, meaning: "The server refused. The code and the remedy are its own." },
  waiting: {
    code: 5,
    meaning:
      "A run waits for an approval: `run --wait` came to a gate, or the question was not answered yes.",
  },
  cannot_start: { code: 6, meaning: "`up` could not start the harness." },
  internal: { code: 70, meaning: "A bug in Assent itself." },
  interrupted: { code: 130, meaning: "Interrupted (Ctrl-C, SIGTERM) before the end." },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>;

export type ExitName = keyof typeof EXIT_CODES;

export function exitCodeTable(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`)
    .join("\n");
}
