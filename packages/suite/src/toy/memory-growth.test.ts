// The scenario of memory growth against a worker that leaks 64 bytes a run, and one that does not, with a real heap. All else that a
// worker can hide its growth by is tried at night (tests/nightly/toy-workers.test.ts).

import { expect, test } from "vitest";
import { SCENARIOS } from "../catalogue.ts";
import { runTrial } from "../runner.ts";
import { createToyWorker, type WorkerBug } from "./toy-worker.ts";

const scenario = SCENARIOS.find(({ id }) => id.endsWith("memory_growth"));

test.each<readonly [string, readonly WorkerBug[], readonly [string, string]]>([
  ["keeps nothing", [], ["PASS", ""]],
  ["leaks 64 bytes a run", ["keeps.heap"], ["FAIL", "the heap does not grow with the runs"]],
  [
    "leaks 4 kB a run outside of the heap",
    ["keeps.pages"],
    ["FAIL", "what the process has of its machine does not grow with the runs"],
  ],
  [
    "leaves a timer behind a run",
    ["keeps.timers"],
    ["FAIL", "no sockets, timers or listeners are left behind"],
  ],
])("a worker that %s", async (_name, bugs, expected) => {
  if (scenario === undefined) throw new Error("there is no such scenario");
  const trial = await runTrial(scenario, createToyWorker(bugs), { seed: 42 });
  expect([trial.verdict, trial.reason]).toEqual(expected);
});
