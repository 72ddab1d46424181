// What is said of webhooks and their messages, in words for people.

import type { Delivery, Webhook, WebhookEvent } from "@assent/contract";
import { ahead, stateWords } from "./words.ts";

/** Everything that one can be told of. */
export const EVENTS: readonly (readonly [WebhookEvent, string])[] = [
  ["approval.requested", "a person is asked"],
  ["approval.decided", "it was answered, ran out, or was called off"],
  ["run.ended", "a run has ended"],
  ["run.effects_left", "what a failed run did outside could not be taken back"],
];

/** By what its messages can be narrowed; the first word is the wire's, empty for all of them. */
export const STATUSES = [
  ["", "all"],
  ["pending", "waiting"],
  ["delivered", "delivered"],
  ["dead", "dead"],
] as const;

export const webhookState = ({ status, failures }: Pick<Webhook, "status" | "failures">): string =>
  status === "off" ? "off" : failures > 0 ? "failing" : "on";

/** @returns empty where nothing holds it back */
export const pauseWords = (until: string | null, now: number): string =>
  until === null || Date.parse(until) <= now ? "" : ahead(until, now);

/** What became of a message beside its state: why the last attempt failed, or what the answer was, and when it is tried again. */
export function outcomeWords(
  { status, failure, response_status: answer, attempts, next_attempt_at: next }: Delivery,
  now: number,
): string {
  const why = failure !== null ? stateWords(failure) : answer !== null ? `answered ${answer}` : "";
  const again =
    status === "pending" && attempts > 0 && next !== null ? `tried again ${ahead(next, now)}` : "";
  return [why, again].filter((words) => words !== "").join(", ");
}

export const sentAgain = (count: number): string =>
  count === 0 ? "No message is dead." : `${count} ${count === 1 ? "message is" : "messages are"} sent again.`;
