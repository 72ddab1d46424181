// A fleet under seeded SIGKILLs: servers and workers as processes on one Postgres, a client that submits, approves and
// repeats what was cut off, and a tool sink that counts effects where no harness can touch the count.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { type Approval, type Run, runSchema, runSummarySchema } from "@assent/contract";
import { startToolSink, type ToolSink } from "@assent/suite";
import { z } from "zod";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { until } from "../until.ts";
import { createInstallation, type Installation } from "./installation.ts";
import { addNotary } from "./notary.ts";
import { PRESENT_PROGRAM } from "./program-copy.ts";

const START_MS_MAX = 120_000;

export type ChaosSize = {
  readonly seed: number;
  readonly servers: number;
  readonly workers: number;
  readonly runs: number;
  readonly kills: number;
  /** Runs that are under way at the same time. */
  readonly inFlight: number;
};

export type ChaosReport = {
  readonly killed: { readonly servers: number; readonly workers: number };
  readonly succeeded: number;
  /** Submitted and acknowledged, and not there in the end. */
  readonly lost: readonly string[];
  readonly stuck: readonly string[];
  /** Effects that were taken more than once. */
  readonly duplicates: number;
  readonly effects: number;
  /** Times a person was asked what became of a call. */
  readonly doubts: number;
  /** Runs whose trail has a gap, or whose events do not lead to the state it is in. */
  readonly brokenTrails: readonly string[];
};

/** The same seed gives the same victims; when they are hit, the machine decides. (mulberry32) */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export type Member = {
  readonly role: "server" | "worker";
  child: ChildProcess;
  url: string;
  isReady: boolean;
};

const lineSchema = z.looseObject({ event: z.string(), url: z.string().optional() });

/** Spawned at once; ready when it says so, which it never does when it is killed before. */
export function spawnMember(
  { home, configFile, folder, environment }: Installation,
  role: Member["role"],
  program: string = PRESENT_PROGRAM,
): Member {
  const flags = ["--json", ...(role === "server" ? ["--port", "0"] : [])];
  const child = spawn(process.execPath, [program, role, ...flags, "--home", home, "--config", configFile], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...environment },
  });
  const member: Member = { role, child, url: "", isReady: false };
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const parsed = lineSchema.safeParse(JSON.parse(line));
    if (!parsed.success || !["listening", "working"].includes(parsed.data.event)) return;
    member.url = parsed.data.url ?? "";
    member.isReady = true;
  });
  return member;
}

export async function untilReady(member: Member): Promise<void> {
  await until(`a ${member.role} is ready`, () => member.isReady, START_MS_MAX);
}

export async function endMember(member: Member, signal: NodeJS.Signals): Promise<void> {
  if (member.child.exitCode !== null || member.child.signalCode !== null) return;
  const exited = once(member.child, "exit");
  member.child.kill(signal);
  await exited;
}

type Fleet = {
  readonly installation: Installation;
  readonly sink: ToolSink;
  readonly members: Member[];
  readonly key: string;
  readonly next: () => number;
};

/** Asks any server that is there, until one answers; what is asked must be harmless to repeat. */
async function ask(
  fleet: Fleet,
  path: string,
  init: { method?: "POST"; key?: string; body?: unknown } = {},
): Promise<Response> {
  return await until(
    `an answer to ${path}`,
    async () => {
      const servers = fleet.members.filter(({ role, url }) => role === "server" && url !== "");
      const server = servers[Math.floor(fleet.next() * servers.length)];
      if (server === undefined) return undefined;
      try {
        const response = await fetch(`${server.url}${path}`, {
          method: init.method ?? "GET",
          headers: {
            authorization: `Bearer ${fleet.key}`,
            ...(init.body === undefined ? {} : { "content-type": "application/json" }),
            ...(init.key === undefined ? {} : { "idempotency-key": init.key }),
          },
          ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
          signal: AbortSignal.timeout(20_000),
        });
        // Beyond capacity, or without a database for a moment: an answer, and one that says to come again.
        return response.status === 503 || response.status === 429 ? undefined : response;
      } catch (error) {
        if (error instanceof TypeError || error instanceof DOMException) return undefined;
        throw error;
      }
    },
    300_000,
  );
}

// Its own tool says what happened, so a person is asked about a call in doubt only where nobody can know.
const answerTo = ({ id, action_digest }: Approval): Record<string, unknown> => ({
  approval_id: id,
  decision: "approve",
  action_digest,
});

/** Says of an effect whether it happened, by what the sink has seen: what a vendor's own look-up would be. */
async function startLookUp(sink: ToolSink, stack: AsyncDisposableStack): Promise<string> {
  const server = createServer((request, response) => {
    const key = String(request.headers["idempotency-key"] ?? "").replace(/^"(.*)"$/, "$1");
    response.writeHead(sink.effects().has(key) ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify({ taken: sink.effects().has(key) }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the look-up has no port");
  return `http://127.0.0.1:${address.port}/effects`;
}

const TERMINAL: readonly string[] = ["succeeded", "failed", "cancelled", "dead_lettered"];

type Played = { readonly id: string; readonly run: Run | null; readonly doubts: number };

async function playRun(fleet: Fleet, index: number): Promise<Played> {
  const submitted = await ask(fleet, "/api/harness/run", {
    method: "POST",
    key: `run-${index}`,
    body: { agent: "notary", task: `Put number ${index} on record.` },
  });
  if (submitted.status !== 202)
    throw new Error(`a submission was answered ${submitted.status}: ${await submitted.text()}`);
  const { id } = runSummarySchema.parse(await submitted.json());
  let doubts = 0;
  const answered = new Set<string>();
  const run = await until(
    `run ${id} ends`,
    async () => {
      const response = await ask(fleet, `/api/harness/runs/${id}`);
      if (response.status === 404) return { lost: true } as const;
      const read = runSchema.parse(await response.json());
      if (TERMINAL.includes(read.status)) return read;
      const open = read.approvals.find(({ status }) => status === "open");
      if (open !== undefined) {
        if (open.subject === "in_doubt" && !answered.has(open.id)) doubts += 1;
        answered.add(open.id);
        await ask(fleet, "/api/harness/approve", { method: "POST", body: answerTo(open) });
      }
      return undefined;
    },
    300_000,
  ).catch(() => null);
  return { id, run: run === null || "lost" in run ? null : run, doubts };
}

const eventPageSchema = z.object({ data: z.array(z.looseObject({ version: z.number(), kind: z.string() })) });

async function isTrailWhole(fleet: Fleet, run: Run): Promise<boolean> {
  const response = await ask(fleet, `/api/harness/runs/${run.id}/events`);
  const { data } = eventPageSchema.parse(await response.json());
  return (
    data.length === run.version &&
    data.every(({ version }, index) => version === index + 1) &&
    data[0]?.kind === "run_queued" &&
    data.at(-1)?.kind === `run_${run.status}`
  );
}

/** Kills until it has killed enough or all is played: any member, also one that has hardly begun to start again. */
async function killOnAndOn(
  fleet: Fleet,
  { kills, runs }: ChaosSize,
  isOver: () => boolean,
): Promise<ChaosReport["killed"]> {
  const killed = { server: 0, worker: 0 };
  while (killed.server + killed.worker < kills && !isOver()) {
    const seen = fleet.sink.calls().length;
    // Spread over all of the runs; work goes on between two kills, or all of it is over.
    const most = 1 + Math.floor((fleet.next() * 1.2 * runs) / kills);
    await until("the fleet works on", () => fleet.sink.calls().length >= seen + most || isOver(), 300_000);
    if (isOver()) break;
    const index = Math.floor(fleet.next() * fleet.members.length);
    const victim = fleet.members[index];
    if (victim === undefined) throw new Error("a fleet has members");
    await endMember(victim, "SIGKILL");
    killed[victim.role] += 1;
    fleet.members[index] = spawnMember(fleet.installation, victim.role);
  }
  return { servers: killed.server, workers: killed.worker };
}

async function playAll(fleet: Fleet, size: ChaosSize): Promise<readonly Played[]> {
  const played: Played[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: size.inFlight }, async () => {
      while (next < size.runs) {
        next += 1;
        played.push(await playRun(fleet, next));
      }
    }),
  );
  return played;
}

export async function runFleetChaos(size: ChaosSize): Promise<ChaosReport> {
  await using stack = new AsyncDisposableStack();
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const installation = createInstallation(sink.url);
  addNotary(installation, sink.url, await startLookUp(sink, stack));
  stack.defer(() => {
    installation.remove();
  });
  const members: Member[] = [];
  stack.defer(async () => {
    for (const member of members.toReversed()) await endMember(member, "SIGTERM");
  });
  // The first makes the database; the others find it.
  for (let index = 0; index < size.servers + size.workers; index += 1) {
    members.push(spawnMember(installation, index < size.servers ? "server" : "worker"));
    if (index === 0) await Promise.all(members.map(untilReady));
  }
  await Promise.all(members.map(untilReady));
  const key = readCredentials(installation.home)?.key ?? "";
  const fleet: Fleet = { installation, sink, members, key, next: chance(size.seed) };
  let isOver = false;
  const killing = killOnAndOn(fleet, size, () => isOver);
  const played = await playAll(fleet, size);
  isOver = true;
  const killed = await killing;
  const ended = played.flatMap(({ run }) => (run === null ? [] : [run]));
  const brokenTrails: string[] = [];
  for (const run of ended) if (!(await isTrailWhole(fleet, run))) brokenTrails.push(run.id);
  const counts = [...sink.effects().values()];
  return {
    killed,
    succeeded: ended.filter(({ status }) => status === "succeeded").length,
    lost: played.filter(({ run }) => run === null).map(({ id }) => id),
    stuck: ended
      .filter(({ status }) => status !== "succeeded")
      .map(({ id, status, reason }) => `${id} ${status} ${reason?.code}`),
    duplicates: counts.filter((times) => times > 1).length,
    effects: counts.length,
    doubts: played.reduce((sum, { doubts }) => sum + doubts, 0),
    brokenTrails,
  };
}

export type FrozenReport = {
  readonly status: string;
  readonly effects: readonly number[];
  /** Whether the run was, to the byte, what it had been before the frozen worker woke. */
  readonly isUntouched: boolean;
  readonly isFrozenAlive: boolean;
};

/**
 * A worker is frozen (SIGSTOP) inside its tool call, beyond its lease; another takes the run over and ends it; then the
 * first wakes (SIGCONT) with an answer in its hands that it must not write.
 */
export async function freezeWorkerInTool(): Promise<FrozenReport> {
  await using stack = new AsyncDisposableStack();
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const installation = createInstallation(sink.url);
  addNotary(installation, sink.url, await startLookUp(sink, stack));
  stack.defer(() => {
    installation.remove();
  });
  const members: Member[] = [];
  stack.defer(async () => {
    for (const member of members.toReversed()) {
      member.child.kill("SIGCONT");
      await endMember(member, "SIGTERM");
    }
  });
  const start = async (role: Member["role"]): Promise<Member> => {
    const member = spawnMember(installation, role);
    members.push(member);
    await untilReady(member);
    return member;
  };
  await start("server");
  const first = await start("worker");
  const key = readCredentials(installation.home)?.key ?? "";
  const fleet: Fleet = { installation, sink, members, key, next: chance(1) };
  sink.cue({
    do: "apply_then",
    hook: async () => {
      first.child.kill("SIGSTOP");
      await start("worker");
    },
  });
  const { run } = await playRun(fleet, 1);
  if (run === null) throw new Error("the run was not ended by the second worker");
  const before = JSON.stringify(run);
  first.child.kill("SIGCONT");
  // It is awake and at work again when it can carry out a run by itself.
  const second = members.at(-1);
  if (second !== undefined) await endMember(second, "SIGTERM");
  await playRun(fleet, 2);
  const after = runSchema.parse(await (await ask(fleet, `/api/harness/runs/${run.id}`)).json());
  return {
    status: after.status,
    effects: [...sink.effects().values()],
    isUntouched: JSON.stringify(after) === before,
    isFrozenAlive: first.child.exitCode === null,
  };
}
