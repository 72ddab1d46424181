import { type Delivery, DELIVERY_STATUSES, WEBHOOK_EVENTS } from "@assent/contract";
import { expect, test } from "vitest";
import { EVENTS, outcomeWords, pauseWords, sentAgain, STATUSES, webhookState } from "./webhook-words.ts";

const AT = "2026-11-22T12:00:00.000Z";
const NOW = Date.parse(AT);

const message = (given: Partial<Delivery>): Delivery => ({
  id: `msg_${"0a".repeat(16)}`,
  type: "run.ended",
  run_id: null,
  at: AT,
  status: "pending",
  attempts: 0,
  next_attempt_at: AT,
  ended_at: null,
  response_status: null,
  failure: null,
  ...given,
});

test("whatever one can be told of, and whatever becomes of a message, can be chosen", () => {
  expect(EVENTS.map(([event]) => event)).toEqual(WEBHOOK_EVENTS);
  expect(STATUSES.map(([status]) => status)).toEqual(["", ...DELIVERY_STATUSES]);
});

test("one that is off is off however often it failed, and one that fails is not well", () => {
  expect(webhookState({ status: "off", failures: 3 })).toBe("off");
  expect(webhookState({ status: "on", failures: 3 })).toBe("failing");
  expect(webhookState({ status: "on", failures: 0 })).toBe("on");
});

test("a pause that is over is none", () => {
  expect([AT, null].map((until) => pauseWords(until, NOW))).toEqual(["", ""]);
  expect(pauseWords(AT, NOW - 300_000)).toBe("in 5 minutes");
});

test("of a message is said why it failed or what was answered, and when it is tried again", () => {
  const said = (given: Partial<Delivery>): string => outcomeWords(message(given), NOW - 5_000);
  expect(said({})).toBe("");
  expect(said({ attempts: 1, response_status: 500, failure: "status_500" })).toBe(
    "status 500, tried again in 5 seconds",
  );
  expect(said({ attempts: 1 })).toBe("tried again in 5 seconds");
  const ended = { attempts: 10, next_attempt_at: null, ended_at: AT };
  expect(said({ ...ended, status: "dead", failure: "timed_out" })).toBe("timed out");
  expect(said({ ...ended, status: "delivered", response_status: 204 })).toBe("answered 204");
});

test("how many are sent again is counted in words", () => {
  expect([0, 1, 2].map(sentAgain)).toEqual([
    "No message is dead.",
    "1 message is sent again.",
    "2 messages are sent again.",
  ]);
});
