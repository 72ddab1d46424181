// The harness as a world for chaos: units of work are whole runs, and what strikes are lost statements, dead workers, a
// full disk and a provider that is gone.

import type { ChaosEvent, ChaosWorld, PointFault } from "@assent/suite";
import { type HappyPath, type HappyPathOptions, openHappyPath } from "./happy-path.ts";

/** Faults, each with the points that it can strike. */
export const ENGINE_FAULTS: Readonly<Record<string, readonly string[]>> = {
  statement_lost: ["db.with", "db.commit", "db.select"],
  worker_dead: ["db.commit", "models.call", "fs.rename", "db.with"],
  disk_full: ["fs.create", "fs.sync", "fs.rename"],
  provider_gone: ["models.call"],
};

const full = (): Error => Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
const gone = (): Error => new Error("Connection terminated unexpectedly");

const FAULTS: Readonly<Record<string, PointFault>> = {
  statement_lost: { do: "fail", when: "after", error: gone },
  worker_dead: { do: "hang", when: "after" },
  disk_full: { do: "fail", when: "before", error: full },
  provider_gone: { do: "fail", when: "before", error: gone },
};

export async function openEngineChaos(options: HappyPathOptions = {}): Promise<ChaosWorld> {
  const path: HappyPath = await openHappyPath(options);
  const fired = new Map<string, number>();
  const found: string[] = [];
  let waiting: ChaosEvent[] = [];
  const meet = async ({ fault: name, target }: ChaosEvent): Promise<void> => {
    const fault = FAULTS[name];
    if (fault === undefined) throw new Error(`no fault ${name}`);
    path.points.arm(target, 1, fault);
    found.push(...(await path.live()));
    if (path.points.fired() !== null) fired.set(name, (fired.get(name) ?? 0) + 1);
    path.points.disarm();
  };
  return {
    strike: async (event) => {
      waiting.push(event);
      await Promise.resolve();
    },
    // A run for each fault that strikes in this unit, else one that nothing befalls.
    work: async () => {
      const events = waiting;
      waiting = [];
      if (events.length === 0) found.push(...(await path.live()));
      for (const event of events) await meet(event);
    },
    fired: () => fired,
    calm: async () => {
      // Whatever was cut off is found and brought to its end.
      await path.engine.sweep();
    },
    violations: async () => await Promise.resolve(found),
    close: async () => {
      await path[Symbol.asyncDispose]();
    },
  };
}
