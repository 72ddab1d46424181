import type { Scenario } from "../../scenario.ts";
import { HANDLES_MORE_MAX, LEAK_BYTES, RESIDENT_BYTES_MAX } from "../../objectives.ts";
import { isGrowing, type MemoryReading, theilSenSlope, wouldShowLeak } from "../../slope.ts";

/** Batches that fill caches, pools and compiled code, and are not looked at. */
const WARM_BATCHES = 3;
const BATCHES_DEFAULT = 12;

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
    const handlesBefore = memory.handles();
    const readings: MemoryReading[] = [];
    const resident: MemoryReading[] = [];
    for (let batch = 0; batch < (memory.batches ?? BATCHES_DEFAULT); batch += 1) {
      await memory.live(memory.runsPerBatch);
      const runs = (batch + 1) * memory.runsPerBatch;
      readings.push({ runs, bytes: await memory.heapBytes() });
      const bytes = await memory.residentBytes?.();
      if (bytes !== undefined) resident.push({ runs, bytes });
    }
    const slope = theilSenSlope(readings);
    const handlesAfter = memory.handles();
    context.read("heap after collection", { readings, slope, handlesBefore, handlesAfter });
    context.check("the heap does not grow with the runs", !isGrowing(slope), slope);
    context.check(
      `a leak of ${LEAK_BYTES} bytes a run would have been seen above the noise of the readings`,
      wouldShowLeak(slope),
      slope,
    );
    await context.part("all of the process's memory", ["resident_memory"], async () => {
      const all = await Promise.resolve(theilSenSlope(resident));
      context.read("memory of the process", { readings: resident, slope: all });
      context.check(
        "what the process has of its machine does not grow with the runs",
        !isGrowing(all, RESIDENT_BYTES_MAX),
        all,
      );
    });
    const grown = Object.entries(handlesAfter).filter(
      ([kind, count]) => count > (handlesBefore[kind] ?? 0) + HANDLES_MORE_MAX,
    );
    context.check("no sockets, timers or listeners are left behind", grown.length === 0, grown);
  },
};
