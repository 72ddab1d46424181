// What is read whenever somebody looks: how full the queue is, how long messages wait, and how the providers are. All are the database's, so
// every process of a fleet tells the same.

import type { TenantId } from "@assent/contract";
import { QUEUE_RUNS_MAX } from "../../base/limits.ts";
import { ASSENT, GEN_AI } from "../../core/telemetry/names.ts";
import type { Clock, LogStore, SealingStore, Store, Telemetry } from "../../ports.ts";
import type { LogGap } from "../audit/conservation.ts";

/** Of no tenant: nobody's share of the queue is asked for. */
const NOBODY: TenantId = `ten_${"0".repeat(32)}`;

const BREAKER_STATES = ["closed", "half_open", "open"] as const;

export type EvidenceGauges = {
  readonly store: Pick<LogStore, "headSeq">;
  readonly gaps: () => readonly LogGap[];
  readonly sealing: Pick<SealingStore, "uncoveredSince">;
  readonly clock: Clock;
};

/**
 * How far the evidence has come, how many events are lost on the way (0, or an alarm), and for how long backups have been
 * able to open what was erased.
 */
export function watchEvidence(
  telemetry: Pick<Telemetry, "watch">,
  { store, gaps, sealing, clock }: EvidenceGauges,
): void {
  telemetry.watch("assent.audit.uncovered_age", async () => {
    const since = await sealing.uncoveredSince();
    const seconds = since === null ? 0 : (clock.now().getTime() - since.getTime()) / 1_000;
    return [{ value: Math.max(seconds, 0), attributes: {} }];
  });
  telemetry.watch("assent.audit.head_seq", async () => [{ value: await store.headSeq(), attributes: {} }]);
  telemetry.watch("assent.audit.gap", async () => {
    const events = gaps().reduce((sum, { lost, missing }) => sum + Math.abs(lost) + Math.abs(missing), 0);
    return await Promise.resolve([{ value: events, attributes: {} }]);
  });
}

export function watchGauges(
  telemetry: Telemetry,
  {
    store,
    clock,
  }: { readonly store: Pick<Store, "queueLoad" | "breakers" | "deliveries">; readonly clock: Clock },
): void {
  const load = async (): ReturnType<Store["queueLoad"]> =>
    await store.queueLoad(NOBODY, clock.now(), QUEUE_RUNS_MAX + 1);
  telemetry.watch("assent.queue.depth", async () => [{ value: (await load()).queued, attributes: {} }]);
  telemetry.watch("assent.queue.oldest_age", async () => [
    { value: (await load()).oldestSeconds, attributes: {} },
  ]);
  telemetry.watch("assent.webhooks.oldest_age", async () => {
    const now = clock.now();
    const oldest = await store.deliveries.oldest(now);
    return [
      { value: oldest === null ? 0 : Math.max(0, now.getTime() - oldest.getTime()) / 1_000, attributes: {} },
    ];
  });
  telemetry.watch("assent.breaker.state", async () =>
    [...(await store.breakers.list())].flatMap(([provider, breaker]) =>
      BREAKER_STATES.map((state) => ({
        value: breaker.state === state ? 1 : 0,
        attributes: { [GEN_AI.provider]: provider, [ASSENT.breaker]: state },
      })),
    ),
  );
}
