// What an idle worker process asks of its database, counted; and that asking so little makes nobody wait.

import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { SWEEP_INTERVAL_SECONDS } from "../../../packages/harness/src/base/limits.ts";
import { startSweeper } from "../../../packages/harness/src/services/sweeper.ts";
import { startWorker } from "../../../packages/harness/src/services/worker.ts";
import { openEngine } from "../../support/engine.ts";
import { steppedTime } from "../../support/stepped-time.ts";

const MINUTE_MS = 60_000;

test("an idle worker asks its database every two seconds, and takes what is queued as soon as it has seen it", async () => {
  await using engine = await openEngine();
  const time = steppedTime();
  const asked: string[] = [];
  const store = time.watch(engine.store, (name) => asked.push(name));
  const ports = { ...engine.ports, store, clock: time };
  // Nobody is ever told of anything: a hint can be lost.
  const wakeUps = { listen: () => () => undefined, listenToCallOffs: () => () => undefined };
  const consumer = startWorker(ports, { worker: randomInt(2 ** 31 - 1), wakeUps });
  const sweeper = startSweeper(ports, { onQueued: () => consumer.look() });
  try {
    await time.pass(MINUTE_MS);
    asked.length = 0;
    await time.pass(4 * MINUTE_MS);
    const sweeps = (4 * 60) / SWEEP_INTERVAL_SECONDS;
    expect(asked.filter((name) => name === "due")).toHaveLength(sweeps);
    // One in fifteen beside them, for sweeps that fail.
    expect(asked.length - sweeps).toBeLessThanOrEqual(sweeps / 15);
    expect(asked.length - sweeps).toBeGreaterThan(0);
    const run = await engine.submit();
    await time.pass(SWEEP_INTERVAL_SECONDS * 1_000);
    expect((await engine.run(run)).status).not.toBe("queued");
  } finally {
    await Promise.all([consumer.stop(), sweeper.stop()]);
  }
});
