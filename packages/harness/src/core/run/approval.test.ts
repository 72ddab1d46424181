import { APPROVAL_STATES } from "@assent/contract";
import { expect, test } from "vitest";
import { APPROVAL_EVENTS, approvalTransition } from "./approval.ts";

test("the legal transitions are this table and nothing else: decided once, spent once", () => {
  const table = APPROVAL_STATES.flatMap((from) =>
    APPROVAL_EVENTS.flatMap((event) => {
      const next = approvalTransition(from, event);
      return next.ok ? [`${from} --${event}--> ${next.value}`] : [];
    }),
  );
  expect(table).toEqual([
    "open --approved--> approved",
    "open --denied--> denied",
    "open --expired--> expired",
    "open --cancelled--> cancelled",
    "approved --cancelled--> cancelled",
    "approved --spent--> spent",
  ]);
});

test("a refusal names what was asked of what", () => {
  expect(approvalTransition("denied", "approved")).toEqual({
    ok: false,
    error: { reason: "no_such_transition", from: "denied", event: "approved" },
  });
});
