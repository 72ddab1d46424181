// What the toy keeps its runs in: a list of writes that is applied as a whole, and that can be made to fail as real
// databases do.

import type { ArmedFault, DatabaseBench } from "../database-bench.ts";
import type { Breaks } from "./toy-run.ts";

/** Tries of one transaction that met a conflict. */
const TRIES_MAX = 6;

class ToyConflict extends Error {}
class ToyGone extends Error {}
class ToyBroken extends Error {}

export type ToyDatabase = {
  armed: ArmedFault | null;
  count: number;
  fired: number;
  isDown: boolean;
  /** Somebody else holds all runs until it resolves. */
  lock: Promise<void> | null;
  /** Statements that wait; told whether they may go on, or whoever made them is gone. */
  readonly held: Set<PromiseWithResolvers<"on" | "gone">>;
};

export const createToyDatabase = (): ToyDatabase => ({
  armed: null,
  count: 0,
  fired: 0,
  isDown: false,
  lock: null,
  held: new Set(),
});

const CONFLICTS: readonly string[] = ["conflict", "late", "deadlock", "cut", "full"];

async function meet(database: ToyDatabase): Promise<void> {
  if (database.isDown) throw new ToyGone();
  if (database.lock !== null) await database.lock;
  const { armed } = database;
  database.count += 1;
  if (armed === null || database.count < armed.from || database.count > armed.to) return;
  database.fired += 1;
  if (armed.fault === "held") {
    const waiting = Promise.withResolvers<"on" | "gone">();
    database.held.add(waiting);
    const told = await waiting.promise;
    database.held.delete(waiting);
    if (told === "gone") throw new ToyGone();
  }
  if (CONFLICTS.includes(armed.fault)) throw new ToyConflict();
  if (armed.fault === "broken") throw new ToyBroken();
}

/** All of the writes, or none. @returns what became of them; the good toy runs the whole again after a conflict */
export async function writeAll(
  database: ToyDatabase,
  writes: readonly (() => void)[],
  breaks: Breaks,
): Promise<"written" | "not_ready" | "internal_error"> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      for (const write of writes) {
        await meet(database);
        if (breaks.has("atom.half")) write();
      }
      if (!breaks.has("atom.half")) for (const write of writes) write();
      return "written";
    } catch (error) {
      if (error instanceof ToyBroken) return "internal_error";
      if (error instanceof ToyGone || breaks.has("db.once")) return "not_ready";
      if (!(error instanceof ToyConflict)) throw error;
      if (attempt >= TRIES_MAX && !(breaks.has("db.storm") && attempt < 100 * TRIES_MAX)) return "not_ready";
    }
  }
}

export function letGo({ held }: ToyDatabase, told: "on" | "gone"): void {
  for (const { resolve } of held) resolve(told);
}

export const isToyReady = ({ isDown, lock }: ToyDatabase, breaks: Breaks): boolean =>
  breaks.has("db.blind") || (!isDown && lock === null);

export function toyDatabaseBench(
  database: ToyDatabase,
  breaks: Breaks,
  contradictions: () => readonly string[],
): DatabaseBench {
  return {
    arm: async (armed) => {
      await Promise.resolve();
      Object.assign(database, { armed, count: 0, fired: 0 });
    },
    disarm: async () => {
      await Promise.resolve();
      database.armed = null;
      letGo(database, "on");
    },
    count: async () => await Promise.resolve(database.count),
    fired: async () => await Promise.resolve(database.fired),
    held: async () => await Promise.resolve(database.held.size),
    contradictions: async () => await Promise.resolve(contradictions()),
    whileLocked: async (work) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      database.lock = promise;
      try {
        await work();
      } finally {
        database.lock = null;
        resolve();
      }
    },
    restart: async (whileDown) => {
      database.isDown = true;
      letGo(database, "gone");
      await whileDown();
      database.isDown = breaks.has("db.dead");
    },
  };
}
