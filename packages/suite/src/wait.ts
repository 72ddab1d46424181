import { setImmediate as nextTurnOf, setTimeout as pause } from "node:timers/promises";

/** Between two looks at the target, at first: short against what a person notices, long against what a server minds. */
const LOOK_INTERVAL_MS = 50;
/** Of what takes long it is known later by a part of that, and the target is asked far less often. */
const LATER_BY_AT_MOST = 1 / 8;
const LOOK_INTERVAL_MS_MAX = 250;

/**
 * Looks again and again until what was seen satisfies, or the time is up.
 * @returns what was seen last, and whether it satisfied
 */
export async function lookUntil<T>(
  look: () => Promise<T>,
  satisfies: (seen: T) => boolean,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<{ readonly seen: T; readonly satisfied: boolean }> {
  const beganAt = performance.now();
  for (;;) {
    const seen = await look();
    if (satisfies(seen)) return { seen, satisfied: true };
    const lastedMs = performance.now() - beganAt;
    if (lastedMs >= options.timeoutMs) return { seen, satisfied: false };
    const intervalMs = Math.min(
      LOOK_INTERVAL_MS_MAX,
      Math.max(LOOK_INTERVAL_MS, lastedMs * LATER_BY_AT_MOST),
    );
    await pause(intervalMs, undefined, { signal: options.signal });
  }
}

/** As long as a server that refused has asked to be left alone. */
export async function waitSeconds(seconds: number, signal: AbortSignal): Promise<void> {
  await pause(seconds * 1_000, undefined, { signal });
}

/** When all that has arrived by now has been looked at. */
export async function nextTurn(): Promise<void> {
  await nextTurnOf();
}
