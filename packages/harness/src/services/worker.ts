// Takes messages, holds leases, keeps them alive, and hands work back when it is told to stop.

import { LEASE_RENEWAL_SECONDS, WORKER_RUNS_MAX } from "../base/limits.ts";
import type { Delivery, Fence, Queue, WorkerId } from "../ports.ts";
import { ASSENT, GEN_AI } from "../core/telemetry/names.ts";
import type { OrchestratorPorts } from "./held.ts";
import { inSpan } from "./traced/span.ts";
import { advanceRun, type Claim, claimRun, leaseEnd } from "./orchestrator.ts";

export type Worker = {
  /** Stops taking work, ends or gives back what it holds, and resolves when it holds nothing. */
  stop(): Promise<void>;
};

export async function startWorker(ports: OrchestratorPorts, queue: Queue, worker: WorkerId): Promise<Worker> {
  const stopping = new AbortController();
  const consumer = await queue.consume(WORKER_RUNS_MAX, async (delivery) => {
    if (stopping.signal.aborted) throw new Error("the worker is stopping");
    await handle(ports, worker, delivery, stopping.signal);
  });
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await consumer.stop();
    },
  };
}

async function handle(
  ports: OrchestratorPorts,
  worker: WorkerId,
  { message }: Delivery,
  stopping: AbortSignal,
): Promise<void> {
  if (message.v !== 1) throw new Error(`a message of version ${String(message.v)} is for a newer program`);
  const claim = await claimRun(ports, worker, message.tenant, message.run);
  if (claim === null) return;
  const fence: Fence = { tenant: message.tenant, run: message.run, token: claim.run.fencingToken };
  const lost = new AbortController();
  const done = new AbortController();
  const renewal = keepLease(ports, fence, lost, done.signal);
  try {
    await inRun(ports, claim, async () => {
      await advanceRun(ports, claim, lost.signal, stopping);
    });
  } finally {
    done.abort();
    await renewal;
  }
}

// Each hold on a run is a span of the trace that its submission began, whichever process has it.
async function inRun(
  { telemetry, clock }: OrchestratorPorts,
  { run, definition }: Claim,
  work: () => Promise<void>,
): Promise<void> {
  const startedAt = clock.now().getTime();
  const about = { [GEN_AI.operation]: "invoke_agent", [GEN_AI.agent]: definition.name };
  await inSpan(
    telemetry,
    `invoke_agent ${definition.name}`,
    {
      kind: "consumer",
      parent: run.traceparent,
      attributes: { ...about, [ASSENT.attempt]: run.attempt },
      shared: { [GEN_AI.conversation]: run.id },
    },
    work,
  );
  telemetry.record("gen_ai.invoke_agent.duration", (clock.now().getTime() - startedAt) / 1_000, about);
}

// A lease that cannot be renewed is taken for lost before it is: better idle than a second writer.
async function keepLease(
  { store, clock, log }: OrchestratorPorts,
  fence: Fence,
  lost: AbortController,
  done: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(LEASE_RENEWAL_SECONDS * 1000, done);
    if (done.aborted) return;
    try {
      const renewed = await store.transaction(
        fence.tenant,
        async (tx) => await tx.runs.renew(fence, leaseEnd(clock.now())),
      );
      if (renewed) continue;
    } catch (error) {
      log("warn", "a lease could not be renewed", {
        run_id: fence.run,
        error: error instanceof Error ? error.message : "unknown",
      });
    }
    lost.abort();
    return;
  }
}
