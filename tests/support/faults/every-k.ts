// Runs the happy path once for each place where something can go wrong (the k-th statement, file operation or provider
// call), in each way in which it can, and says what contradicted what must hold.

import { setTimeout as pause } from "node:timers/promises";
import type { PointFault } from "@assent/suite";
import type { HappyPath } from "./happy-path.ts";

/** `lost`: it was carried out, and nobody hears of it. `killed`: the process is gone, before it or after it. */
export const WAYS = ["failed", "lost", "killed before", "killed after"] as const;
export type Way = (typeof WAYS)[number];

const broken = (): Error =>
  Object.assign(new Error("Connection terminated unexpectedly"), { code: "ENOSPC" });

export const FAULTS: { readonly [W in Way]: PointFault } = {
  failed: { do: "fail", when: "before", error: broken },
  lost: { do: "fail", when: "after", error: broken },
  "killed before": { do: "hang", when: "before" },
  "killed after": { do: "hang", when: "after" },
};

/** No life takes this long on any machine: one that does waits for what never comes. */
const LIFE_MS_MAX = 120_000;

async function unlessHung(path: HappyPath, what: string): Promise<readonly string[]> {
  const late = new AbortController();
  const hung = async (): Promise<never> => {
    await pause(LIFE_MS_MAX, undefined, { signal: late.signal });
    throw new Error(`${what} (${path.points.fired() ?? "not reached"}): the run hangs`);
  };
  try {
    return await Promise.race([path.live(), hung()]);
  } finally {
    late.abort();
  }
}

export type Tried = { readonly k: number; readonly way: Way; readonly at: string | null };

/** @returns the points that one life of a run goes through, where it is not the first one of its database */
export async function countPoints(path: HappyPath): Promise<readonly string[]> {
  path.points.disarm();
  for (let life = 0; life < 2; life += 1) {
    path.points.clear();
    const found = await path.live();
    if (found.length > 0) throw new Error(`without any fault: ${found.join("; ")}`);
  }
  return [...path.points.calls()];
}

/** The n-th point of that name (from 1) meets the fault. @returns what contradicts, and whether it was met */
export async function tryPoint(
  path: HappyPath,
  name: string,
  n: number,
  way: Way,
): Promise<{ readonly contradictions: readonly string[]; readonly met: boolean }> {
  path.points.arm(name, n, FAULTS[way]);
  const contradictions = await path.live();
  const met = path.points.fired() === name;
  path.points.disarm();
  return { contradictions, met };
}

/**
 * @param chosen which of the k (from 1) are tried
 * @returns each trial that contradicts, as a sentence; and all that were tried, with what they met
 */
export async function tryEvery(
  path: HappyPath,
  chosen: readonly number[],
  ways: readonly Way[],
): Promise<{ readonly contradictions: readonly string[]; readonly tried: readonly Tried[] }> {
  const contradictions: string[] = [];
  const tried: Tried[] = [];
  for (const k of chosen)
    for (const way of ways) {
      path.points.arm(null, k, FAULTS[way]);
      const found = await unlessHung(path, `point ${k} ${way}`);
      const at = path.points.fired();
      path.points.disarm();
      tried.push({ k, way, at });
      for (const each of found) contradictions.push(`point ${k} (${at ?? "not reached"}) ${way}: ${each}`);
    }
  return { contradictions, tried };
}
