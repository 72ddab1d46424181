// examples/fleet, held against the program that it starts: commands, options, paths, routes and variables that do not
// exist would otherwise be found by the first operator who uses them.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROUTES } from "@assent/contract";
import { expect, test } from "vitest";
import { z } from "zod";
import { createProgram } from "../../../packages/harness/src/cli/program.ts";
import { listFiles, read, ROOT } from "../../tidy/tree.ts";
import { openTerminal } from "./support/terminal.ts";

const FOLDER = "examples/fleet";
const COMPOSE = read(`${FOLDER}/compose.yaml`);
const DOCKERFILE = read(`${FOLDER}/Dockerfile`);
const UNITS = listFiles(`${FOLDER}/*.service`);

/** Other programs' variables, and families of addresses, which are no variables. */
const FOREIGN = /^(?:POSTGRES|AF)_/;
/** docs/fleet.md: how long a tool call that is under way is waited for. */
const TOOL_CALL_SECONDS_MAX = 120;

const manifestSchema = z.object({ name: z.string(), scripts: z.object({ build: z.string() }) });

const program = createProgram(async () => undefined, openTerminal(), "0.0.0-test");

type Command = ReturnType<typeof createProgram>;

const optionsOf = (command: Command): readonly string[] =>
  command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));

/** What is wrong with the arguments, given to this program. */
function faultsOf(argv: readonly string[]): readonly string[] {
  const name = argv.find((word) => program.commands.some((command) => command.name() === word));
  const command = program.commands.find((each) => each.name() === name);
  if (command === undefined) return [`no command in ${argv.join(" ")}`];
  const known = [...optionsOf(program), ...optionsOf(command)];
  return argv.filter((word) => word.startsWith("--") && !known.includes(word));
}

/** JSON arrays after that key or instruction. */
const arraysAfter = (text: string, word: string): readonly string[][] =>
  [...text.matchAll(new RegExp(`${word}:? (\\[[^\\]]*\\])`, "g"))].map((found) =>
    JSON.parse(found[1] ?? "[]"),
  );

test("the units start what there is, with options that it knows, and let a tool call end", () => {
  expect(UNITS).toHaveLength(2);
  for (const unit of UNITS) {
    const text = read(unit);
    const [node, file, ...argv] = (/^ExecStart=(.*)$/m.exec(text)?.[1] ?? "").split(" ");
    expect([node, file?.startsWith("/opt/assent/")]).toEqual(["/usr/bin/node", true]);
    expect(existsSync(join(ROOT, file?.slice("/opt/assent/".length) ?? ""))).toBe(true);
    expect(faultsOf(argv)).toEqual([]);
    const stopSeconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1]);
    expect(stopSeconds).toBeGreaterThan(argv[0] === "worker" ? TOOL_CALL_SECONDS_MAX : 0);
  }
});

test("the containers start what there is, with options that it knows, and let a tool call end", () => {
  const [entry] = arraysAfter(DOCKERFILE, "ENTRYPOINT");
  const [node, file, ...first] = entry ?? [];
  expect([node, file?.startsWith("/opt/assent/")]).toEqual(["node", true]);
  expect(existsSync(join(ROOT, file?.slice("/opt/assent/".length) ?? ""))).toBe(true);
  const commands = arraysAfter(COMPOSE, "command");
  expect(commands.map(([name]) => name)).toEqual(["server", "worker"]);
  expect(commands.flatMap((command) => faultsOf([...first, ...command]))).toEqual([]);
  expect(Number(/stop_grace_period: (\d+)s/.exec(COMPOSE)?.[1])).toBeGreaterThan(TOOL_CALL_SECONDS_MAX);
  expect(/dockerfile: (\S+)/.exec(COMPOSE)?.[1]).toBe(`${FOLDER}/Dockerfile`);
  expect(COMPOSE).toContain(`127.0.0.1:4200${ROUTES.getReadiness.path}'`);
});

test("every variable that they set or speak of is one that the program reads", () => {
  const configuration = read("packages/harness/src/config.ts");
  const named = new Set(
    [COMPOSE, DOCKERFILE, ...UNITS.map(read)].flatMap((text) =>
      [...text.matchAll(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g)].map(([name]) => name),
    ),
  );
  const unknown = [...named].filter(
    (name) => !FOREIGN.test(name) && !configuration.includes(`get("${name}")`),
  );
  expect([...named]).toEqual(expect.arrayContaining(["DATABASE_URL", "ASSENT_SECRET", "ASSENT_LOG"]));
  expect(unknown).toEqual([]);
});

test("an image brings the web console, built in a stage of its own", () => {
  const stages = DOCKERFILE.split(/^FROM /m).slice(1);
  expect(stages).toHaveLength(2);
  const { name, scripts } = manifestSchema.parse(JSON.parse(read("packages/console/package.json")));
  expect(scripts.build).toMatch(/^vite build\b/);
  expect(stages[0]).toContain(`npm run build --workspace=${name}\n`);
  // What was built elsewhere is not taken along, so the stage's own is all there is.
  expect(read(".dockerignore").split("\n")).toContain("**/dist");
  expect(stages[1]).toContain(
    "COPY --from=console /opt/assent/packages/console/dist packages/console/dist\n",
  );
  expect(stages[1]).toContain("npm ci --omit=dev");
});

test("an image holds nothing of an installation: no home, no history, no file of variables", () => {
  const ignored = read(".dockerignore").split("\n");
  expect(ignored).toEqual(expect.arrayContaining([".git", "**/.assent", "**/.env", "**/node_modules"]));
});
