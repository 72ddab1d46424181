// Who tests the tester, where a worker grows: each way in which a worker that does can look as if it did not is found, and honest ones
// that differ in what is theirs to choose pass. With a real heap, so that it takes its time; the gate tries four of them
// (packages/suite/src/toy/memory-growth.test.ts).

import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { runTrial } from "../../packages/suite/src/runner.ts";
import {
  createToyWorker,
  isWorkerBug,
  isWorkerWay,
  WORKER_BUGS,
  WORKER_WAYS,
  type WorkerBug,
  type WorkerWay,
} from "../../packages/suite/src/toy/toy-worker.ts";

const HEAP = "the heap does not grow with the runs";
/** The claim that must be the one to fail; what keeps the question from being put is INCONCLUSIVE, which is never a pass. */
const KILLS: Record<WorkerBug, readonly [claim: string, verdict?: "INCONCLUSIVE"]> = {
  "keeps.heap": [HEAP],
  "keeps.buffers": ["what is held outside of the heap does not grow"],
  "keeps.pages": ["what the process has of its machine does not grow"],
  "keeps.timers": ["no sockets, timers or listeners are left behind"],
  "keeps.names": ["nor such as have names of their own each"],
  "keeps.failed": [HEAP],
  "keeps.steps": [HEAP],
  "keeps.late": [HEAP],
  // Between two of its doublings it is as flat as a table that was made larger once.
  "keeps.doubled": ["the readings of the heap say whether it grows", "INCONCLUSIVE"],
  "lives.none": ["as many runs have ended as were to be carried out"],
  "lives.few": ["as many runs have ended as were to be carried out"],
  "lives.anew": ["the worker was not started anew meanwhile"],
  "says.number": ["the heap is read, and no number told", "INCONCLUSIVE"],
};

async function tryOn(names: readonly (WorkerBug | WorkerWay)[]): Promise<readonly [string, string]> {
  const scenario = SCENARIOS.find(({ id }) => id.endsWith("memory_growth"));
  if (scenario === undefined) throw new Error("there is no such scenario");
  const { verdict, reason } = await runTrial(scenario, createToyWorker(names), { seed: 42 });
  return [verdict, reason];
}

test.each([
  [],
  ...Object.keys(WORKER_WAYS)
    .filter(isWorkerWay)
    .map((way) => [way]),
])("an honest worker passes: %s", async (...ways) => {
  expect(await tryOn(ways)).toEqual(["PASS", ""]);
});

test.each(Object.keys(WORKER_BUGS).filter(isWorkerBug))("%s is found", async (bug) => {
  const [claim, verdict = "FAIL"] = KILLS[bug];
  expect(await tryOn([bug])).toEqual([verdict, expect.stringContaining(claim)]);
});
