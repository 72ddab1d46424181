// The worker of a process, and its share of the housekeeping: every worker sweeps, and no one leads.

import type { Connection } from "../adapters/postgres/connect.ts";
import { announceWorker } from "../adapters/postgres/presence.ts";
import type { createWakeUps } from "../adapters/postgres/wake-ups.ts";
import type { OrchestratorPorts } from "../services/held.ts";
import { startContentSweeper } from "../services/content-sweeper.ts";
import { startCopySweeper } from "../services/copy-sweeper.ts";
import { startExpiry } from "../services/expiry.ts";
import { startSweeper } from "../services/sweeper.ts";
import { startClosing } from "../services/unanswered.ts";
import { startWorker } from "../services/worker.ts";
import { startDeliverySweeper } from "../services/webhooks/delivery-sweeper.ts";
import { type SenderPorts, startSender } from "../services/webhooks/sender.ts";

type Options = {
  readonly app: Connection;
  readonly wakeUps: ReturnType<typeof createWakeUps>;
  readonly runsMax: number;
  readonly tenantSlots: number | null;
};

export async function startWorking(
  ports: OrchestratorPorts & Pick<SenderPorts, "webhookPost" | "webhookSecret">,
  { app, wakeUps, ...size }: Options,
  started: AsyncDisposableStack,
): Promise<{ isPresent(): boolean }> {
  const worker = Buffer.from(ports.random.bytes(4)).readInt32BE() >>> 1;
  const presence = await announceWorker(app, worker, {
    clock: ports.clock,
    log: ports.log,
    heard: wakeUps.heard,
  });
  started.defer(async () => {
    await presence.end();
  });
  const consumer = startWorker(ports, { worker, wakeUps, ...size });
  started.defer(async () => {
    await consumer.stop();
  });
  const sender = startSender(ports);
  const loops = [
    sender,
    startSweeper(ports, { onQueued: () => consumer.look(), onMessage: () => sender.look() }),
    startExpiry(ports),
    startContentSweeper(ports),
    startCopySweeper(ports),
    startClosing(ports),
    startDeliverySweeper(ports),
  ];
  for (const loop of loops)
    started.defer(async () => {
      await loop.stop();
    });
  return presence;
}
