import { RUN_STATES, type RunState } from "@assent/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isTerminal, RUN_EVENT_MEANINGS, RUN_EVENTS, transition } from "./run.ts";

test("the legal transitions are this table and nothing else", () => {
  const table = RUN_STATES.flatMap((from) =>
    RUN_EVENTS.flatMap((event) => {
      const next = transition(from, event);
      return next.ok ? [`${from} --${event}--> ${next.value}`] : [];
    }),
  );
  expect(table).toEqual([
    "queued --leased--> running",
    "queued --attempts_exhausted--> dead_lettered",
    "queued --cancelled--> cancelled",
    "running --parked--> awaiting_approval",
    "running --released--> queued",
    "running --finished--> succeeded",
    "running --gave_up--> failed",
    "running --attempts_exhausted--> dead_lettered",
    "running --cancelled--> cancelled",
    "awaiting_approval --resumed--> queued",
    "awaiting_approval --cancelled--> cancelled",
  ]);
});

test("every event says what it means, in words of its own", () => {
  expect(Object.keys(RUN_EVENT_MEANINGS).toSorted()).toEqual(RUN_EVENTS.toSorted());
  const meanings = Object.values(RUN_EVENT_MEANINGS);
  expect(new Set(meanings).size).toBe(RUN_EVENTS.length);
  for (const meaning of meanings) expect(meaning).toMatch(/^[a-z].{10,}[^.]$/);
});

test("terminal is terminal, whatever happens before and after", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...RUN_EVENTS), { maxLength: 60 }), (events) => {
      let state: RunState = "queued";
      for (const event of events) {
        const next = transition(state, event);
        if (isTerminal(state))
          expect(next).toEqual({ ok: false, error: { reason: "no_such_transition", from: state, event } });
        if (next.ok) state = next.value;
      }
    }),
    { seed: 42 },
  );
  expect(RUN_STATES.filter(isTerminal)).toEqual(["succeeded", "failed", "cancelled", "dead_lettered"]);
});
