// A driven run is taken back while everybody dies in it, as processes: the driver inside its own undo, the worker inside
// the harness's. What arrived is counted at the tool sink, outside of the harness.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runSchema, type Run } from "@assent/contract";
import { startToolSink, type ToolSink } from "@assent/suite";
import { expect, test } from "vitest";
import { z } from "zod";
import { readCredentials } from "../../packages/harness/src/home.ts";
import { endMember, type Member, spawnMember, untilReady } from "../support/target/fleet-member.ts";
import { createInstallation, type Installation } from "../support/target/installation.ts";
import { until } from "../support/until.ts";

const DRIVER = fileURLToPath(new URL("../support/target/driver-process.ts", import.meta.url));
const STEP_MS_MAX = 120_000;

type Driver = { readonly child: ChildProcess; readonly lines: string[] };

function startDriver(server: Member, key: string, sink: ToolSink, run = ""): Driver {
  const child = spawn(
    process.execPath,
    ["--conditions=assent-source", DRIVER, server.url, key, sink.url, run],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return { child, lines };
}

async function kill({ child }: Driver): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

const compensates = (body: string): string =>
  z.looseObject({ compensates: z.string().default("") }).parse(JSON.parse(body)).compensates;

async function ask(server: Member, key: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${server.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return await answer.json();
}

/** Answers whatever is asked: a call is approved, and of an undo in doubt it is said that it happened. */
async function answerAll(server: Member, key: string, run: Run): Promise<void> {
  for (const { id, status, subject, action_digest } of run.approvals) {
    if (status !== "open") continue;
    const decision = subject === "in_doubt" ? "confirm" : "approve";
    await ask(server, key, "/api/harness/approve", {
      approval_id: id,
      action_digest,
      decision,
      comment: "Looked at the sink.",
    });
  }
}

async function openFleet(
  stack: AsyncDisposableStack,
): Promise<{ sink: ToolSink; installation: Installation }> {
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const installation = createInstallation(sink.url);
  stack.defer(() => {
    installation.remove();
  });
  return { sink, installation };
}

test("driver and worker are killed inside their undoing: everything is taken back, newest first, each once", async () => {
  await using stack = new AsyncDisposableStack();
  const { sink, installation } = await openFleet(stack);
  const started = async (role: Member["role"]): Promise<Member> => {
    const member = spawnMember(installation, role);
    stack.defer(async () => {
      await endMember(member, "SIGTERM");
    });
    await untilReady(member);
    return member;
  };
  const server = await started("server");
  const worker = await started("worker");
  const key = readCredentials(installation.home)?.key ?? "";
  const first = startDriver(server, key, sink);
  // Three effects; then the newest is undone, and its driver dies before it can say so.
  sink.cue(
    { do: "apply" },
    { do: "apply" },
    { do: "apply" },
    { do: "apply_then", hook: async () => await kill(first) },
  );
  const read = async (): Promise<Run> =>
    runSchema.loose().parse(await ask(server, key, `/api/harness/runs/${id}`));
  const id = await until("the driver has a run", () => runIdOf(first.lines[0]), STEP_MS_MAX);
  await until(
    "the driver died",
    async () => {
      await answerAll(server, key, await read());
      return first.child.signalCode !== null;
    },
    STEP_MS_MAX,
  );
  // The next undo is the harness's own, and its worker dies in it.
  sink.cue({ do: "apply_then", hook: async () => await endMember(worker, "SIGKILL") });
  const second = startDriver(server, key, sink, id);
  await until(
    "the worker died",
    async () => {
      await answerAll(server, key, await read());
      return worker.child.signalCode !== null;
    },
    STEP_MS_MAX,
  );
  await started("worker");
  await until("the driver heard of the end", () => second.lines.length > 0, STEP_MS_MAX);
  const ended = await read();
  const acts = ended.steps.filter(({ kind, compensates: of }) => kind === "tool" && of === undefined);
  const taken = acts.map(({ seq }) => seq).toReversed();
  expect(ended).toMatchObject({ status: "failed", rollback: { taken_back: taken, left: [], ended: true } });
  const calls = sink.calls();
  const done = calls
    .filter(({ path }) => path.endsWith("/effect"))
    .map(({ idempotencyKey }) => idempotencyKey);
  const undone = calls
    .filter(({ path, outcome }) => path.endsWith("/undo") && outcome === "applied")
    .map(({ body }) => compensates(body));
  expect(done).toHaveLength(3);
  expect(undone).toEqual(done.toReversed());
  // The worker's undo was repeated after its death, under the same key; the driver's, which is `once`, was not.
  const repeated = calls.filter(({ outcome }) => outcome === "repeated");
  expect(repeated.map(({ body }) => compensates(body))).toEqual([done[1]]);
}, 600_000);

const runIdOf = (line: string | undefined): string | undefined =>
  line === undefined ? undefined : z.object({ run: z.string() }).parse(JSON.parse(line)).run;
