// Sends messages to webhooks. Any number of processes may do so at once: what one has taken no other takes until its time is over, and
// what became of an attempt counts only while no other has begun. So a message reaches its receiver at least once, under one id.

import type { TenantId, WebhookId } from "@assent/contract";
import { WEBHOOK_ATTEMPT_SECONDS } from "../../base/limits.ts";
import { retryAfterMsOf } from "../../core/resilience/passing.ts";
import { ASSENT } from "../../core/telemetry/names.ts";
import { messageBody, messageHeaders } from "../../core/webhook/message.ts";
import { messagePauseMs, receiverPauseMs, RETRY_AFTER_MS_MAX } from "../../core/webhook/schedule.ts";
import type {
  AttemptEnd,
  Clock,
  ClockWatch,
  DueDelivery,
  Log,
  Random,
  Store,
  Telemetry,
  WebhookAnswer,
  WebhookPost,
} from "../../ports.ts";
import type { Result } from "../../base/result.ts";
import type { Sweeping } from "../sweeping.ts";
import type { WebhookSecret } from "./secrets.ts";

/** Under way in one process; a receiver that keeps us waiting has no more than its share of them. */
const SENDING_MAX = 16;
const SENDING_TO_ONE_MAX = 4;

export type SenderPorts = {
  readonly store: Pick<Store, "transaction" | "deliveries">;
  readonly webhookPost: Pick<WebhookPost, "send">;
  readonly webhookSecret: WebhookSecret;
  readonly clock: Clock;
  readonly clockWatch: Pick<ClockWatch, "difference">;
  readonly random: Random;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, "count">;
};

export type Sender = Sweeping & {
  /** There may be messages to send. */
  look(): void;
};

/** Attempts under way at one webhook, and what breaks each off. */
type SendingTo = {
  readonly tenant: TenantId;
  readonly attempts: Map<Promise<void>, AbortController>;
};

/**
 * Looks when it is told to, and again while there was something. Stops at once: what is under way is broken off and handed
 * back.
 */
export function startSender(ports: SenderPorts): Sender {
  const { clock, log } = ports;
  const sending = new Map<WebhookId, SendingTo>();
  let woken = Promise.withResolvers<undefined>();
  let isStopping = false;
  const look = (): void => {
    woken.resolve(undefined);
  };

  const begin = (delivery: DueDelivery): void => {
    const { webhook, tenant } = delivery;
    const { attempts: toOne } = sending.get(webhook) ?? {
      attempts: new Map<Promise<void>, AbortController>(),
    };
    sending.set(webhook, { tenant, attempts: toOne });
    // Of its own: what is derived from a signal that lives as long as the process stays with it.
    const breakingOff = new AbortController();
    if (isStopping) breakingOff.abort();
    const attempt = attemptOf(ports, delivery, breakingOff.signal).finally(() => {
      toOne.delete(attempt);
      if (toOne.size === 0) sending.delete(webhook);
      // A hand is free again, and there may be more than there were hands.
      look();
    });
    toOne.set(attempt, breakingOff);
  };

  const take = async (): Promise<void> => {
    // By a clock that is astray nothing is sent: a receiver goes by the time that a message is signed for.
    if (ports.clockWatch.difference() !== null) return;
    const underWay = [...sending.values()].flatMap(({ tenant, attempts }) => [...attempts].map(() => tenant));
    const most = SENDING_MAX - underWay.length;
    if (most <= 0) return;
    const at = clock.now();
    const deliveries = await ports.store.deliveries.take({
      at,
      until: new Date(at.getTime() + WEBHOOK_ATTEMPT_SECONDS * 1_000),
      busy: [...sending].flatMap(([id, { attempts }]) => (attempts.size >= SENDING_TO_ONE_MAX ? [id] : [])),
      sending: underWay,
      most,
      mostOfOne: SENDING_TO_ONE_MAX,
    });
    for (const delivery of deliveries) begin(delivery);
  };

  const loop = (async () => {
    for (;;) {
      await woken.promise;
      if (isStopping) break;
      // What is told from here on is looked for once more.
      woken = Promise.withResolvers();
      try {
        await take();
      } catch (error) {
        log("warn", "looking for messages to webhooks failed", {
          error: error instanceof Error ? error.message : "unknown",
        });
      }
    }
    await Promise.all([...sending.values()].flatMap(({ attempts }) => [...attempts.keys()]));
  })();
  return {
    look,
    async stop(): Promise<void> {
      isStopping = true;
      for (const { attempts } of sending.values())
        for (const breakingOff of attempts.values()) breakingOff.abort();
      look();
      await loop;
    },
  };
}

async function attemptOf(ports: SenderPorts, delivery: DueDelivery, stopping: AbortSignal): Promise<void> {
  const { store, log, telemetry } = ports;
  const about = { webhook_id: delivery.webhook, delivery_id: delivery.id, attempt: delivery.attempt };
  try {
    const end = endOf(ports, delivery, await send(ports, delivery, stopping));
    await store.transaction(delivery.tenant, async (tx) => {
      if (!(await tx.webhooks.endAttempt(end)) || end.end !== "gone") return;
      const data = { webhook_id: delivery.webhook };
      await tx.access.append({ at: end.at, kind: "webhook_gone", actor: null, data });
    });
    telemetry.count("assent.webhooks.attempts", { [ASSENT.outcome]: end.end });
    if (end.end === "gone") log("info", "a webhook wants no more messages", about);
    else if (end.end === "failed" && end.again === null)
      log("warn", "a message to a webhook was given up", { ...about, failure: end.failure });
  } catch (error) {
    // Another attempt comes when this one's time is over.
    log("warn", "what became of a message to a webhook could not be kept", {
      ...about,
      error: error instanceof Error ? error.message : "unknown",
    });
  }
}

async function send(
  { webhookPost, webhookSecret, clock }: SenderPorts,
  delivery: DueDelivery,
  signal: AbortSignal,
): Promise<Result<WebhookAnswer, string>> {
  const body = messageBody(delivery);
  const now = clock.now();
  const { webhook, generation, previousUntil } = delivery;
  const secrets = [
    webhookSecret(webhook, generation),
    ...(previousUntil !== null && previousUntil > now ? [webhookSecret(webhook, generation - 1)] : []),
  ];
  return await webhookPost.send(delivery.url, messageHeaders(delivery.id, body, now, secrets), body, signal);
}

/** Any 2xx is taken; a redirect is not followed, and so a failure like any other. */
function endOf(
  { clock, random }: Pick<SenderPorts, "clock" | "random">,
  { id, attempt, counted, failures }: DueDelivery,
  answer: Result<WebhookAnswer, string>,
): AttemptEnd {
  const at = clock.now();
  const of = { delivery: id, attempt, at, status: answer.ok ? answer.value.status : null };
  if (!answer.ok && answer.error === "called_off") return { ...of, end: "handed_back" };
  if (answer.ok && answer.value.status >= 200 && answer.value.status < 300)
    return { ...of, end: "delivered" };
  if (answer.ok && answer.value.status === 410) return { ...of, end: "gone" };
  const asked = answer.ok
    ? retryAfterMsOf(answer.value.retryAfter, answer.value.date, RETRY_AFTER_MS_MAX)
    : null;
  const chance = Buffer.from(random.bytes(2)).readUInt16BE() / 65_536;
  const pauseMs = messagePauseMs(counted, chance, asked);
  return {
    ...of,
    end: "failed",
    failure: answer.ok ? `status_${answer.value.status}` : answer.error,
    again: pauseMs === null ? null : new Date(at.getTime() + pauseMs),
    pausedUntil: new Date(at.getTime() + receiverPauseMs(failures + 1, chance, asked)),
  };
}
