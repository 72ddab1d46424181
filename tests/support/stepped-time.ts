// Time that passes only when everybody waits for it: hours of idling are counted in a moment, to the statement.

import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../packages/harness/src/ports.ts";

export type SteppedTime = Clock & {
  /** So much time passes, each sleeper being woken at its time, and only when nothing is under way. */
  pass(ms: number): Promise<void>;
  /** What is counted as under way, with each call of it. */
  watch<T extends object>(subject: T, called: (name: string) => void): T;
};

/** Turns of the event loop in which whoever was woken says what it waits for next. */
const SETTLED_TURNS = 5;

export function steppedTime(): SteppedTime {
  let nowMs = Date.now();
  let busy = 0;
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();

  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < SETTLED_TURNS; turns = busy > 0 ? 0 : turns + 1) await turn();
  };

  return {
    now: () => new Date(nowMs),
    async sleep(ms, signal): Promise<void> {
      if (signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const sleeper = { dueMs: nowMs + ms, wake: () => resolve(undefined) };
      sleepers.add(sleeper);
      signal.addEventListener("abort", sleeper.wake);
      await promise;
      signal.removeEventListener("abort", sleeper.wake);
      sleepers.delete(sleeper);
    },
    async pass(ms): Promise<void> {
      const endMs = nowMs + ms;
      for (await settle(); ; await settle()) {
        const [next] = [...sleepers].toSorted((a, b) => a.dueMs - b.dueMs);
        if (next === undefined || next.dueMs > endMs) break;
        nowMs = Math.max(nowMs, next.dueMs);
        next.wake();
      }
      nowMs = endMs;
    },
    watch<T extends object>(subject: T, called: (name: string) => void): T {
      return new Proxy(subject, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return (...args: unknown[]): unknown => {
            const answer: unknown = Reflect.apply(value, target, args);
            if (!(answer instanceof Promise)) return answer;
            called(String(name));
            busy += 1;
            return answer.finally(() => {
              busy -= 1;
            });
          };
        },
      });
    },
  };
}
