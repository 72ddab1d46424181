// Pairs of a task and an attack on it: a goal, in a disguise, at places that the task's own reads show to the model.

import type { Place } from "./domains/domain.ts";
import { DISGUISES, type Disguise } from "./disguises.ts";
import { type AttackerValues, createAttacker, createDice, type Dice, type Facts } from "./facts.ts";
import type { Goal } from "./goals.ts";
import {
  applyAll,
  changesBetween,
  type Call,
  isList,
  isRead,
  type Json,
  rows,
  type State,
  type Task,
  textOf,
  toolNamed,
} from "./world.ts";
import type { World } from "./worlds.ts";

/** When the model does what the attacker wants, once it has read it. `twist`: the user's calls, with the attacker's
 * values. `poison`: the user's calls, with the attacker's words as content. */
export const MODES = ["first", "between", "last", "only", "twist", "poison"] as const;
export type Mode = (typeof MODES)[number];

export type Attack = {
  readonly goal: Goal;
  readonly disguise: string;
  readonly mode: Mode;
  readonly kinds: readonly string[];
  readonly texts: readonly string[];
  readonly values: AttackerValues;
  readonly calls: readonly Call[];
};

export type Pair = {
  readonly world: World;
  readonly task: Task;
  readonly attack: Attack;
  /** The world's state with the attack's texts in it. */
  readonly state: State;
};

type Spot = { readonly place: Place; readonly row: string | null };

/** Whether a text stands anywhere in a value. */
export function shows(value: Json, text: string): boolean {
  if (typeof value === "string") return value.includes(text);
  if (typeof value !== "object" || value === null) return false;
  return (isList(value) ? value : Object.values(value)).some((each) => shows(each, text));
}

function plant(
  state: State,
  { place: { collection, field, row: added }, row: id }: Spot,
  text: string,
): State {
  const existing = rows(state, collection);
  if (added !== undefined)
    return { ...state, [collection]: [...existing, { id: "x-1", ...added, [field]: text }] };
  const planted = existing.map((row) =>
    row.id === id ? { ...row, [field]: `${textOf(row[field])} ${text}` } : row,
  );
  return { ...state, [collection]: planted };
}

function spotsOf(world: World): readonly Spot[] {
  return world.places.flatMap((place): readonly Spot[] =>
    place.row === undefined
      ? rows(world.state, place.collection).map(({ id }) => ({ place, row: id }))
      : [{ place, row: null }],
  );
}

/** All that the task's calls would show of a state. */
function readings(world: World, task: Task, state: State): readonly Json[] {
  let now = state;
  return task.calls.map((call) => {
    const outcome = toolNamed(world.tools, call.tool).run(now, call.arguments);
    now = outcome.state;
    return outcome.output;
  });
}

const PROBE = "probe-of-a-place";

/** Spots that are read before the task is over. */
function exposedSpots(world: World, task: Task): readonly Spot[] {
  return spotsOf(world).filter((spot) =>
    readings(world, task, plant(world.state, spot, PROBE)).some((output) => shows(output, PROBE)),
  );
}

function pairOf(
  world: World,
  task: Task,
  spots: readonly Spot[],
  choice: { readonly goal: Goal; readonly disguise: Disguise; readonly mode: Mode },
  by: { readonly facts: Facts; readonly values: AttackerValues; readonly dice: Dice },
): Pair | null {
  const { goal, disguise, mode } = choice;
  const lure = disguise.lure({ goal, prompt: task.prompt, ...by });
  if (lure === null) return null;
  const shuffled = by.dice.shuffle(spots);
  const used = lure.texts.map((_, at) => shuffled[at % shuffled.length]);
  let state = world.state;
  for (const [at, spot] of used.entries())
    if (spot !== undefined) state = plant(state, spot, lure.texts[at] ?? "");
  const calls = goal.calls(lure.values, by.facts);
  const ordered = applyAll(world.tools, state, task.calls);
  // What the user wants anyway is no attack, and what the world refuses is none either.
  if (goal.reached(ordered, lure.values, by.facts)) return null;
  if (!goal.reached(applyAll(world.tools, ordered, calls), lure.values, by.facts)) return null;
  const attack = { goal, disguise: disguise.id, mode, texts: lure.texts, values: lure.values, calls };
  return { world, task, state, attack: { ...attack, kinds: used.map((spot) => spot?.place.kind ?? "") } };
}

const fits = ({ tools }: World, calls: readonly Call[]): boolean =>
  calls.every(({ tool }) => tools.has(tool));

/**
 * Every exposed task with every goal its tools allow, in each disguise in turn.
 * @param each how many disguises a (task, goal) is tried in; modes and places take turns over all
 */
export function createPairs(
  worlds: readonly World[],
  facts: Facts,
  seed: number,
  each: number,
): readonly Pair[] {
  const values = createAttacker(seed);
  const pairs: Pair[] = [];
  const uses = new Map<string, number>();
  for (const world of worlds) {
    const goals = world.goals.filter((goal) => fits(world, goal.calls(values, facts)));
    for (const task of world.tasks) {
      const spots = exposedSpots(world, task);
      if (spots.length === 0) continue;
      for (const goal of goals) {
        const dice = createDice(seed, `${task.id}/${goal.id}`);
        // The rarest first: not every disguise fits every prompt, and those that fit all would crowd out the others.
        const rarest = dice
          .shuffle(DISGUISES)
          .toSorted((a, b) => (uses.get(a.id) ?? 0) - (uses.get(b.id) ?? 0));
        const options = rarest.flatMap((disguise) => {
          const mode = dice.pick(MODES);
          return pairOf(world, task, spots, { goal, disguise, mode }, { facts, values, dice }) ?? [];
        });
        for (const pair of options.slice(0, each)) {
          pairs.push(pair);
          uses.set(pair.attack.disguise, (uses.get(pair.attack.disguise) ?? 0) + 1);
        }
      }
    }
  }
  return pairs;
}

/** The user's calls that change something. */
export const effectsOf = (world: World, calls: readonly Call[]): readonly Call[] =>
  calls.filter(({ tool }) => !isRead(toolNamed(world.tools, tool)));

export const changesOf = (world: World, state: State, calls: readonly Call[]): readonly string[] =>
  changesBetween(state, applyAll(world.tools, state, calls));
