import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { JSON_OUTPUTS } from "../../../packages/harness/src/cli/help.ts";
import { createProgram } from "../../../packages/harness/src/cli/program.ts";
import { run } from "../../../packages/harness/src/cli/main.ts";
import { createDeps, makeFolder } from "./support/command.ts";
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

test.each([[["help", "nonsense"]], [["budget"]], [[]]])(
  "%j is wrong, and what is wrong is said",
  async (words) => {
    const terminal = openTerminal();
    const code = await run([...words, "--json"], terminal, createDeps(await makeFolder()));
    expect(code).toBe(2);
    expect(terminal.stderr()).toContain("no command was given, or none that there is (usage)");
    expect(JSON.parse(terminal.stdout())).toMatchObject({
      error: { code: "usage", detail: "no command was given, or none that there is" },
    });
  },
);

test.each([
  [["runs", "--sttus", "failed"], "unknown option '--sttus' (Did you mean --status?)", "assent runs --help"],
  [["keys", "create"], "missing required argument 'principal'", "assent keys create --help"],
  [
    ["--home", "keys", "audit", "mirror", "x", "--open"],
    "unknown option '--open' (Did you mean --token?)",
    "assent audit mirror --help",
  ],
  [["keys", "crate"], "unknown command 'crate' (Did you mean create?)", "assent keys --help"],
  [["hlep"], "unknown command 'hlep' (Did you mean help?)", "assent --help"],
])("%j is wrong, and the help that is named is of that command", async (words, detail, help) => {
  const terminal = openTerminal();
  expect(await run([...words, "--json"], terminal, createDeps(await makeFolder()))).toBe(2);
  expect(terminal.stderr()).toBe(`assent: ${detail} (usage). See \`${help}\`.\n`);
  expect(JSON.parse(terminal.stdout())).toMatchObject({ error: { detail, remedy: `See \`${help}\`.` } });
});

test("what holds no receipt is named", async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, "leaf.txt"), "{}");
  const key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
  for (const [words, said] of [
    [["leaf.txt", "--key", key], "leaf.txt holds no receipt (receipt_invalid)"],
    [["leaf.txt"], "No key was given (key_missing)"],
  ] as const) {
    const terminal = openTerminal();
    expect(await run(["audit", "receipt", ...words], terminal, createDeps(folder))).toBe(2);
    expect(terminal.stderr()).toContain(said);
  }
});
