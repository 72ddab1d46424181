import type { StepState } from "@assent/contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Journal, JournalStep } from "./journal.ts";
import { nextMove } from "./next.ts";
import { call, gateStep, rollbackStep, step, toolStep, turn, undoStep } from "./testing/made-journal.ts";

test.each<[string, Journal, string]>([
  ["an empty journal asks the model", [], "call_model"],
  [
    "a lost model call is made again",
    [step(1, "intended", { kind: "model", promptDigest: "sha256:0" })],
    "call_model",
  ],
  ["a new call is judged", [turn(1, [call("a")])], "decide"],
  ["an open gate waits", [turn(1, [call("a")]), gateStep(2, "a", null)], "wait"],
  ["a yes dispatches", [turn(1, [call("a")]), gateStep(2, "a", "approved")], "dispatch"],
  ["a no goes on to the model", [turn(1, [call("a")]), gateStep(2, "a", "denied")], "call_model"],
  ["silence goes on to the model", [turn(1, [call("a")]), gateStep(2, "a", "expired")], "call_model"],
  ["a no leaves the other calls", [turn(1, [call("a"), call("b")]), gateStep(2, "a", "denied")], "decide"],
  [
    "an interrupted harmless call is repeated",
    [turn(1, [call("a")]), toolStep(2, "a", "intended", { effect: "idempotent" })],
    "repeat",
  ],
  [
    "an interrupted `once` call is in doubt",
    [turn(1, [call("a")]), toolStep(2, "a", "intended", { effect: "once" })],
    "doubt",
  ],
  [
    "a call in doubt is asked about",
    [turn(1, [call("a")]), toolStep(2, "a", "in_doubt", { effect: "once" })],
    "ask_about_doubt",
  ],
  [
    "an answer about a doubt settles it",
    [turn(1, [call("a")]), toolStep(2, "a", "in_doubt", { effect: "once" }), gateStep(3, "a", "approved", 2)],
    "settle_doubt",
  ],
  [
    "an answer that was used up is not used again",
    [
      turn(1, [call("a")]),
      toolStep(2, "a", "in_doubt", { effect: "once", retriedBySeq: 3 }),
      gateStep(3, "a", "approved", 2),
    ],
    "ask_about_doubt",
  ],
  [
    "when every call is answered the model is asked",
    [turn(1, [call("a")]), toolStep(2, "a", "succeeded")],
    "call_model",
  ],
  ["a refusal is an answer", [turn(1, [call("a")]), toolStep(2, "a", "refused")], "call_model"],
  ["words without a call end the run", [turn(1, [], "done")], "finalise"],
  [
    "a lost finalisation is made again",
    [turn(1, [], "done"), step(2, "intended", { kind: "finalise" })],
    "finalise",
  ],
  [
    "the same call id in a later turn is another call",
    [turn(1, [call("a")]), toolStep(2, "a", "succeeded"), turn(3, [call("a")])],
    "decide",
  ],
])("%s", (_name, journal, move) => {
  expect(nextMove(journal).do).toBe(move);
});

test("the newest gate of a call counts, and one about what became of it is none for the call", () => {
  const asked = [turn(1, [call("a")]), gateStep(2, "a", "approved")];
  expect(nextMove([...asked, gateStep(3, "a", "denied")]).do).toBe("call_model");
  expect(
    nextMove([turn(1, [call("a")]), gateStep(2, "a", "denied"), gateStep(3, "a", "approved")]),
  ).toMatchObject({
    do: "dispatch",
    gate: { seq: 3 },
  });
  expect(nextMove([turn(1, [call("a")]), gateStep(2, "a", "approved", 7)]).do).toBe("decide");
});

test("a gate for one call never lets another call through", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 6 }), (ids) => {
      const calls = ids.map(call);
      const [first, second] = ids;
      if (first === undefined || second === undefined) return;
      const move = nextMove([turn(1, calls), gateStep(2, second, "approved")]);
      expect(move).toMatchObject({ do: "decide", call: { id: first } });
    }),
    { seed: 42 },
  );
});

test("a journal that grows for ever ends the run", () => {
  const journal: JournalStep[] = [];
  while (journal.length < 200) {
    journal.push(turn(journal.length + 1, [call("a")]));
    journal.push(toolStep(journal.length + 1, "a", "succeeded"));
  }
  expect(nextMove(journal)).toMatchObject({ do: "give_up", error: { code: "step_limit" } });
});

describe("a run that is taken back", () => {
  const done = toolStep(2, "a", "succeeded", { effect: "once" });
  const undo = (seq: number, state: StepState, rest: Partial<JournalStep> = {}): JournalStep =>
    undoStep(seq, 2, state, rest);
  const begun = [turn(1, [call("a")]), done, rollbackStep(3, [2])];
  const refused = { error: { code: "http_refused", detail: "" } };
  const unknown = { error: { code: "outcome_unknown", detail: "" } };

  test.each<[string, JournalStep[], string]>([
    ["takes back what it did", begun, "compensate"],
    ["asks about a compensation that a crash cut off", [...begun, undo(4, "intended")], "doubt"],
    ["repeats one that may be repeated", [...begun, undo(4, "intended", { effect: "idempotent" })], "repeat"],
    ["asks a person where nobody can tell", [...begun, undo(4, "in_doubt")], "ask_about_doubt"],
    ["tries again what surely did nothing", [...begun, undo(4, "failed", refused)], "compensate"],
    ["never tries again what may have happened", [...begun, undo(4, "failed", unknown)], "end_rollback"],
    ["never asks the rules twice", [...begun, undo(4, "refused", refused)], "end_rollback"],
    [
      "gives up in the end",
      [...begun, ...[4, 5, 6, 7, 8].map((seq) => undo(seq, "failed", refused))],
      "end_rollback",
    ],
    ["ends when all is taken back", [...begun, undo(4, "succeeded")], "end_rollback"],
    [
      "leaves alone what was open when it began",
      [turn(1, [call("a")]), toolStep(2, "a", "in_doubt", { effect: "once" }), rollbackStep(3, [2])],
      "compensate",
    ],
  ])("%s", (_name, journal, move) => {
    expect(nextMove(journal).do).toBe(move);
  });
});
