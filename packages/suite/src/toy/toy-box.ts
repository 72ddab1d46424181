// The toy's sandbox: no processes, but a shell of half a dozen commands on files of its own, so that the toy runs on any
// machine. It understands what the scenario of the sandbox says, and has that scenario's walls, each of which can be missing.

import type { WebHost } from "../faults/web-host.ts";
import { send } from "../http.ts";
import type { Breaks } from "./toy-run.ts";

/** What lies outside of every program's copy. */
export type ToyOutside = {
  readonly path: string;
  text: string;
  readonly variable: { readonly name: string; readonly value: string };
};

export const OUTSIDE_PATH = "/outside/of/the/toy";
export const OUTSIDE_TEXT = "canary-of-a-file-outside-the-toy";

export const createOutside = (): ToyOutside => ({
  path: OUTSIDE_PATH,
  text: OUTSIDE_TEXT,
  variable: { name: "TOY_CANARY", value: "canary-of-the-environment-of-the-toy" },
});

type Box = {
  readonly breaks: Breaks;
  readonly outside: ToyOutside;
  readonly host: WebHost;
};

/** @returns what the program said, and what it has made; both empty where programs are not run */
export async function runProgram(
  argv: readonly string[],
  box: Box,
): Promise<{ readonly said: string; readonly made: string | null }> {
  if (box.breaks.has("box.none")) return { said: "", made: null };
  if (box.breaks.has("box.words") && /\bcat |\/dev\/tcp/u.test(argv.at(-1) ?? ""))
    return { said: "", made: null };
  let [said, made]: [string, string | null] = ["", null];
  for (const command of (argv.at(-1) ?? "").split(";")) {
    const text = await runCommand(command.trim(), box);
    if (!/ > [\w.]+$/u.test(command.trim())) said += text;
    else if (!box.breaks.has("box.lost")) made = text;
  }
  return { said, made };
}

const CONNECT_MS_MAX = 2_000;

async function runCommand(command: string, { breaks, outside, host }: Box): Promise<string> {
  const { name, value } = outside.variable;
  const namesOutside = command.includes(outside.path);
  if (command.startsWith("printf")) return printed(command);
  if (command === "env" || command.includes("/environ"))
    return breaks.has("box.env") ? `${name}=${value}\n` : "PATH=/bin\n";
  if (command.includes("/dev/tcp/") && breaks.has("box.net")) {
    const request = { method: "GET", path: "/", headers: {}, body: null };
    const limits = { timeoutMs: CONNECT_MS_MAX, signal: new AbortController().signal };
    await send(`http://127.0.0.1:${host.port}`, request, limits);
  }
  if (command.startsWith("echo") && namesOutside && breaks.has("box.write")) outside.text += "written\n";
  if (command.includes("cat ") && namesOutside && breaks.has("box.read")) return outside.text;
  return "";
}

/** `printf 'format' 'word' 'word'`. */
function printed(command: string): string {
  const [format = "", ...words] = [...command.matchAll(/'([^']*)'/gu)].map(([, word = ""]) => word);
  return words.reduce((text, word) => text.replace("%s", word), format).replaceAll("\\n", "\n");
}
