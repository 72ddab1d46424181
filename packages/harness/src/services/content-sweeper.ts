// Removes stored content that no run names: a worker that died between storing an output and committing it left it. Any
// number of processes may sweep at once.

import { CONTENT_ORPHAN_HOURS, CONTENT_SWEEP_HOURS } from "../base/limits.ts";
import type { ArtifactFiles, Clock, ClockWatch, Log, Store } from "../ports.ts";
import { removeEach, startSweeping, type Sweeping } from "./sweeping.ts";

type Ports = {
  readonly store: Pick<Store, "unnamedContent" | "forgetContent">;
  readonly files: Pick<ArtifactFiles, "list" | "remove">;
  readonly clock: Clock;
  readonly clockWatch: Pick<ClockWatch, "difference">;
  readonly log: Log;
};

/** Digests of one question to the database. */
const DIGESTS_MAX = 1_000;

export const startContentSweeper = (ports: Ports): Sweeping =>
  startSweeping(
    ports,
    CONTENT_SWEEP_HOURS * 3_600,
    "stored content could not be swept",
    async (stopping) => await sweepContent(ports, stopping),
  );

/**
 * One pass; none by a clock that is astray. What is younger than the bound is left alone: somebody may be about to name it.
 * What is older is removed under a lock that keeps it from being named meanwhile (Store.forgetContent).
 * @returns how many were removed
 */
export async function sweepContent(
  { store, files, clock, clockWatch, log }: Ports,
  stopping: AbortSignal = new AbortController().signal,
): Promise<number> {
  if (clockWatch.difference() !== null) return 0;
  const before = clock.now().getTime() - CONTENT_ORPHAN_HOURS * 3_600_000;
  return await removeEach(
    unnamed({ store, files }, before),
    stopping,
    async (sha256) => await store.forgetContent(sha256, async () => await files.remove(sha256)),
    (count) => log("info", "swept content that no run names", { files: count }),
  );
}

async function* unnamed(
  { store, files }: Pick<Ports, "store" | "files">,
  before: number,
): AsyncIterable<string> {
  let after: string | null = null;
  do {
    const page = await files.list(after);
    const old = page.files.filter(({ storedAt }) => storedAt.getTime() < before).map(({ sha256 }) => sha256);
    for (let at = 0; at < old.length; at += DIGESTS_MAX)
      yield* await store.unnamedContent(old.slice(at, at + DIGESTS_MAX));
    after = page.next;
  } while (after !== null);
}
