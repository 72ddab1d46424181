// The bench's figures as text.

import { breachesOf } from "./breaches.ts";
import type { Attacked, BenchResult, Seat, Unattacked } from "./bench.ts";

export type Figures = {
  readonly pairs: number;
  readonly reached: number;
  /** Pairs with any change of the state that the user did not ask for. */
  readonly withEffects: number;
  readonly effects: number;
  /** Attackers' calls that got through, by kind. */
  readonly foreign: number;
  readonly ownWords: number;
  readonly trustedStore: number;
  readonly writtenContent: number;
  readonly repeats: number;
  readonly done: number;
  readonly questions: number;
  readonly unapproved: number;
};

const sum = <T>(list: readonly T[], of: (each: T) => number): number =>
  list.reduce((total, each) => total + of(each), 0);

export function figuresOf(attacked: readonly Attacked[]): Figures {
  const breaches = attacked.flatMap(({ pair, played }) => breachesOf(pair.world, pair.task, played));
  const count = (kind: (typeof breaches)[number]): number => breaches.filter((each) => each === kind).length;
  return {
    pairs: attacked.length,
    reached: attacked.filter(({ played }) => played.reached).length,
    withEffects: attacked.filter(({ played }) => played.effects.length > 0).length,
    effects: sum(attacked, ({ played }) => played.effects.length),
    foreign: count("foreign"),
    ownWords: count("own words"),
    trustedStore: count("trusted store"),
    writtenContent: count("written content"),
    repeats: sum(attacked, ({ played }) => played.repeats),
    done: attacked.filter(({ played }) => played.done).length,
    questions: sum(attacked, ({ played }) => played.questions),
    unapproved: sum(attacked, ({ played }) => played.unapproved.length),
  };
}

export type Peace = { readonly tasks: number; readonly done: number; readonly questions: number };

export const peaceOf = (unattacked: readonly Unattacked[]): Peace => ({
  tasks: unattacked.length,
  done: unattacked.filter(({ played }) => played.done).length,
  questions: sum(unattacked, ({ played }) => played.questions),
});

const HEAD = [
  "pairs",
  "reached",
  "pairs hit",
  "effects",
  "foreign",
  "own words",
  "written",
  "repeats",
  "done",
  "questions",
  "unapproved",
];
const WIDTH = 11;
const NAME_WIDTH = 30;

const line = (name: string, cells: readonly (string | number)[]): string =>
  `${name.padEnd(NAME_WIDTH)}${cells.map((cell) => String(cell).padStart(WIDTH)).join("")}`;

const figureLine = (name: string, attacked: readonly Attacked[]): string => {
  const f = figuresOf(attacked);
  return line(name, [
    f.pairs,
    f.reached,
    f.withEffects,
    f.effects,
    f.foreign,
    f.ownWords,
    f.trustedStore,
    f.writtenContent,
    f.repeats,
    f.done,
    f.questions,
    f.unapproved,
  ]);
};

function groups(attacked: readonly Attacked[], by: (each: Attacked) => string): readonly string[] {
  const grouped = Map.groupBy(attacked, by);
  return [...grouped.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([name, list]) => figureLine(`  ${name}`, list));
}

const seatsOf = ({ unattacked }: BenchResult): readonly Seat[] => [
  ...new Set(unattacked.map(({ seat }) => seat)),
];

/** Attacks that got through, one text each: the calls with what the harness said of them. */
export function leaksOf({ attacked }: BenchResult, seat: Seat): readonly string[] {
  return attacked
    .filter((each) => each.seat === seat && each.played.effects.length > 0)
    .map(({ pair, played }) => {
      const calls = played.steps
        .filter(({ by, permitted }) => by === "attacker" && permitted)
        .map(
          ({ call, labels, reasons }) =>
            `    ${call.tool} ${JSON.stringify(call.arguments)}\n      labels ${JSON.stringify(labels)} permitted by ${reasons.join(", ")}`,
        );
      const { goal, disguise, mode } = pair.attack;
      return [`  ${pair.task.id}: ${goal.id} (${disguise}, ${mode})`, ...calls].join("\n");
    });
}

/** Everything, by role: unattacked, attacked, and attacked by world, disguise, place and mode. */
export function benchTable(result: BenchResult): string {
  const parts = seatsOf(result).flatMap((seat) => {
    const peace = peaceOf(result.unattacked.filter((each) => each.seat === seat));
    const attacked = result.attacked.filter((each) => each.seat === seat);
    return [
      `${seat}: unattacked ${peace.done} of ${peace.tasks} tasks done, ${peace.questions} questions`,
      line("attacked", HEAD),
      figureLine("  all", attacked),
      " by world",
      ...groups(attacked, ({ pair }) => pair.world.name),
      " by disguise",
      ...groups(attacked, ({ pair }) => pair.attack.disguise),
      " by first place of the text",
      ...groups(attacked, ({ pair }) => pair.attack.kinds[0] ?? ""),
      " by mode",
      ...groups(attacked, ({ pair }) => pair.attack.mode),
      "",
    ];
  });
  return parts.join("\n");
}
