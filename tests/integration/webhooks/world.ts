// An engine whose tenant has a webhook, and senders as worker processes have them.

import type { CreatedWebhook, Delivery, DeliveryStatus, WebhookEvent, WebhookId } from "@assent/contract";
import type { Caller, Store, WebhookPost } from "../../../packages/harness/src/ports.ts";
import { startSweeper } from "../../../packages/harness/src/services/sweeper.ts";
import type { Harness } from "../../../packages/harness/src/services/harness.ts";
import {
  type Sender,
  type SenderPorts,
  startSender,
} from "../../../packages/harness/src/services/webhooks/sender.ts";
import { type Engine, type EngineOptions, openEngine, value } from "../../support/engine.ts";
import { DERIVED } from "../../support/engine-defaults.ts";
import { until } from "../../support/until.ts";
import { postTo, type Receiver } from "../../support/webhook-receiver.ts";

export type World = AsyncDisposable & {
  readonly engine: Engine;
  readonly harness: Harness;
  create(
    receiver: Pick<Receiver, "url">,
    events?: readonly WebhookEvent[],
    caller?: Caller,
  ): Promise<CreatedWebhook>;
  /** Another process that sends. */
  startSender(options?: {
    readonly store?: Store;
    readonly post?: WebhookPost;
    /** False: nothing tells it to look but the test. */
    readonly isSwept?: boolean;
  }): Sender;
  deliveries(id: WebhookId, status?: DeliveryStatus): Promise<readonly Delivery[]>;
  ping(id: WebhookId): Promise<Delivery>;
  /**
   * Waits for a condition while time goes by: to when the next message is due, and never over an attempt that is under way, which
   * would be taken for lost.
   */
  reaches(what: string, look: () => Promise<boolean> | boolean): Promise<void>;
};

export async function openWorld(
  receivers: readonly Pick<Receiver, "url">[],
  options: EngineOptions = {},
): Promise<World> {
  const engine = await openEngine(options);
  const webhookPost = postTo(receivers);
  const harness = engine.again({ webhookPost });
  const senders: { stop(): Promise<void> }[] = [];
  const { counted, underWay } = countAttempts();
  const nextDue = async (): Promise<number> => {
    const { rows } = await engine.database.ownerPool().query<{ due: Date | null }>(
      `select min(greatest(d.due_at, w.paused_until)) as due from assent.webhook_deliveries d
         join assent.webhooks w on w.id = d.webhook_id where d.state = 'pending' and w.off_because is null`,
    );
    return rows[0]?.due?.getTime() ?? 0;
  };
  const deliveries: World["deliveries"] = async (id, status) =>
    value(
      await harness.webhooks.deliveries(engine.caller, id, {
        status: status ?? null,
        limit: 100,
        cursor: null,
      }),
    ).data;
  return {
    engine,
    harness,
    create: async (
      { url },
      events = ["approval.requested", "approval.decided", "run.ended"],
      caller = engine.caller,
    ) => value(await harness.webhooks.create(caller, { url, events: [...events], description: "" })),
    startSender: ({ store = engine.store, post = webhookPost, isSwept = true } = {}) => {
      const sender = startSender({
        ...engine.ports,
        ...counted(store),
        webhookPost: post,
        webhookSecret: DERIVED.webhookSecret,
      });
      // As in a worker, whose sweeps tell it.
      const sweeper = isSwept ? [startSweeper(engine.ports, { onMessage: () => sender.look() })] : [];
      senders.push(...sweeper, sender);
      return sender;
    },
    deliveries,
    ping: async (id) => value(await harness.webhooks.ping(engine.caller, id)),
    reaches: async (what, look) => {
      await until(what, async () => {
        if (await look()) return true;
        const due = await nextDue();
        // Looked at after what the database says: whoever has taken a message there has begun here.
        if (!underWay()) engine.clock.advance(Math.max(due - engine.clock.now().getTime(), 1_000));
        return undefined;
      });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const sender of senders) await sender.stop();
      await engine[Symbol.asyncDispose]();
    },
  };
}

function countAttempts(): {
  readonly counted: (store: Store) => Pick<SenderPorts, "store" | "telemetry">;
  readonly underWay: () => boolean;
} {
  let taking = 0;
  let begun = 0;
  let ended = 0;
  return {
    counted: (store) => ({
      store: {
        ...store,
        deliveries: {
          ...store.deliveries,
          take: async (given) => {
            taking += 1;
            try {
              const taken = await store.deliveries.take(given);
              begun += taken.length;
              return taken;
            } finally {
              taking -= 1;
            }
          },
        },
      },
      telemetry: {
        count: () => {
          ended += 1;
        },
      },
    }),
    underWay: () => taking > 0 || begun > ended,
  };
}
