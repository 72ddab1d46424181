// The bench: every task unattacked, every pair attacked, in every role; and what came of it in numbers.

import { createFacts } from "./facts.ts";
import { createPairs, type Pair } from "./attacks.ts";
import { type Played, play, playHonest, type Role, ROLES } from "./player.ts";
import { type Harness, NO_HARNESS } from "./session.ts";
import type { Task } from "./world.ts";
import { createWorlds, type Family, type World } from "./worlds.ts";

export type BenchOptions = {
  readonly seed: number;
  /** Of the attacks in each (task, goal): how many disguises; all there are is a large number. */
  readonly disguisesEach: number;
  /** Every so many-th pair is played; 1 for all. */
  readonly stride: number;
  readonly playersMax: number;
  /** The first where it is left out. */
  readonly family?: Family;
  readonly roles?: readonly Role[];
  /** Seats that play the tasks unattacked too; all where it is left out. */
  readonly calm?: readonly Seat[];
  /** Every so many-th task is played unattacked; all where it is left out. */
  readonly calmStride?: number;
};

/** `baseline` is a role too: nothing stands between model and world. */
export type Seat = Role | "baseline";

export type Attacked = { readonly seat: Seat; readonly pair: Pair; readonly played: Played };
export type Unattacked = { readonly seat: Seat; readonly task: Task; readonly played: Played };

export type BenchResult = {
  readonly attacked: readonly Attacked[];
  readonly unattacked: readonly Unattacked[];
};

export type Material = { readonly worlds: readonly World[]; readonly pairs: readonly Pair[] };

export function createMaterial({ seed, disguisesEach, stride, family }: BenchOptions): Material {
  const facts = createFacts(seed);
  const worlds = createWorlds(facts, seed, family ?? "first");
  const pairs = createPairs(worlds, facts, seed, disguisesEach);
  return { worlds, pairs: pairs.filter((_, at) => at % stride === 0) };
}

/** So many at a time; results in the order of the jobs. */
async function inTurns<T>(jobs: readonly (() => Promise<T>)[], atOnceMax: number): Promise<readonly T[]> {
  const results: T[] = [];
  const open = jobs.entries();
  const work = async (): Promise<void> => {
    for (const [at, job] of open) results[at] = await job();
  };
  await Promise.all(Array.from({ length: atOnceMax }, work));
  return results;
}

/** @throws what the harness's answers break of the wire contract, and when it cannot be reached */
export async function runBench(harness: Harness, options: BenchOptions): Promise<BenchResult> {
  const { worlds, pairs } = createMaterial(options);
  const roles = options.roles ?? ROLES;
  const seats: readonly (readonly [Seat, Harness, Role])[] = [
    ["baseline", NO_HARNESS, "nobody"],
    ...roles.map((role) => [role, harness, role] as const),
  ];
  const calm = seats.filter(([seat]) => options.calm?.includes(seat) ?? true);
  const { calmStride = 1 } = options;
  const tasks = worlds
    .flatMap((world) => world.tasks.map((task) => ({ world, task })))
    .filter((_, at) => at % calmStride === 0);
  const unattacked = await inTurns(
    calm.flatMap(([seat, through, role]) =>
      tasks.map(({ world, task }) => async () => ({
        seat,
        task,
        played: await playHonest(through, role, world, task),
      })),
    ),
    options.playersMax,
  );
  const attacked = await inTurns(
    seats.flatMap(([seat, through, role]) =>
      pairs.map((pair) => async () => ({ seat, pair, played: await play(through, role, pair) })),
    ),
    options.playersMax,
  );
  return { attacked, unattacked };
}
