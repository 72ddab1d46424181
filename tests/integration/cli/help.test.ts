import { expect, test } from "vitest";
import { JSON_OUTPUTS } from "../../../packages/harness/src/cli/help.ts";
import { createProgram } from "../../../packages/harness/src/cli/program.ts";
import { openTerminal } from "./support/terminal.ts";

type Command = Pick<ReturnType<typeof createProgram>, "name" | "commands">;

/** The topics of `assent help` are commands without being any. */
const TOPICS = ["exit-codes", "json"];

function commandsBelow(command: Command, before: readonly string[] = []): string[] {
  const words = [...before, command.name()];
  if (command.commands.length === 0) return [words.slice(1).join(" ")];
  return command.commands.flatMap((sub) => commandsBelow(sub, words));
}

test("`assent help json` says of every command what it prints, and of no other", () => {
  const program = createProgram(async () => undefined, openTerminal(), "0.0.0-test");
  const commands = commandsBelow(program).filter((name) => !TOPICS.includes(name));
  const described = JSON_OUTPUTS.flatMap(([names]) => names.split(", "));
  expect(described.toSorted()).toEqual(commands.toSorted());
});
