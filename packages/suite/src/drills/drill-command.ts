// assent-suite drill: the failure drills against a harness at a URL, with its tool's effects counted here.

import { type Command, InvalidArgumentError } from "commander";
import { parseBody, parsePort, parseUrl, parseUrls } from "../arguments.ts";
import type { Trial } from "../evidence.ts";
import { EXIT, refusalOf, type Refusal, refusalOfPort } from "../preflight.ts";
import { trialLine } from "../reports/summary.ts";
import { runTrials } from "../runner.ts";
import { PACE } from "../scenario.ts";
import { foreignTarget, type Target } from "../target.ts";
import { startToolSink, type ToolSink } from "../tool-sink.ts";
import { DRILLS } from "./drills.ts";
import { NotStarted, serverChild, type ServerChild } from "./server-child.ts";

type DrillOptions = {
  readonly token?: string;
  readonly approverToken?: string;
  readonly also: readonly string[];
  readonly runBody: unknown;
  readonly effectFirst?: unknown;
  readonly sinkPort: number;
  readonly server?: readonly string[];
};

function parseArgv(text: string): readonly string[] {
  const argv = parseBody(text);
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((part) => typeof part === "string"))
    throw new InvalidArgumentError("It must be a JSON array of strings: a program and its arguments.");
  return argv;
}

const parseSinkPort = (text: string): number => parsePort(text, 0);

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

/** Where it says what it does, and why it does not. */
export type Terminal = {
  readonly print: (line: string) => void;
  /** @returns the exit code */
  readonly refuse: (refusal: Refusal) => number;
};

/** @returns the exit code; `failed` also where nothing was shown */
async function drill(url: string, options: DrillOptions, { print, refuse }: Terminal): Promise<number> {
  const sink = await openSink(options.sinkPort);
  if ("exit" in sink) return refuse(sink);
  const server = options.server === undefined ? null : serverChild(options.server, url);
  try {
    const refused = (await startOf(server)) ?? (await refusalOfTarget(url, options));
    if (refused !== null) return refuse(refused);
    print(`the effects of the run's tool are counted at ${sink.url}`);
    const target = targetOf(url, options, sink, server);
    const trials = await runTrials(DRILLS, target, { seed: 1, pace: PACE }, (trial) => {
      const [head = "", ...more] = trialLine(trial).split("\n");
      print([`${head}${countOf(trial)}`, ...more].join("\n"));
    });
    const passed = trials.filter(({ verdict }) => verdict === "PASS").length;
    const skipped = trials.filter(({ verdict }) => verdict === "SKIP").length;
    print(`${passed} passed, ${trials.length - passed - skipped} failed, ${skipped} skipped`);
    return passed > 0 && passed + skipped === trials.length ? EXIT.ok : EXIT.failed;
  } finally {
    await server?.stop();
    await sink.stop();
  }
}

async function openSink(port: number): Promise<ToolSink | Refusal> {
  try {
    return await startToolSink(port);
  } catch (error) {
    return refusalOfPort(error, `--sink-port ${port}`);
  }
}

async function startOf(server: ServerChild | null): Promise<Refusal | null> {
  try {
    await server?.start();
    return null;
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    return { exit: EXIT.usage, message: `--server: ${error.message}` };
  }
}

const refusalOfTarget = async (
  url: string,
  { token, approverToken, also, runBody }: DrillOptions,
): Promise<Refusal | null> =>
  await refusalOf({
    urls: [url, ...also],
    keys: { "--token": token, "--approver-token": approverToken },
    requester: token ?? null,
    runBody,
    cancels: true,
  });

function countOf(trial: Trial): string {
  const reading = trial.readings.findLast(({ oracle }) => oracle === "effects at the tool sink")?.value;
  const count = typeof reading === "object" && reading !== null && "count" in reading ? reading.count : null;
  return typeof count === "number" ? `  effects: ${count}` : "";
}

export function addDrillCommand(program: Command, terminal: Terminal, end: (code: number) => void): void {
  program
    .command("drill")
    .description("the failure drills: what production does to a run, with its effect counted outside")
    .argument("<url>", "base URL of the harness", parseUrl)
    .option("--token <key>", "bearer key of who submits runs")
    .option("--approver-token <key>", "bearer key of who approves (default: --token)")
    .option("--also <url>", "another server on the same state; may be repeated", parseUrls, [])
    .requiredOption(
      "--run-body <json>",
      "a run with one gated call of a tool that sends to the sink; @file reads a file",
      parseBody,
    )
    .option("--effect-first <json>", "a run that asks again in the turn of that call, after it", parseBody)
    .option(
      "--sink-port <n>",
      "where the effects are counted: http://127.0.0.1:<n>/effect",
      parseSinkPort,
      4400,
    )
    .option(
      "--server <json>",
      "program and arguments of the server, to be started and killed here",
      parseArgv,
    )
    .action(async (url: string, options: DrillOptions) => {
      end(await drill(url, options, terminal));
    });
}
