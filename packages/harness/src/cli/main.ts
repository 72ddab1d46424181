// Entry of the command line: words in, exit code out. Whatever happens, it is said in one line.

import { type Command, CommanderError } from "commander";
import { err, type Result } from "../base/result.ts";
import { createContext, type GlobalFlags } from "./context.ts";
import { EXIT_CODES, type ExitName } from "./exit-codes.ts";
import { type Failure, usageFailure } from "./failure.ts";
import { visibleJson } from "./output/visible.ts";
import { createProgram } from "./program.ts";
import { failureLine } from "./report.ts";
import type { Deps, Io } from "./world.ts";

/** @param argv the words after the program's own name */
export async function run(argv: readonly string[], io: Io, deps: Deps): Promise<number> {
  let outcome: Result<ExitName, Failure> = err(
    usageFailure("command_missing", "no command was given", "See `assent --help`."),
  );
  const program = createProgram(
    async (command) => {
      outcome = await command(createContext(program.opts<GlobalFlags>(), io, deps));
    },
    io,
    deps.version,
  );
  const endOf = (failure: Failure): number => {
    const said = { ...failure, detail: deps.redact(failure.detail) };
    io.err(`${failureLine(said)}\n`);
    if (isJson(argv)) emitError(io, said);
    return EXIT_CODES[failure.exit].code;
  };
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return endOfParsing(error, helpOf(program, argv), argv, io);
    return endOf(internalFailure(error));
  }
  return outcome.ok ? EXIT_CODES[outcome.value].code : endOf(outcome.error);
}

// Help and version end parsing by an error too; commander has written what there is to say by then.
function endOfParsing(error: CommanderError, help: string, argv: readonly string[], io: Io): number {
  if (error.exitCode === 0) return EXIT_CODES.ok.code;
  // Instead of saying what is wrong it shows the help, where no command is named and where `help` is asked for an unknown one.
  const isHelp = error.code === "commander.help";
  const detail = isHelp
    ? "no command was given, or none that there is"
    : error.message
        .replace(/^error: /, "")
        .trim()
        .replace(/\s*\n\s*/g, " ");
  const failure = usageFailure("usage", detail, `See \`${help}\`.`);
  // The words that it repeats are made safe for the terminal.
  io.err(`${failureLine(failure)}\n`);
  if (isJson(argv)) emitError(io, failure);
  return EXIT_CODES.usage.code;
}

// The help of the command that the words come to: another's does not have its options.
function helpOf(program: Command, argv: readonly string[]): string {
  let command = program;
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    const option = program.options.find(({ long }) => long === word);
    if (option?.required === true) at += 1;
    if (word.startsWith("-")) continue;
    const below = command.commands.find((one) => one.name() === word);
    if (below === undefined) break;
    command = below;
  }
  const names: string[] = [];
  for (let one: Command | null = command; one !== null; one = one.parent) names.unshift(one.name());
  return `${names.join(" ")} --help`;
}

function emitError(io: Io, { code, detail, remedy, exit }: Failure): void {
  io.out(`${visibleJson({ error: { code, detail, remedy, exit_code: EXIT_CODES[exit].code } }, 0)}\n`);
}

function internalFailure(error: unknown): Failure {
  return {
    exit: "internal",
    code: "internal_error",
    detail: describe(error),
    remedy: "Please report it.",
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : "something went wrong";
}

// Asked of the words themselves, because it must be known even where they do not parse.
function isJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes("--json");
}
