// A fleet under seeded SIGKILLs: servers and workers as processes on one Postgres, a client that submits, approves and
// repeats what was cut off, and a tool sink that counts effects where no harness can touch the count.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Approval, type Run, runSchema, runSummarySchema } from "@assent/contract";
import { startToolSink, type ToolSink } from "@assent/suite";
import { randomFrom } from "../../../packages/suite/src/chance.ts";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { until } from "../until.ts";
import { type Evidence, readEvidence } from "./fleet-evidence.ts";
import { endMember, hasEnded, type Member, spawnMember, untilReady } from "./fleet-member.ts";
import { createInstallation, type Installation } from "./installation.ts";
import { addNotary } from "./notary.ts";

/** Twice the time that a run with ten lost workers takes on a busy machine. */
const RUN_MS_MAX = 600_000;
/** Two dozen clients that looked every few milliseconds would have the processors to themselves. */
const LOOK_MS = 150;
/** A kill follows an effect by up to this: half of them by nothing, so that calls are hit while they are under way. */
const KILL_DELAY_MS_MAX = 1_000;

export type ChaosSize = {
  readonly seed: number;
  readonly servers: number;
  readonly workers: number;
  readonly runs: number;
  readonly kills: number;
  /** Runs that are under way at the same time. */
  readonly inFlight: number;
  /** After so long no further run is begun; those under way are ended, and the report says how many there were. */
  readonly msMax?: number;
  /** Told twice a minute, while runs end. */
  readonly onProgress?: (progress: ChaosProgress) => void;
};

export type ChaosProgress = {
  readonly begun: number;
  readonly ended: number;
  readonly kills: number;
  readonly effects: number;
  readonly seconds: number;
};

export type ChaosReport = Evidence & {
  readonly runs: number;
  readonly killed: { readonly servers: number; readonly workers: number };
  /** Members that ended by themselves, with what they said: nobody but the chaos may end one. */
  readonly fell: readonly string[];
  readonly succeeded: number;
  /** Submitted and acknowledged, and not there in the end. */
  readonly lost: readonly string[];
  /** Ended otherwise than they should, or not at all. */
  readonly stuck: readonly string[];
  /** Effects that were taken more than once. */
  readonly duplicates: number;
  readonly effects: number;
  /** Runs that did not have exactly one effect, by the ids of their calls; and effects of no run. */
  readonly unmatched: readonly string[];
  /** Times a person was asked what became of a call. */
  readonly doubts: number;
  readonly seconds: number;
};

type Fleet = {
  readonly installation: Installation;
  readonly sink: ToolSink;
  readonly members: Member[];
  readonly key: string;
  /** The same seed gives the same victims; when they are hit, the machine decides. */
  readonly next: () => number;
  readonly progress: { begun: number; ended: number; kills: number };
};

/** Asks any server that is there, until one answers; what is asked must be harmless to repeat. */
async function ask(
  fleet: Fleet,
  path: string,
  init: { method?: "POST"; key?: string; body?: unknown } = {},
): Promise<Response> {
  let last = "no server was there";
  return await until(
    () => `an answer to ${path} (the last: ${last})`,
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
        if (response.status !== 503 && response.status !== 429) return response;
        last = `${response.status} ${await response.text()}`;
        return undefined;
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
        last = error.message;
        return undefined;
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

type Played = {
  readonly id: string;
  readonly run: Run | null;
  readonly isLost: boolean;
  readonly doubts: number;
};

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
  const look = async (): Promise<Run | "lost" | undefined> => {
    const response = await ask(fleet, `/api/harness/runs/${id}`);
    if (response.status === 404) return "lost";
    const read = runSchema.parse(await response.json());
    if (TERMINAL.includes(read.status)) return read;
    const open = read.approvals.find(({ status }) => status === "open");
    if (open === undefined) return undefined;
    if (open.subject === "in_doubt" && !answered.has(open.id)) doubts += 1;
    answered.add(open.id);
    const decided = await ask(fleet, "/api/harness/approve", { method: "POST", body: answerTo(open) });
    await decided.body?.cancel();
    return undefined;
  };
  const run = await until(`run ${id} ends`, look, RUN_MS_MAX, LOOK_MS).catch(() => null);
  return { id, run: run === "lost" ? null : run, isLost: run === "lost", doubts };
}

/** Puts another in the place of a member, as the supervisor of a real fleet would. */
function replace(fleet: Fleet, victim: Member): void {
  fleet.members[fleet.members.indexOf(victim)] = spawnMember(fleet.installation, victim.role);
}

/** Kills until it has killed enough or all is played: any member, also one that has hardly begun to start again. */
async function killOnAndOn(
  fleet: Fleet,
  { kills, runs }: ChaosSize,
  isOver: () => boolean,
): Promise<Pick<ChaosReport, "killed" | "fell">> {
  const killed = { server: 0, worker: 0 };
  const fell: string[] = [];
  while (killed.server + killed.worker < kills && !isOver()) {
    const seen = fleet.sink.calls().length;
    // Spread over all of the runs; work goes on between two kills, or all of it is over.
    const most = 1 + Math.floor((fleet.next() * 1.2 * runs) / kills);
    const delayMs = Math.max(0, 2 * fleet.next() - 1) * KILL_DELAY_MS_MAX;
    await until("the fleet works on", () => fleet.sink.calls().length >= seen + most || isOver(), RUN_MS_MAX);
    const momentMs = performance.now() + delayMs;
    await until("the moment has come", () => performance.now() >= momentMs || isOver(), RUN_MS_MAX);
    for (const member of fleet.members.filter(hasEnded)) {
      fell.push(`${member.role} ${member.child.exitCode ?? member.child.signalCode}: ${member.errors}`);
      replace(fleet, member);
    }
    if (isOver()) break;
    const victim = fleet.members[Math.floor(fleet.next() * fleet.members.length)];
    if (victim === undefined) throw new Error("a fleet has members");
    await endMember(victim, "SIGKILL");
    killed[victim.role] += 1;
    fleet.progress.kills += 1;
    replace(fleet, victim);
  }
  return { killed: { servers: killed.server, workers: killed.worker }, fell };
}

const PROGRESS_MS = 30_000;

async function playAll(fleet: Fleet, size: ChaosSize): Promise<readonly Played[]> {
  const { inFlight, runs, msMax } = size;
  const played: Played[] = [];
  const startedAt = performance.now();
  let toldAt = startedAt;
  const { progress } = fleet;
  const tell = (): void => {
    const now = performance.now();
    if (now - toldAt < PROGRESS_MS) return;
    toldAt = now;
    const seconds = Math.round((now - startedAt) / 1_000);
    size.onProgress?.({ ...progress, effects: fleet.sink.effects().size, seconds });
  };
  const goesOn = (): boolean =>
    progress.begun < runs && performance.now() - startedAt < (msMax ?? Number.POSITIVE_INFINITY);
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (goesOn()) {
        progress.begun += 1;
        played.push(await playRun(fleet, progress.begun));
        progress.ended += 1;
        tell();
      }
    }),
  );
  return played;
}

/** By the ids of their calls: runs that have not exactly one effect at the sink, and effects that no run is behind. */
function unmatchedEffects(ended: readonly Run[], effects: ReadonlyMap<string, number>): readonly string[] {
  const claimed = new Set<string>();
  const wrong: string[] = [];
  for (const { id, steps } of ended) {
    const ids = new Set(
      steps.flatMap(({ kind, effect_id }) => (kind === "tool" && effect_id !== null ? [effect_id] : [])),
    );
    const taken = [...ids].filter((effect) => effects.has(effect));
    for (const effect of taken) claimed.add(effect);
    if (taken.length !== 1) wrong.push(`${id} has ${taken.length} effects`);
  }
  for (const effect of effects.keys())
    if (!claimed.has(effect)) wrong.push(`effect ${effect} belongs to no run`);
  return wrong;
}

export async function runFleetChaos(size: ChaosSize): Promise<ChaosReport> {
  await using stack = new AsyncDisposableStack();
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const cache = mkdtempSync(join(tmpdir(), "assent-compiled-"));
  const installation = createInstallation(sink.url, { NODE_COMPILE_CACHE: cache });
  addNotary(installation, sink.url, await startLookUp(sink, stack));
  stack.defer(() => {
    installation.remove();
    rmSync(cache, { recursive: true });
  });
  const members: Member[] = [];
  const endAll = async (): Promise<void> => {
    for (const member of members.toReversed()) await endMember(member, "SIGTERM");
  };
  stack.defer(endAll);
  // The first make the database, and leave behind what node compiled: a thousand later starts would do it again.
  for (const role of ["server", "worker"] as const) {
    const first = spawnMember(installation, role);
    members.push(first);
    await untilReady(first);
  }
  await endAll();
  members.length = 0;
  for (let index = 0; index < size.servers + size.workers; index += 1) {
    members.push(spawnMember(installation, index < size.servers ? "server" : "worker"));
  }
  await Promise.all(members.map(untilReady));
  const key = readCredentials(installation.home)?.key ?? "";
  const progress = { begun: 0, ended: 0, kills: 0 };
  const fleet: Fleet = { installation, sink, members, key, next: randomFrom(size.seed), progress };
  const startedAt = performance.now();
  let isOver = false;
  const killing = killOnAndOn(fleet, size, () => isOver);
  const played = await playAll(fleet, size).finally(() => {
    isOver = true;
  });
  const killed = await killing;
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  await endAll();
  const ended = played.flatMap(({ run }) => (run === null ? [] : [run]));
  const counts = [...sink.effects().values()];
  return {
    runs: played.length,
    ...killed,
    succeeded: ended.filter(({ status }) => status === "succeeded").length,
    lost: played.filter(({ isLost }) => isLost).map(({ id }) => id),
    stuck: [
      ...played.filter(({ run, isLost }) => run === null && !isLost).map(({ id }) => `${id} has not ended`),
      ...ended
        .filter(({ status }) => status !== "succeeded")
        .map(({ id, status, reason }) => `${id} ${status} ${reason?.code}`),
    ],
    duplicates: counts.filter((times) => times > 1).length,
    effects: counts.length,
    unmatched: unmatchedEffects(ended, sink.effects()),
    doubts: played.reduce((sum, { doubts }) => sum + doubts, 0),
    seconds,
    ...(await readEvidence(installation)),
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
  const progress = { begun: 0, ended: 0, kills: 0 };
  const fleet: Fleet = { installation, sink, members, key, next: randomFrom(1), progress };
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
