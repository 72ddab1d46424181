// A message to a webhook, from the row that waits to the receiver that has it, where any statement and the request itself can be made to
// fail. Whoever dies is another process's to make up for, as in life: when its time with the message is over.

import { createFailpoints, type Failpoints, withFailpoints } from "@assent/suite";
import { err } from "../../../packages/harness/src/base/result.ts";
import type { WebhookPost } from "../../../packages/harness/src/ports.ts";
import { startSender } from "../../../packages/harness/src/services/webhooks/sender.ts";
import { type Engine, openEngine, value } from "../engine.ts";
import { DERIVED } from "../engine-defaults.ts";
import { faultyPool } from "../faulty-pool.ts";
import { postTo, type Receiver, startReceiver } from "../webhook-receiver.ts";
import type { HappyPath } from "./happy-path.ts";
import { unlessDead } from "./unless-dead.ts";

/** Longer than anything keeps a message waiting after a few failures. */
const LATER_MS = 3 * 3_600_000;
/** Processes that try; more means that the message never gets there. */
const TRIES_MAX = 8;

export async function openToldPath(): Promise<HappyPath> {
  const points = createFailpoints();
  const pools: { abandon(): void }[] = [];
  const receiver = await startReceiver();
  const engine = await openEngine({
    wrapPool: (pool) => {
      const faulty = faultyPool(pool, points);
      pools.push(faulty);
      return faulty.pool;
    },
  });
  const post = postTo([receiver]);
  const failing = withFailpoints({ send: post.send.bind(post) }, "post", points, ["send"]);
  // As the real one, which says what went wrong and never throws.
  const webhookPost: Pick<WebhookPost, "send"> = {
    send: async (...given) => await failing.send(...given).catch(() => err("not_reached")),
  };
  const harness = engine.again({ webhookPost: post });
  const request = { url: receiver.url, events: ["run.ended" as const], description: "" };
  const { id } = value(await harness.webhooks.create(engine.caller, request));
  const abandon = (): void => {
    for (const pool of pools) pool.abandon();
  };

  /** One process: it looks once, and lives until it has said what came of that, or dies. */
  const tryOnce = async (): Promise<void> => {
    const said = Promise.withResolvers<undefined>();
    const tell = (): void => {
      said.resolve(undefined);
    };
    const sender = startSender({
      ...engine.ports,
      ...DERIVED,
      webhookPost,
      telemetry: { count: tell },
      log: (level, ...words) => {
        engine.ports.log(level, ...words);
        if (level === "warn") tell();
      },
    });
    try {
      await unlessDead(points, async () => {
        sender.look();
        await said.promise;
        await sender.stop();
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      abandon();
    }
  };

  const live = async (): Promise<readonly string[]> => {
    const ping = await points.aside(async () => value(await harness.webhooks.ping(engine.caller, id)));
    for (let tried = 0; tried < TRIES_MAX; tried += 1) {
      await tryOnce();
      const state = await points.aside(async () => await stateOf(engine, ping.id));
      if (state === "delivered") return contradictions(receiver, ping.id, points);
      engine.clock.advance(LATER_MS);
    }
    return [`it is not delivered after ${TRIES_MAX} tries`];
  };
  return {
    points,
    engine,
    live,
    async [Symbol.asyncDispose]() {
      abandon();
      await engine[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

async function stateOf({ database }: Engine, id: string): Promise<string> {
  const { rows } = await database
    .ownerPool()
    .query<{ state: string }>("select state from assent.webhook_deliveries where id = $1::uuid", [
      id.slice("msg_".length),
    ]);
  return rows[0]?.state ?? "gone";
}

/** How often it can have come: once, and once more for the fault. */
function contradictions(receiver: Receiver, id: string, points: Failpoints): readonly string[] {
  const came = receiver.received.filter((message) => message.id === id);
  const most = points.fired() === null ? 1 : 2;
  return [
    ...(came.length >= 1 ? [] : ["it is said to be delivered, and never came"]),
    ...(came.length <= most ? [] : [`it came ${came.length} times`]),
    ...(new Set(came.map(({ body }) => body)).size <= 1 ? [] : ["a repeat says something else"]),
  ];
}
