// assent-suite drill: the failure drills against a harness at a URL, with its tool's effects counted here.

import { type Command, InvalidArgumentError } from "commander";
import type { Trial } from "../evidence.ts";
import { trialLine } from "../reports/summary.ts";
import { runTrials } from "../runner.ts";
import { PACE } from "../scenario.ts";
import { foreignTarget, type Target } from "../target.ts";
import { startToolSink, type ToolSink } from "../tool-sink.ts";
import { DRILLS } from "./drills.ts";
import { serverChild, type ServerChild } from "./server-child.ts";

type DrillOptions = {
  readonly token?: string;
  readonly approverToken?: string;
  readonly also: readonly string[];
  readonly runBody: unknown;
  readonly effectFirst?: unknown;
  readonly sinkPort: number;
  readonly server?: readonly string[];
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidArgumentError("It must be JSON.");
  }
}

function parseArgv(text: string): readonly string[] {
  const argv = parseJson(text);
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((part) => typeof part === "string"))
    throw new InvalidArgumentError("It must be a JSON array of strings: a program and its arguments.");
  return argv;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("It must be a port.");
  return port;
}

function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new InvalidArgumentError("It must be an http URL.");
  return text.replace(/\/$/, "");
}

function targetOf(url: string, options: DrillOptions, sink: ToolSink, server: ServerChild | null): Target {
  const { token, approverToken = token } = options;
  const target = foreignTarget({
    urls: [url, ...options.also],
    keys: {
      ...(token === undefined ? {} : { requester: token }),
      ...(approverToken === undefined ? {} : { approver: approverToken }),
    },
    runBody: options.runBody,
    without: [],
    sink,
  });
  return {
    ...target,
    ...(options.effectFirst === undefined ? {} : { drills: { effectFirst: options.effectFirst } }),
    ...(server === null ? {} : { kill: async () => await server.killAndStart() }),
  };
}

/** @returns the exit code: 0 where nothing failed and something was shown, else 1 */
async function drill(url: string, options: DrillOptions, print: (line: string) => void): Promise<number> {
  const sink = await startToolSink(options.sinkPort);
  const server = options.server === undefined ? null : serverChild(options.server, url);
  try {
    await server?.start();
    print(`the effects of the run's tool are counted at ${sink.url}`);
    const target = targetOf(url, options, sink, server);
    const trials = await runTrials(DRILLS, target, { seed: 1, pace: PACE }, (trial) => {
      const [head = "", ...more] = trialLine(trial).split("\n");
      print([`${head}${countOf(trial)}`, ...more].join("\n"));
    });
    const passed = trials.filter(({ verdict }) => verdict === "PASS").length;
    const skipped = trials.filter(({ verdict }) => verdict === "SKIP").length;
    print(`${passed} passed, ${trials.length - passed - skipped} failed, ${skipped} skipped`);
    return passed > 0 && passed + skipped === trials.length ? 0 : 1;
  } finally {
    await server?.stop();
    await sink.stop();
  }
}

function countOf(trial: Trial): string {
  const reading = trial.readings.findLast(({ oracle }) => oracle === "effects at the tool sink")?.value;
  const count = typeof reading === "object" && reading !== null && "count" in reading ? reading.count : null;
  return typeof count === "number" ? `  effects: ${count}` : "";
}

export function addDrillCommand(
  program: Command,
  print: (line: string) => void,
  end: (code: number) => void,
): void {
  program
    .command("drill")
    .description("the failure drills: what production does to a run, with its effect counted outside")
    .argument("<url>", "base URL of the harness", parseUrl)
    .option("--token <key>", "bearer key of who submits runs")
    .option("--approver-token <key>", "bearer key of who approves (default: --token)")
    .option(
      "--also <url>",
      "another server on the same state; may be repeated",
      (text: string, before: readonly string[]) => [...before, parseUrl(text)],
      [],
    )
    .requiredOption(
      "--run-body <json>",
      "a run with one gated call of a tool that sends to the sink",
      parseJson,
    )
    .option("--effect-first <json>", "a run that asks again in the turn of that call, after it", parseJson)
    .option("--sink-port <n>", "where the effects are counted: http://127.0.0.1:<n>/effect", parsePort, 4400)
    .option(
      "--server <json>",
      "program and arguments of the server, to be started and killed here",
      parseArgv,
    )
    .action(async (url: string, options: DrillOptions) => {
      end(await drill(url, options, print));
    });
}
