// What a run leaves behind in its worker's memory when it has ended: no timer. One that is kept until the time limit of a
// call is over is kept for minutes, of each call of each run.

import { createHook } from "node:async_hooks";
import { expect, test } from "vitest";
import { answering, countingTool, openEngine } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

const RUNS = 15;
/** Of pools, sweeper and worker: as many as there are of those, however many runs there were. */
const TIMERS_MORE_MAX = 8;

/** Counts the timers that were started and neither fired nor were cleared, whether or not they keep the process alive. */
function countTimers(): Disposable & { alive(): number } {
  const alive = new Set<number>();
  const hook = createHook({
    init: (id, type) => {
      if (type === "Timeout") alive.add(id);
    },
    destroy: (id) => {
      alive.delete(id);
    },
  }).enable();
  return {
    alive: () => alive.size,
    [Symbol.dispose]: () => {
      hook.disable();
    },
  };
}

test("a run that has ended leaves no timer behind in its worker", async () => {
  const note = countingTool("note", "none");
  await using engine = await openEngine({
    tools: [note],
    models: answering((turn) =>
      turn === 0 ? { calls: [{ id: "c", tool: "note", arguments: {} }] } : { text: "done" },
    ),
  });
  await engine.startWorker();
  await engine.reaches(await engine.submit(), "succeeded");
  using timers = countTimers();
  for (let run = 0; run < RUNS; run += 1) await engine.reaches(await engine.submit(), "succeeded");
  expect(note.effects.length).toBe(RUNS + 1);
  // Their destruction is told a little later.
  await until("no more timers than before", () => timers.alive() <= TIMERS_MORE_MAX).catch(() => undefined);
  expect(timers.alive()).toBeLessThanOrEqual(TIMERS_MORE_MAX);
});
