// Where the toy's runs can be held up while they end, and what becomes of those that stand there when it dies.

import type { EndingBench, EndingPoint } from "../target.ts";
import type { ToyRun } from "./toy-run.ts";

export type ToyEnding = {
  at: EndingPoint | null;
  readonly standing: Set<ToyRun>;
  /** Resolved with whether the run goes on, or its process has died. */
  next: PromiseWithResolvers<boolean>;
};

export const createToyEnding = (): ToyEnding => ({
  at: null,
  standing: new Set(),
  next: Promise.withResolvers(),
});

function resolveAll(ending: ToyEnding, goesOn: boolean): readonly ToyRun[] {
  const left = [...ending.standing];
  ending.standing.clear();
  ending.next.resolve(goesOn);
  ending.next = Promise.withResolvers();
  return left;
}

/** @returns whether its process has outlived it */
export async function passes(ending: ToyEnding, toy: ToyRun, point: EndingPoint): Promise<boolean> {
  if (ending.at !== point) return true;
  ending.standing.add(toy);
  return await ending.next.promise;
}

/** @returns the runs that stood there */
export const dieThere = (ending: ToyEnding): readonly ToyRun[] => resolveAll(ending, false);

export const toyEndingBench = (ending: ToyEnding): EndingBench => ({
  holdAt: async (point) => {
    await Promise.resolve();
    ending.at = point;
  },
  held: async () => await Promise.resolve(ending.standing.size),
  letGo: async () => {
    await Promise.resolve();
    ending.at = null;
    resolveAll(ending, true);
  },
});
