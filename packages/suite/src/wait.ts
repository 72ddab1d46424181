import { setImmediate as nextTurnOf, setTimeout as pause } from "node:timers/promises";

/** Between two looks at the target: short against what a person notices, long against what a server minds. */
const LOOK_INTERVAL_MS = 50;

/**
 * Looks again and again until what was seen satisfies, or the time is up.
 * @returns what was seen last, and whether it satisfied
 */
export async function lookUntil<T>(
  look: () => Promise<T>,
  satisfies: (seen: T) => boolean,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<{ readonly seen: T; readonly satisfied: boolean }> {
  const endsAt = performance.now() + options.timeoutMs;
  for (;;) {
    const seen = await look();
    if (satisfies(seen)) return { seen, satisfied: true };
    if (performance.now() >= endsAt) return { seen, satisfied: false };
    await pause(LOOK_INTERVAL_MS, undefined, { signal: options.signal });
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
