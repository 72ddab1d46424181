import { RUN_STATES, STEP_STATES, APPROVAL_STATES, DELIVERY_STATUSES } from "@assent/contract";
import { expect, test } from "vitest";
import { ago, ahead, duration, harmWords, toneOf } from "./words.ts";

test.each([
  [0, "0 seconds"],
  [999, "0 seconds"],
  [1_000, "1 second"],
  [59_999, "59 seconds"],
  [60_000, "1 minute"],
  [7_199_999, "1 hour"],
  [172_799_999, "1 day"],
  [259_200_000, "3 days"],
])("%i ms are %s: never more than there is", (ms, said) => {
  expect(duration(ms)).toBe(said);
});

test("what is just now, or by the server's clock a moment ahead, is now", () => {
  const at = "2026-11-22T03:00:00.000Z";
  expect([ago(at, Date.parse(at) + 400), ago(at, Date.parse(at) - 5_000)]).toEqual(["now", "now"]);
  expect(ago(at, Date.parse(at) + 120_000)).toBe("2 minutes ago");
});

test("what is to come is so far ahead, and now once it is due", () => {
  const at = "2026-11-22T03:00:00.000Z";
  expect([1, 999, 1_000, 300_000].map((ms) => ahead(at, Date.parse(at) - ms))).toEqual([
    "now",
    "now",
    "in 1 second",
    "in 5 minutes",
  ]);
  expect(ahead(at, Date.parse(at) + 60_000)).toBe("now");
});

test("every harm has its words, and none is a read", () => {
  expect(harmWords([])).toBe("reads only");
  expect(harmWords(["money", "destructive"])).toBe("spends money, destroys something");
});

test("a state that ended badly never looks like one that went well", () => {
  const tones = Object.fromEntries(
    [...RUN_STATES, ...STEP_STATES, ...APPROVAL_STATES, ...DELIVERY_STATUSES, "on", "failing", "off"].map(
      (state) => [state, toneOf(state)],
    ),
  );
  expect(tones).toEqual({
    queued: "idle",
    running: "idle",
    awaiting_approval: "waits",
    succeeded: "well",
    failed: "ill",
    cancelled: "idle",
    dead_lettered: "ill",
    intended: "idle",
    refused: "ill",
    in_doubt: "waits",
    open: "waits",
    approved: "well",
    denied: "ill",
    expired: "ill",
    spent: "well",
    pending: "idle",
    delivered: "well",
    dead: "ill",
    on: "well",
    failing: "ill",
    off: "ill",
  });
});
