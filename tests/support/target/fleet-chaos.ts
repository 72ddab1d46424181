// A fleet under seeded SIGKILLs: servers and workers as processes on one Postgres, a client that submits, approves and
// repeats what was cut off, and a tool sink that counts effects where no harness can touch the count.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Run } from "@assent/contract";
import { startToolSink } from "@assent/suite";
import { compiledBefore } from "../compiled.ts";
import { randomFrom } from "../../../packages/suite/src/chance.ts";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { until } from "../until.ts";
import { Ballast } from "../full-disk/small-disk.ts";
import { type Fleet, type Played, playRun, RUN_MS_MAX, startLookUp } from "./fleet-client.ts";
import { type Evidence, readEvidence } from "./fleet-evidence.ts";
import { endMember, hasEnded, type Member, spawnMember, untilReady } from "./fleet-member.ts";
import { createInstallation } from "./installation.ts";
import { addNotary } from "./notary.ts";
import { addReceiver } from "./told-fleet.ts";

/** A kill follows an effect by up to this: half of them by nothing, so that calls are hit while they are under way. */
const KILL_DELAY_MS_MAX = 1_000;

export type ChaosSize = {
  readonly seed: number;
  readonly servers: number;
  readonly workers: number;
  readonly runs: number;
  readonly kills: number;
  /** Members that are stopped (SIGSTOP) for longer than a lease, and go on then; one at a time. None if left out. */
  readonly stops?: number;
  /** Runs that are under way at the same time. */
  readonly inFlight: number;
  /** A small disk, on which the fleet's home lies, that is full for so long each time. Never if left out. */
  readonly fullDisk?: { readonly folder: string; readonly fillMs: readonly number[] };
  /** After so long no further run is begun; those under way are ended, and the report says how many there were. */
  readonly msMax?: number;
  /** Somebody outside is told of every end by a webhook. Nobody if left out. */
  readonly isTold?: boolean;
  /** Told twice a minute, while runs end. */
  readonly onProgress?: (progress: ChaosProgress) => void;
};

export type ChaosProgress = {
  readonly begun: number;
  readonly ended: number;
  readonly kills: number;
  /** Requests that a server did not answer in time, since it was stopped. */
  readonly unanswered: number;
  readonly effects: number;
  readonly seconds: number;
};

export type ChaosReport = Evidence & {
  readonly runs: number;
  readonly killed: { readonly servers: number; readonly workers: number };
  readonly stopped: { readonly servers: number; readonly workers: number };
  /** Times that the disk was full, and hindered the work. */
  readonly filled: number;
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
  /** Runs of whose end nobody outside was told, or by several messages; empty where nobody wanted to be. */
  readonly untold: readonly string[];
  /** Messages of an end that came more than once, as they may. */
  readonly toldAgain: number;
  /** Times a person was asked what became of a call. */
  readonly doubts: number;
  readonly seconds: number;
};

/** Puts another in the place of a member, as the supervisor of a real fleet would. */
function replace(fleet: Fleet, victim: Member): void {
  fleet.members[fleet.members.indexOf(victim)] = spawnMember(fleet.installation, victim.role);
}

const endingOf = ({ role, child, errors }: Member): string =>
  `${role} ${child.exitCode ?? child.signalCode}: ${errors}`;

/** Kills until it has killed enough or all is played: any member, also one that has hardly begun to start again. */
async function killOnAndOn(
  fleet: Fleet,
  { kills, runs }: ChaosSize,
  isOver: () => boolean,
): Promise<Pick<ChaosReport, "killed"> & { readonly fell: string[] }> {
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
      fell.push(endingOf(member));
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

/** Longer than a lease, so that whatever a stopped worker has is another's when it wakes. */
const STOP_MS_MIN = 33_000;
const STOP_MS_MAX = 50_000;

/** Stops one member after the other, for a while each: it wakes with all that it believed, and nothing of it holds. */
async function stopOnAndOn(
  fleet: Fleet,
  { stops = 0, seed }: ChaosSize,
  isOver: () => boolean,
): Promise<ChaosReport["stopped"]> {
  const stopped = { server: 0, worker: 0 };
  // Its own chance: with more stops the kills are the same.
  const next = randomFrom(seed + 1_000_000);
  while (stopped.server + stopped.worker < stops && !isOver()) {
    const seen = fleet.sink.calls().length;
    await until("the fleet works on", () => fleet.sink.calls().length > seen || isOver(), RUN_MS_MAX);
    const victim = fleet.members[Math.floor(next() * fleet.members.length)];
    const untilMs = performance.now() + STOP_MS_MIN + next() * (STOP_MS_MAX - STOP_MS_MIN);
    if (isOver() || victim?.isReady !== true || !victim.child.kill("SIGSTOP")) continue;
    stopped[victim.role] += 1;
    await until(
      "it has been stopped for long enough",
      () => performance.now() >= untilMs || isOver(),
      STOP_MS_MAX * 2,
    );
    victim.child.kill("SIGCONT");
  }
  return { servers: stopped.server, workers: stopped.worker };
}

/** Fills the disk for a while, again and again, once work goes on. */
async function fillOnAndOn(fleet: Fleet, { fullDisk }: ChaosSize, isOver: () => boolean): Promise<number> {
  if (fullDisk === undefined) return 0;
  let filled = 0;
  for (const ms of fullDisk.fillMs) {
    const seen = fleet.sink.calls().length;
    await until("the fleet works on", () => fleet.sink.calls().length > seen + 8 || isOver(), RUN_MS_MAX);
    if (isOver()) break;
    using ballast = new Ballast(fullDisk.folder);
    const endMs = performance.now() + ms;
    const before = fleet.progress.refused;
    await until(
      "the disk has been full for long enough, and somebody has met it",
      () => {
        // Whatever becomes free meanwhile is taken, too.
        ballast.fill();
        return (performance.now() >= endMs && fleet.progress.refused > before) || isOver();
      },
      RUN_MS_MAX,
      100,
    );
    if (fleet.progress.refused > before) filled += 1;
  }
  return filled;
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

type Outcome = "succeeded" | "lost" | "stuck" | "duplicates" | "effects" | "unmatched" | "doubts";

function outcomeOf(
  played: readonly Played[],
  ended: readonly Run[],
  effects: ReadonlyMap<string, number>,
): Pick<ChaosReport, Outcome> {
  return {
    succeeded: ended.filter(({ status }) => status === "succeeded").length,
    lost: played.filter(({ isLost }) => isLost).map(({ id }) => id),
    stuck: [
      ...played.filter(({ run, isLost }) => run === null && !isLost).map(({ id }) => `${id} has not ended`),
      ...ended
        .filter(({ status }) => status !== "succeeded")
        .map(({ id, status, reason }) => `${id} ${status} ${reason?.code}`),
    ],
    duplicates: [...effects.values()].filter((times) => times > 1).length,
    effects: effects.size,
    unmatched: unmatchedEffects(ended, effects),
    doubts: played.reduce((sum, { doubts }) => sum + doubts, 0),
  };
}

export async function runFleetChaos(size: ChaosSize): Promise<ChaosReport> {
  await using stack = new AsyncDisposableStack();
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const { NODE_COMPILE_CACHE: shared } = compiledBefore();
  const cache = shared ?? mkdtempSync(join(tmpdir(), "assent-compiled-"));
  const installation = createInstallation(sink.url, { NODE_COMPILE_CACHE: cache });
  addNotary(installation, sink.url, await startLookUp(sink, stack));
  const told = size.isTold === true ? stack.use(await addReceiver(installation)) : null;
  stack.defer(() => {
    installation.remove();
    if (shared === undefined) rmSync(cache, { recursive: true });
  });
  const members: Member[] = [];
  const endAll = async (): Promise<void> => {
    for (const member of members.toReversed()) await endMember(member, "SIGTERM");
  };
  stack.defer(endAll);
  // The first make the database, and leave behind what node compiled: a thousand later starts would do it again. Where others
  // have left that, the members make the database as they all start at once.
  for (const role of shared === undefined ? (["server", "worker"] as const) : []) {
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
  const progress = { begun: 0, ended: 0, kills: 0, unanswered: 0, refused: 0 };
  const fleet: Fleet = { installation, sink, members, key, next: randomFrom(size.seed), progress };
  await told?.begin(fleet);
  const startedAt = performance.now();
  let isOver = false;
  const killing = killOnAndOn(fleet, size, () => isOver);
  const stopping = stopOnAndOn(fleet, size, () => isOver);
  const filling = fillOnAndOn(fleet, size, () => isOver);
  const played = await playAll(fleet, size).finally(() => {
    isOver = true;
  });
  const killed = await killing;
  const stopped = await stopping;
  const filled = await filling;
  for (const member of members.filter(hasEnded)) killed.fell.push(endingOf(member));
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const ended = played.flatMap(({ run }) => (run === null ? [] : [run]));
  const untold = (await told?.untold(ended.map(({ id }) => id))) ?? [];
  await endAll();
  return {
    runs: played.length,
    ...killed,
    stopped,
    filled,
    ...outcomeOf(played, ended, sink.effects()),
    untold,
    toldAgain: told?.repeats() ?? 0,
    seconds,
    ...(await readEvidence(installation)),
  };
}
