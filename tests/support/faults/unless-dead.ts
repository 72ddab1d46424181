// A process that hangs at a point is one that was killed there.

import type { Failpoints } from "@assent/suite";

/** The process died at a point; whoever waits for it hears nothing any more. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied";
}

/** @throws ProcessDied as soon as the armed fault is met, where it is one after which nothing returns */
export async function unlessDead<T>(points: Failpoints, work: () => Promise<T>): Promise<T> {
  if (points.fired() !== null) return await work();
  const died = points.died().then((name) => {
    throw new ProcessDied(`the process died at ${name}`);
  });
  return await Promise.race([work(), died]);
}
