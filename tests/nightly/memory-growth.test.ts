// 10,000 runs through one worker, a tenth of them called off: the slope of the heap after collection cannot be told from
// zero, and the readings are steady enough that 64 bytes a run would have been. The same worker with a planted leak of
// 64 bytes a run is caught. MEMORY_RUNS chooses another number: fewer are too few to show it.

import { readdirSync } from "node:fs";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { foreignTarget, SCENARIOS, runTrial, type Target } from "@assent/suite";
import { expect, test } from "vitest";
import { ok } from "../../packages/harness/src/base/result.ts";
import { gate } from "../../scripts/gates.ts";
import { answering, countingTool, type Engine, openEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

setFlagsFromString("--expose-gc");
const gc: unknown = runInNewContext("gc");
const collect = (): void => {
  if (typeof gc !== "function") throw new Error("the collector cannot be called");
  Reflect.apply(gc, undefined, []);
};

/**
 * Bytes of the heap that hold objects. Compiled code is left out: the engine compiles its hot functions anew for as long as
 * it runs (of 4,000 runs, snapshots before and after differ in 100 KB of that and in no object of ours), and a run cannot
 * be kept in it. The scenario reads the whole process's memory as well, with this in it.
 */
function objectBytes(): number {
  let bytes = 0;
  for (const space of getHeapSpaceStatistics()) {
    if (!/^(?:shared_)?(?:code|trusted)_/.test(space.space_name)) bytes += space.space_used_size;
  }
  return bytes;
}

const RUNS = Number(process.env["MEMORY_RUNS"] ?? gate("stress.memoryRuns"));
/**
 * Lived before anything is read: more than anything here remembers. What is remembered is bounded (2,000 texts that were
 * redacted, 2,048 names), and until it is full it grows.
 */
const WARM_RUNS = Math.min(2_500, RUNS);
/** Readings; the scenario's three batches of warming up come before them. */
const BATCHES = 40;

/** The engine does not list them among what keeps the process alive. */
function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

async function liveRuns(engine: Engine, from: number, count: number): Promise<void> {
  const ids = [];
  for (let run = 0; run < count; run += 1) {
    const id = await engine.submit(`Run ${from + run}.`, `memory-${from + run}`);
    if (run % 10 === 9) await engine.harness.cancelRun(engine.caller, id);
    ids.push(id);
  }
  await until(
    "all runs of the batch have ended",
    async () => {
      const { rows } = await engine.database
        .ownerPool()
        .query("select 1 from assent.runs where finished_at is null limit 1");
      return rows.length === 0;
    },
    600_000,
  );
}

function targetOf(engine: Engine, leak: () => void): Target {
  let lived = 0;
  return {
    ...foreignTarget({ urls: ["http://127.0.0.1:1"], keys: {}, runBody: {}, without: [] }),
    memory: {
      runsPerBatch: Math.ceil(RUNS / BATCHES),
      batches: BATCHES,
      live: async (count) => {
        await liveRuns(engine, lived, count);
        lived += count;
        engine.forgetLog();
        for (let run = 0; run < count; run += 1) leak();
      },
      heapBytes: async () => {
        collect();
        await Promise.resolve();
        collect();
        return objectBytes();
      },
      ended: async () => {
        const { rows } = await engine.database
          .ownerPool()
          .query<{ ended: number }>(
            "select count(*)::int as ended from assent.runs where finished_at is not null",
          );
        return rows[0]?.ended ?? 0;
      },
      bufferBytes: async () => await Promise.resolve(process.memoryUsage().arrayBuffers),
      process: () => String(process.pid),
      residentBytes: async () => await Promise.resolve(process.memoryUsage().rss),
      handles: () => {
        const counts: Record<string, number> = { files: openFiles() };
        for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
        return counts;
      },
    },
  };
}

/** Eight words of eight bytes: three of every object, and these. */
type Kept = { before: Kept | null; a: number; b: number; c: number; d: number };

const scenario = SCENARIOS.find(({ id }) => id.endsWith("memory_growth"));

test.each([
  ["keeps nothing", false, ["PASS", ""]],
  ["leaks 64 bytes a run", true, ["FAIL", "the heap does not grow with the runs"]],
])("a worker that %s, over so many runs", async (_name, leaks, expected) => {
  if (scenario === undefined) throw new Error("there is no such scenario");
  const note = countingTool("note", "none");
  await using engine = await openEngine({
    tools: [
      { ...note, execute: async () => await Promise.resolve(ok({ output: "noted", label: "trusted" })) },
    ],
    models: answering((turn) =>
      turn === 0 ? { calls: [{ id: "c", tool: "note", arguments: {} }] } : { text: "done" },
    ),
  });
  await engine.startWorker();
  let kept: Kept | null = null;
  const target = targetOf(engine, () => {
    if (leaks) kept = { before: kept, a: 1, b: 2, c: 3, d: 4 };
  });
  await target.memory?.live(WARM_RUNS);
  const trial = await runTrial(scenario, target, { seed: 42 });
  process.stdout.write(`${JSON.stringify(trial.readings)}\n`);
  expect([trial.verdict, trial.reason, trial.readings]).toEqual([...expected, expect.anything()]);
});
