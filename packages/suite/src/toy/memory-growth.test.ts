// The scenario of memory growth against a worker that leaks 64 bytes a run, and one that does not, with a real heap.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { SCENARIOS } from "../catalogue.ts";
import { runTrial } from "../runner.ts";
import { foreignTarget, type Target } from "../target.ts";

setFlagsFromString("--expose-gc");
const gc: unknown = runInNewContext("gc");
const collect = (): void => {
  if (typeof gc !== "function") throw new Error("the collector cannot be called");
  Reflect.apply(gc, undefined, []);
};

/** @param buffered bytes a run that it keeps outside of the heap */
function worker(leakBytes: number, handlesARun: number, buffered = 0): Target {
  const kept: unknown[] = [];
  let runs = 0;
  return {
    ...foreignTarget({ urls: ["http://127.0.0.1:1"], keys: {}, runBody: {}, without: [] }),
    memory: {
      runsPerBatch: 2_000,
      live: async (count) => {
        await Promise.resolve();
        // One for all of them, written to, so that it is there: on the heap it is one small object.
        if (buffered > 0) kept.push(Buffer.alloc(buffered * count, 1));
        for (let run = 0; run < count; run += 1) {
          runs += 1;
          const journal = Array.from({ length: 10 }, (_, seq) => ({
            seq,
            text: `step ${seq} of run ${runs}`,
          }));
          if (leakBytes > 0) kept.push(Array.from({ length: leakBytes / 8 }, () => journal.length + 0.5));
        }
      },
      heapBytes: async () => {
        collect();
        return await Promise.resolve(process.memoryUsage().heapUsed);
      },
      residentBytes: async () => await Promise.resolve(process.memoryUsage().rss),
      handles: () => ({ Timeout: runs * handlesARun }),
    },
  };
}

const scenario = SCENARIOS.find(({ id }) => id.endsWith("memory_growth"));

test.each([
  ["keeps nothing", 0, 0, 0, ["PASS", ""]],
  ["leaks 64 bytes a run", 64, 0, 0, ["FAIL", "the heap does not grow with the runs"]],
  [
    "leaks 4 kB a run outside of the heap",
    0,
    0,
    4_096,
    ["FAIL", "what the process has of its machine does not grow with the runs"],
  ],
  ["leaves a timer behind a run", 0, 1, 0, ["FAIL", "no sockets, timers or listeners are left behind"]],
])("a worker that %s", async (_name, leakBytes, handles, buffered, expected) => {
  if (scenario === undefined) throw new Error("there is no such scenario");
  const trial = await runTrial(scenario, worker(leakBytes, handles, buffered), { seed: 42 });
  expect([trial.verdict, trial.reason]).toEqual(expected);
});
