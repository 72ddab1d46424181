// A line of the command line, as a page or an error writes it, held against the grammar.

import { createProgram } from "../../packages/harness/src/cli/program.ts";
import { openTerminal } from "../integration/cli/support/terminal.ts";

type Command = ReturnType<typeof createProgram>;

/** Words of a shell's line up to its comment or its next command; null: it is no line of ours. */
export function wordsOf(line: string): string[] | null {
  const [, said = ""] = /^\s*(?:[A-Z][A-Z_]*=\S*\s+)*(?:npx )?assent(?= )(.*)$/su.exec(line) ?? [];
  if (said === "") return null;
  const words = said.match(/'[^']*'|"[^"]*"|[^\s'"]+/gu) ?? [];
  const end = words.findIndex((word) => /^(?:#|;|&&?|\|\|?|>|#.*)$/u.test(word));
  return (end === -1 ? words : words.slice(0, end)).map((word) => word.replaceAll(/^['"]|['"]$/gu, ""));
}

// What a page leaves out of an id is filled in: `run_01a1…`, `doc_…`.
const filled = (word: string): string =>
  word
    .replace(/^([a-z]{3})_[0-9a-f]*…$/u, `$1_${"0".repeat(32)}`)
    .replace(/^<entry>$/u, "7")
    .replace(/^…$/u, "x");

/** @returns what is wrong with the line as a whole: names, options and their values, arguments; null where nothing is */
export async function faultOfLine(words: readonly string[]): Promise<string | null> {
  const terminal = openTerminal();
  let isDone = false;
  const program = createProgram(async () => await Promise.resolve(void (isDone = true)), terminal, "0.0.0");
  try {
    await program.parseAsync(words.map(filled), { from: "user" });
  } catch (error) {
    // Help ends parsing by an error, too.
    if (error instanceof Error && "exitCode" in error && error.exitCode === 0) return null;
    return error instanceof Error ? error.message : "not parsed";
  }
  return isDone ? null : "it names no command that does anything";
}

const grammar = createProgram(async () => {}, openTerminal(), "0.0.0");

/** Help, and the topics of `assent help`. */
const HELP = ["help"];

/** @returns what is wrong with the names of commands and options; arguments may be missing, since prose leaves them out */
export function faultOfNames(words: readonly string[]): string | null {
  let command = grammar;
  let rest = words.map((word) => word.replaceAll(/[[\]]/gu, "").replace(/[.,:;…]+$/u, ""));
  while (rest.length > 0) {
    const [word = "", ...after] = rest;
    rest = after;
    if (word === "" || word.startsWith("<")) continue;
    if (word.startsWith("-")) {
      const option = optionOf(command, word);
      if (option === "unknown") return `${nameOf(command)} has no ${word}`;
      if (option === "valued") rest = rest.slice(1);
      continue;
    }
    if (command.commands.length === 0 || HELP.includes(word)) continue;
    const below = word.split("|").map((name) => command.commands.find((one) => one.name() === name));
    const [sub] = below;
    if (sub === undefined || below.includes(undefined)) return `${nameOf(command)} has no command ${word}`;
    command = sub;
  }
  return null;
}

function optionOf(command: Command, word: string): "unknown" | "valued" | "flag" {
  const [name = ""] = word.split("=");
  if (name === "--help" || name === "-h") return "flag";
  const options = [...command.options, ...grammar.options];
  const option = options.find((one) => one.long === name || one.short === name);
  if (option === undefined) return "unknown";
  return option.required && !word.includes("=") ? "valued" : "flag";
}

function nameOf(command: Command): string {
  const parent = command.parent;
  return parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}
