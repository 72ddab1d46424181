// A chaos schedule: which fault strikes which target when, decided by a seed, so that the same seed gives the same
// troubles. Time is counted in units of work, not in milliseconds: a slow machine sees the same schedule.

import { randomFrom } from "../chance.ts";

export type ChaosEvent = {
  /** Before the unit of work with this number, from 0. */
  readonly at: number;
  readonly fault: string;
  readonly target: string;
};

export type ChaosSchedule = { readonly seed: number; readonly events: readonly ChaosEvent[] };

export type ChaosPlan = {
  readonly seed: number;
  /** Units of work in all. */
  readonly units: number;
  readonly events: number;
  /** Faults by name, each with the targets that it can strike. */
  readonly faults: Readonly<Record<string, readonly string[]>>;
};

/** @returns events in the order of their time; every fault of the plan is drawn before any is drawn again */
export function drawSchedule({ seed, units, events, faults }: ChaosPlan): ChaosSchedule {
  const chance = randomFrom(seed);
  const pick = (most: number): number => Math.floor(chance() * most);
  const names = Object.keys(faults);
  let left: string[] = [];
  const drawn = Array.from({ length: names.length === 0 ? 0 : events }, (): ChaosEvent => {
    if (left.length === 0) left = [...names];
    const fault = left.splice(pick(left.length), 1)[0] ?? "";
    const targets = faults[fault] ?? [];
    return { at: pick(units), fault, target: targets[pick(targets.length)] ?? "" };
  });
  return { seed, events: drawn.toSorted((a, b) => a.at - b.at) };
}

/**
 * The shortest part of a schedule that still fails: nothing of it can be left out (delta debugging, Zeller and
 * Hildebrandt 2002, ddmin). The order of events is kept.
 * @param fails whether a schedule fails; asked again and again, so it has to be the same each time
 */
export async function shrinkSchedule(
  schedule: ChaosSchedule,
  fails: (schedule: ChaosSchedule) => Promise<boolean>,
): Promise<ChaosSchedule> {
  const { seed } = schedule;
  let events = schedule.events;
  let parts = 2;
  while (events.length >= 2) {
    const size = Math.ceil(events.length / parts);
    const without = Array.from({ length: Math.ceil(events.length / size) }, (_, part) =>
      events.filter((__, index) => Math.floor(index / size) !== part),
    );
    const smaller = await firstThat(without, async (each) => await fails({ seed, events: each }));
    if (smaller !== null) {
      events = smaller;
      parts = Math.max(parts - 1, 2);
    } else if (size === 1) break;
    else parts = Math.min(parts * 2, events.length);
  }
  if (events.length === 1 && (await fails({ seed, events: [] }))) events = [];
  return { seed, events };
}

async function firstThat<T>(all: readonly T[], holds: (each: T) => Promise<boolean>): Promise<T | null> {
  for (const each of all) if (await holds(each)) return each;
  return null;
}
