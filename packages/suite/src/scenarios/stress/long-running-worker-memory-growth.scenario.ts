import type { MemoryBench } from "../../memory-bench.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import { HANDLES_MORE_MAX, LEAK_BYTES, RESIDENT_BYTES_MAX } from "../../objectives.ts";
import {
  isGrowing,
  isRuledOut,
  type MemoryReading,
  type Slope,
  theilSenSlope,
  wouldShowLeak,
} from "../../slope.ts";

/** Batches that fill caches, pools and compiled code, and are not looked at. */
const WARM_BATCHES = 3;
const BATCHES_DEFAULT = 12;
/** So many times the batches are lived at most, while the readings say neither that it grows nor that it does not. */
const ROUNDS_MAX = 3;
/** Of a worker that was read for longer the newest part is judged: what it filled at first it has filled by then. */
const NEWEST = 2 / 3;

export const longRunningWorkerMemoryGrowth: Scenario = {
  id: "harness_stress/long_running_worker_memory_growth",
  title: "A worker that carries out run after run needs no more memory for it",
  tier: 2,
  phase: "stress",
  why: "A worker that grows is killed by its host in the middle of runs, and the retries storm its successors.",
  remedy:
    "Keep nothing of a run that has ended: no listener, no timer, no buffer outside of the heap, no cache without a bound.",
  needs: ["memory"],
  invariants: ["refuse-early"],
  seed: "backend/tests/harness_stress/test_long_running_worker_memory_growth.py",
  timeLimitMs: 3_600_000,
  run: async (context) => {
    const { memory } = context.target;
    if (memory === undefined) throw new Error("the capability memory was not there");
    for (let batch = 0; batch < WARM_BATCHES; batch += 1) await memory.live(memory.runsPerBatch);
    const before = { handles: memory.handles(), process: memory.process?.(), ended: await memory.ended?.() };
    const readings = await readUntilClear(memory);
    checkHeap(context, readings);
    await context.part("buffers outside of the heap", ["memory.buffers"], async () => {
      await Promise.resolve();
      const slope = slopeOf(readings.buffers);
      context.read("buffers", { readings: readings.buffers, slope });
      context.check("what is held outside of the heap does not grow with the runs", !isGrowing(slope), slope);
      context.precondition("the readings of buffers say whether they grow", isRuledOut(slope));
    });
    await context.part("all of the process's memory", ["resident_memory"], async () => {
      const all = await Promise.resolve(theilSenSlope(readings.resident));
      context.read("memory of the process", { readings: readings.resident, slope: all });
      context.check(
        "what the process has of its machine does not grow with the runs",
        !isGrowing(all, RESIDENT_BYTES_MAX),
        all,
      );
    });
    checkHandles(context, before.handles, memory.handles());
    await context.part("the runs were carried out", ["memory.ended"], async () => {
      const ended = (await memory.ended?.()) ?? 0;
      const found = { lived: readings.runs, ended: ended - (before.ended ?? 0) };
      context.check("as many runs have ended as were to be carried out", found.ended >= found.lived, found);
    });
    await context.part("one process all along", ["memory.process"], async () => {
      const now = await Promise.resolve(memory.process?.());
      // Whoever dies of its growth in time to start anew never shows any.
      context.check("the worker was not started anew meanwhile", now === before.process, [
        before.process,
        now,
      ]);
    });
  },
};

type Readings = {
  readonly runs: number;
  readonly heap: readonly MemoryReading[];
  readonly buffers: readonly MemoryReading[];
  readonly resident: readonly MemoryReading[];
};

function isClear(readings: readonly MemoryReading[] = []): boolean {
  const slope = readings.length === 0 ? null : slopeOf(readings);
  return slope === null || isGrowing(slope) || isRuledOut(slope);
}

async function readUntilClear(memory: MemoryBench): Promise<Readings> {
  const [heap, buffers, resident]: MemoryReading[][] = [[], [], []];
  const batches = memory.batches ?? BATCHES_DEFAULT;
  let runs = 0;
  const note = (to: MemoryReading[] | undefined, bytes: number | undefined): void => {
    if (bytes !== undefined) to?.push({ runs, bytes });
  };
  for (let batch = 0; batch < batches * ROUNDS_MAX; batch += 1) {
    if (batch > 0 && batch % batches === 0 && isClear(heap) && isClear(buffers)) break;
    await memory.live(memory.runsPerBatch);
    runs += memory.runsPerBatch;
    note(heap, await memory.heapBytes());
    note(buffers, await memory.bufferBytes?.());
    note(resident, await memory.residentBytes?.());
  }
  return { runs, heap: heap ?? [], buffers: buffers ?? [], resident: resident ?? [] };
}

/** Of the first round all of it; of more the newest part. */
function slopeOf(readings: readonly MemoryReading[]): Slope {
  const all = theilSenSlope(readings);
  if (isRuledOut(all) || isGrowing(all)) return all;
  return theilSenSlope(readings.slice(-Math.max(BATCHES_DEFAULT, Math.ceil(readings.length * NEWEST))));
}

function checkHeap(context: ScenarioContext, { heap }: Readings): void {
  const slope = slopeOf(heap);
  context.read("heap after collection", { readings: heap, slope });
  // Of a heap that is read, no two collections leave the very same.
  context.precondition(
    "the heap is read, and no number told",
    new Set(heap.map(({ bytes }) => bytes)).size > 1,
  );
  context.check("the heap does not grow with the runs", !isGrowing(slope), slope);
  context.check(
    `a leak of ${LEAK_BYTES} bytes a run would have been seen above the noise of the readings`,
    wouldShowLeak(slope),
    slope,
  );
  context.precondition("the readings of the heap say whether it grows", isRuledOut(slope));
}

function checkHandles(
  context: ScenarioContext,
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): void {
  const grown = Object.entries(after).filter(
    ([kind, count]) => count > (before[kind] ?? 0) + HANDLES_MORE_MAX,
  );
  const unknown = Object.entries(after).filter(([kind]) => before[kind] === undefined);
  const more = unknown.reduce((sum, [, count]) => sum + count, 0);
  context.read("handles", { before, after });
  context.check("no sockets, timers or listeners are left behind", grown.length === 0, grown);
  context.check("nor such as have names of their own each", more <= HANDLES_MORE_MAX, unknown);
}
