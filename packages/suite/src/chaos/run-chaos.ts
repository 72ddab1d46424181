// Carries a chaos schedule out against a world, writes down what happened, and looks at rest whether everything that
// must hold does. Without the proof that its faults fired it says nothing.

import type { Verdict } from "../verdict.ts";
import type { ChaosEvent, ChaosSchedule } from "./schedule.ts";

export type ChaosWorld = {
  /** One unit of work; what it throws is part of the history, not a failure by itself. */
  work(unit: number): Promise<void>;
  /** Puts a fault in force; it ends by itself, or in `calm`. */
  strike(event: ChaosEvent): Promise<void>;
  /** Times each fault demonstrably did something, by name. */
  fired(): ReadonlyMap<string, number>;
  /** Ends all faults, and waits until nothing moves any more. */
  calm(): Promise<void>;
  /** What contradicts what must hold, now, at rest. */
  violations(): Promise<readonly string[]>;
  close(): Promise<void>;
};

export type ChaosEntry =
  | { readonly what: "struck"; readonly event: ChaosEvent }
  | { readonly what: "worked"; readonly unit: number; readonly error: string | null };

export type ChaosReport = {
  readonly schedule: ChaosSchedule;
  /** INCONCLUSIVE: a fault of the schedule never fired, so its absence of harm shows nothing. */
  readonly verdict: Extract<Verdict, "PASS" | "FAIL" | "INCONCLUSIVE">;
  readonly violations: readonly string[];
  /** Names of faults that were to strike and never fired. */
  readonly silent: readonly string[];
  readonly fired: Readonly<Record<string, number>>;
  readonly history: readonly ChaosEntry[];
};

/** @param open a fresh world: a schedule that is tried again must meet the same beginning */
export async function runChaos(
  schedule: ChaosSchedule,
  units: number,
  open: (seed: number) => Promise<ChaosWorld>,
): Promise<ChaosReport> {
  const world = await open(schedule.seed);
  const history: ChaosEntry[] = [];
  try {
    for (let unit = 0; unit < units; unit += 1) {
      for (const event of schedule.events.filter(({ at }) => at === unit)) {
        await world.strike(event);
        history.push({ what: "struck", event });
      }
      history.push({ what: "worked", unit, error: await errorOf(async () => await world.work(unit)) });
    }
    await world.calm();
    const violations = await world.violations();
    const fired = world.fired();
    const silent = [...new Set(schedule.events.map(({ fault }) => fault))].filter(
      (fault) => (fired.get(fault) ?? 0) === 0,
    );
    const verdict = violations.length > 0 ? "FAIL" : silent.length > 0 ? "INCONCLUSIVE" : "PASS";
    return { schedule, verdict, violations, silent, fired: Object.fromEntries(fired), history };
  } finally {
    await world.close();
  }
}

async function errorOf(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
